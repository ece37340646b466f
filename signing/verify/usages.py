"""Where an object is used: every way that leads to it from the trailer, as pyHanko's difference analysis
asks.

pyHanko finds all ways to all objects of a revision, top down, and does so anew for each revision. Here the
references of all objects are turned round once, kept up to date from revision to revision, and followed
upwards from the few objects that are asked about. The ways found are the same (held by a test). A file that
isn't plain (an object that is missing or can't be read, a page tree with a circle) is left to pyHanko.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver, RawPdfPath

from signing.verify.lexing import Name, Ref
from signing.verify.pdfreader import Reader
from signing.verify.survey import Key, Steps, as_value, places_in, survey

_TRAILER: Key = (0, 0)
_STRUCTURE: Steps = ("/Root", "/StructTreeRoot", "/K")  # below it pyHanko leaves out the way up (/P)
_MOST_TRIED = 20_000  # references followed upwards for one object


def revision_of(reader: Reader, number: int) -> "Revision":
    """A revision of a file, the oldest being number 0."""
    if number not in reader.revisions:
        reader.revisions[number] = Revision(reader, number)
    found: Revision = reader.revisions[number]
    return found


def graph_of(reader: Reader) -> "Graph":
    """The graph of a file, made when it is asked for first."""
    if reader.graph is None:
        reader.graph = Graph(reader)
    found: Graph = reader.graph
    return found


class NotPlainError(Exception):
    """The file is one that pyHanko must look at by itself."""


class Revision(HistoricalResolver):
    """A revision of a file; answers what an object is used by without reading the whole file anew."""

    reader: Reader
    revision: int

    def below(self, start: frozenset[Key]) -> set[Key]:
        """These objects, and all that they refer to, and so on; raises NotPlainError."""
        graph = graph_of(self.reader)
        graph.advance(self)
        return graph.below(start)

    def uses(self, reference: generic.Reference) -> bool:
        """Whether any way leads to an object."""
        self._load_reverse_xref_cache()
        return bool(self._get_usages_of_ref(reference))

    def _load_reverse_xref_cache(self) -> None:
        if self._indirect_object_access_cache is not None:
            return
        try:
            graph_of(self.reader).advance(self)
        except NotPlainError:
            super()._load_reverse_xref_cache()  # type: ignore[no-untyped-call]

    def _get_usages_of_ref(self, ref: generic.Reference) -> set[RawPdfPath]:
        if self._indirect_object_access_cache is None:
            try:
                graph = graph_of(self.reader)
                graph.advance(self)
                return {RawPdfPath(*steps) for steps in graph.usages((ref.idnum, ref.generation))}
            except NotPlainError:
                super()._load_reverse_xref_cache()  # type: ignore[no-untyped-call]
        return super()._get_usages_of_ref(ref)


@dataclass(frozen=True)
class _Node:
    """What decides whether an object belongs to the page tree or the structure tree, as it is written."""

    type: Any
    kids: Any  # /Kids
    children: Any  # /K


class Graph:
    """The references between the objects of a file, in one revision at a time."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._revision = -1
        self._plain = True
        self._resolver: HistoricalResolver | None = None
        self._places: dict[Key, tuple[tuple[Steps, Key], ...]] = {}  # of the objects that were reached
        self._users: dict[Key, dict[Key, list[Steps]]] = {}  # the same, turned round
        self._nodes: dict[Key, _Node] = {}
        # page tree: node → node above, the step down from it, the object that this step passes
        self._pages: dict[Key, tuple[Key | None, Steps, Key | None]] = {}
        self._structure: set[Key] = set()
        self._frame: set[Key] = set()  # objects that decide what the two trees are
        self._trees: tuple[Any, Any] = (None, None)
        self._found: dict[Key, set[Steps]] = {}
        self._below: dict[frozenset[Key], set[Key]] = {}

    def advance(self, resolver: HistoricalResolver) -> None:
        """Come to a revision; raises NotPlainError."""
        if not self._plain:
            raise NotPlainError
        if resolver.revision == self._revision:
            return
        try:
            self._come_to(resolver)
        except Exception as error:  # whatever the parser stumbles over, pyHanko will say
            self._plain = False
            raise NotPlainError from error

    def _come_to(self, resolver: HistoricalResolver) -> None:
        changed: set[Key] = set()
        anew = resolver.revision != self._revision + 1 or not self._places
        if anew:
            self._places, self._users, self._nodes = {}, {}, {}
        else:
            references = self._reader.xrefs.explicit_refs_in_revision(resolver.revision)
            changed = {(each.idnum, each.generation) for each in references}
        self._revision, self._resolver, self._found = resolver.revision, resolver, {}
        kept = {} if anew else self._below
        self._below = {start: below for start, below in kept.items() if changed.isdisjoint(below)}
        waiting = [key for key in changed if key in self._places]
        for key in (*waiting, _TRAILER):
            self._forget(key)
        self._take(_TRAILER, tuple(places_in(resolver.trailer_view)))
        waiting += self._targets(_TRAILER)
        while waiting:
            key = waiting.pop()
            if key not in self._places:
                self._take(key, self._read(key))
                waiting += self._targets(key)
        root = resolver.root
        trees = tuple(as_value(dict.get(root, name)) for name in ("/Pages", "/StructTreeRoot"))
        if anew or changed & self._frame or trees != self._trees:
            self._trees = trees[0], trees[1]
            self._find_trees()

    def _resolved(self) -> HistoricalResolver:
        if self._resolver is None:
            raise NotPlainError
        return self._resolver

    def _targets(self, key: Key) -> list[Key]:
        return [target for _, target in self._places[key]]

    def _value(self, key: Key) -> tuple[Any, tuple[tuple[Steps, Key], ...]]:
        """An object as it is written, and the places of the references in it."""
        reference = generic.Reference(*key, self._reader)
        marker = self._reader.xrefs.get_historical_ref(reference, self._revision)
        if marker is None:
            raise NotPlainError  # pyHanko refuses it
        found = survey(self._reader, key, marker)
        if found is not None:
            value, places = found.value, found.places
        else:
            held = self._resolved().get_object(reference)
            value, places = as_value(held), tuple(places_in(held))
        if isinstance(value, Ref):
            raise NotPlainError
        return value, places

    def _read(self, key: Key) -> tuple[tuple[Steps, Key], ...]:
        value, places = self._value(key)
        if isinstance(value, dict):
            self._nodes[key] = _Node(value.get(b"Type"), value.get(b"Kids"), value.get(b"K"))
        return places

    def _take(self, key: Key, places: tuple[tuple[Steps, Key], ...]) -> None:
        self._places[key] = places
        for steps, target in places:
            if "/Parent" not in steps:
                self._users.setdefault(target, {}).setdefault(key, []).append(steps)

    def _forget(self, key: Key) -> None:
        self._nodes.pop(key, None)
        for _, target in self._places.pop(key, ()):
            self._users.get(target, {}).pop(key, None)

    def _find_trees(self) -> None:
        """Find the nodes of the page tree and of the structure tree, as pyHanko finds them."""
        self._pages, self._structure, self._frame = {}, set(), set()
        pages, structure = self._trees
        self._walk_pages(pages)
        if structure is not None:
            self._walk_structure(structure)

    def _held(self, value: Any) -> tuple[Any, Key | None]:
        """A node, and the key of the object that it is, when it is one by itself."""
        if not isinstance(value, Ref):
            if isinstance(value, dict):
                return _Node(value.get(b"Type"), value.get(b"Kids"), value.get(b"K")), None
            return value, None
        key = (value.number, value.generation)
        self._frame.add(key)
        return (self._nodes[key] if key in self._nodes else self._value(key)[0]), key

    def _walk_pages(self, pages: Any) -> None:
        node, key = self._held(pages)
        way: Steps = ("/Root", "/Pages")
        if key is not None:
            self._pages[key] = (None, way, None)
        waiting: list[tuple[Any, Key | None, Steps]] = [(node, key, way if key is None else ())]
        while waiting:
            node, above, way = waiting.pop()
            kids, passed = self._held(node.kids)
            if not isinstance(kids, list):
                raise NotPlainError
            for place, kid in enumerate(kids):
                held, key = self._held(kid)
                down = (*way, "/Kids", place)
                if key is not None:
                    if key in self._pages:
                        raise NotPlainError  # a circle
                    self._pages[key] = (above, down, passed)
                if not isinstance(held, _Node) or isinstance(held.type, Ref):
                    raise NotPlainError
                if held.type == Name(b"Pages"):
                    if key is None and passed is not None:
                        raise NotPlainError  # what is passed would have to be kept twice
                    waiting.append((held, above if key is None else key, down if key is None else ()))

    def _walk_structure(self, structure: Any) -> None:
        waiting = [self._held(structure)[0]]
        alone: set[Key] = set()  # only children, which pyHanko doesn't count as nodes of the tree
        while waiting:
            children, own = self._held(waiting.pop().children)
            if own is not None and isinstance(children, _Node):
                if own in alone:
                    raise NotPlainError  # a circle
                alone.add(own)
            for child in children if isinstance(children, list) else (children,):
                held, key = self._held(child)
                if not isinstance(held, _Node):
                    continue  # a marked content's number
                if isinstance(held.type, Ref):
                    raise NotPlainError
                if held.type not in (None, Name(b"StructElem")):
                    continue
                if key is not None:
                    if key in self._structure:
                        raise NotPlainError  # a circle
                    self._structure.add(key)
                waiting.append(held)

    def below(self, start: frozenset[Key]) -> set[Key]:
        """These objects, and all that they refer to, and so on; raises NotPlainError."""
        if start not in self._below:
            found: set[Key] = set()
            waiting = list(start)
            while waiting:
                key = waiting.pop()
                if key in found:
                    continue
                if key not in self._places:
                    raise NotPlainError
                found.add(key)
                waiting += self._targets(key)
            self._below[start] = found
        return self._below[start]

    def usages(self, key: Key) -> set[Steps]:
        """Every way from the trailer to an object; raises NotPlainError when there are too many to try."""
        if key not in self._found:
            self._found[key] = set(self._ways(key))
        return self._found[key]

    def _ways(self, target: Key) -> Iterator[Steps]:
        waiting = [_Way(target, (), frozenset(), 0)]
        for _ in range(_MOST_TRIED):
            if not waiting:
                return
            way = waiting.pop()
            for holder, places in self._users.get(way.start, {}).items():
                if holder in way.passed or holder == way.start:
                    continue
                for steps in places:
                    longer = way.before(holder, steps + way.steps, in_structure=holder in self._structure)
                    if holder == _TRAILER:
                        if longer.followed():
                            yield longer.steps
                    elif holder in self._pages:
                        canonical, nodes = self._canonical(holder)
                        whole = longer.before(_TRAILER, canonical + longer.steps, in_structure=False)
                        if not nodes & way.passed and way.start not in nodes and whole.followed():
                            yield whole.steps
                    elif longer.may_be_followed():
                        waiting.append(longer)
        raise NotPlainError

    def _canonical(self, page: Key) -> tuple[Steps, set[Key]]:
        """The one way through the page tree to a node of it, and the objects on that way."""
        root = self._resolved().root_ref
        nodes: set[Key] = {(root.idnum, root.generation)}
        way: Steps = ()
        node: Key | None = page
        while node is not None:
            nodes.add(node)
            node, steps, passed = self._pages[node]
            way = steps + way
            if passed is not None:
                nodes.add(passed)
        return way, nodes


@dataclass(frozen=True)
class _Way:
    """A way to the object that was asked about, from an object above it, as far as it is known."""

    start: Key
    steps: Steps
    passed: frozenset[Key]  # objects on the way but for the start
    structured: int  # how many of the steps, counted from the end, begin in an element of the structure tree

    def before(self, holder: Key, steps: Steps, *, in_structure: bool) -> "_Way":
        """The way from one object higher."""
        structured = len(steps) if in_structure else self.structured
        return _Way(holder, steps, self.passed | {self.start}, structured)

    def may_be_followed(self) -> bool:
        """Whether it may be a part of a way that is followed."""
        return not (self.structured and "/P" in self.steps[-self.structured :])

    def followed(self) -> bool:
        """Whether pyHanko follows it, now that it begins at the trailer.

        Elements of the structure tree are entered from its root only, and below that /P isn't followed.
        """
        if self.steps[:3] == _STRUCTURE:
            return "/P" not in self.steps[3:] and len(self.steps) - self.structured >= 3
        return not self.structured
