"""What updates did to a PDF before it came here: below each lies an earlier version that nobody sees.

So an update may add what shows nothing: signature fields, signatures, validation data, metadata. Whatever
else it changes is refused, or somebody could bring the earlier version back under a signature. After a
signature, filling in the form is one more thing that an update may do.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader

from signing.errors import DocumentRefusedError
from signing.opened import UNREADABLE, OpenedPdf
from signing.pdf_objects import Ref, Stream, from_pyhanko

_DEEPEST = 64
_SIGNATURE = "/Sig"
_INPUT = ("/Tx", "/Btn", "/Ch")
_CATALOG = {"/AcroForm", "/Metadata", "/Extensions", "/DSS", "/Perms", "/Version"}
_FORM = {"/Fields", "/SigFlags", "/DR", "/DA"}
_PAGE = {"/Annots", "/Tabs", "/LastModified"}
_SIGNED_FIELD = {"/V", "/AP", "/F", "/Type", "/M"}
_FILLED_FIELD = {"/V", "/AP", "/AS", "/M"}

Check = Callable[[Any, Any], bool]


def check_updates(opened: OpenedPdf) -> None:
    """Compare each version of the file with the one before; raises DocumentRefusedError naming the change."""
    reader = opened.reader
    if reader.total_revisions < 2:
        return
    before = _Version(reader, 0)
    for revision in range(1, reader.total_revisions):
        after = _Version(reader, revision)
        if before.shows:
            _Update(before, after, revision).check(reader.xrefs.explicit_refs_in_revision(revision))
        before = after


def only_appended(there: Sequence[Any], now: Sequence[Any]) -> bool:
    """Whether a list is as it was, but for what came behind it.

    The order counts: of the annotations on a page the last one lies on top.
    """
    return list(now[: len(there)]) == list(there)


class _Version:
    """The document as it was after one of its revisions."""

    def __init__(self, reader: PdfFileReader, revision: int) -> None:
        self._reader = reader
        self._revision = revision
        self._resolver = reader.get_historical_resolver(revision)
        self._values: dict[Ref, Any] = {}
        trailer = self._resolver.trailer_view
        self.root = _ref(trailer, "/Root")
        self.info = _ref(trailer, "/Info")
        self.catalog = self.entries(self.root)

    @property
    def shows(self) -> bool:
        """Whether there was anything to see: the first section of a linearized file holds no document."""
        return isinstance(self.follow(self.catalog.get("/Pages")), dict)

    def follow(self, value: Any) -> Any:
        """What a value refers to, or the value itself; None when it is not there."""
        if not isinstance(value, Ref):
            return value
        if value not in self._values:
            self._values[value] = self._read(generic.Reference(*value))
        return self._values[value]

    def _read(self, reference: generic.Reference) -> Any:
        if self._reader.xrefs.get_historical_ref(reference, self._revision) is None:
            return None  # pyHanko would log a warning
        try:
            return from_pyhanko(self._resolver.get_object(reference))
        except UNREADABLE:
            return None

    def entries(self, value: Any) -> dict[str, Any]:
        found = self.follow(value)
        return found if isinstance(found, dict) else {}

    def items(self, value: Any) -> list[Any]:
        found = self.follow(value)
        return found if isinstance(found, list) else []

    def entry(self, holder: Any, key: str) -> Any:
        return self.follow(self.entries(holder).get(key))

    def form(self) -> dict[str, Any]:
        return self.entries(self.catalog.get("/AcroForm"))

    def pages(self) -> Iterator[Ref]:
        waiting: list[Any] = [self.catalog.get("/Pages")]
        seen: set[Ref] = set()
        while waiting:
            ref = waiting.pop()
            if isinstance(ref, Ref) and ref not in seen:
                seen.add(ref)
                found = self.entries(ref)
                kids = self.items(found.get("/Kids"))
                waiting += kids
                if "/Kids" not in found:
                    yield ref

    def fields(self) -> dict[Ref, Any]:
        """Every field and widget of the form, with its kind (/FT), its own or inherited."""
        found: dict[Ref, Any] = {}
        waiting = [(ref, None) for ref in self.items(self.form().get("/Fields"))]
        while waiting:
            ref, inherited = waiting.pop()
            if isinstance(ref, Ref) and ref not in found:
                field = self.entries(ref)
                found[ref] = kind = self.follow(field.get("/FT")) or inherited
                waiting += [(kid, kind) for kid in self.items(field.get("/Kids"))]
        return found

    def unresolved(self) -> set[Ref]:
        """References that led nowhere."""
        waiting: list[Any] = [self.root]
        seen: set[Ref] = set()
        nowhere: set[Ref] = set()
        while waiting:
            value = waiting.pop()
            if isinstance(value, Ref):
                if value in seen:
                    continue
                seen.add(value)
                found = self.follow(value)
                if found is None:
                    nowhere.add(value)
                value = found
            if isinstance(value, Stream):
                value = value.entries
            if isinstance(value, dict):
                waiting += value.values()
            elif isinstance(value, list):
                waiting += value
        return nowhere


class _Update:
    """One update: what stood before, what stands after, and which objects it may have changed."""

    def __init__(self, before: _Version, after: _Version, number: int) -> None:
        self._before = before
        self._after = after
        self._number = number
        self._kinds = after.fields()
        self._signed = any(
            kind == _SIGNATURE and before.entry(ref, "/V") is not None
            for ref, kind in before.fields().items()
        )

    def check(self, changed: set[generic.Reference]) -> None:
        if self._before.root != self._after.root:
            raise self._refused("puts another catalog in place")
        allowed, nowhere = self._allowed(), self._before.unresolved()
        for reference in sorted(changed, key=lambda each: each.idnum):
            ref = Ref(reference.idnum, reference.generation)
            old, new = self._before.follow(ref), self._after.follow(ref)
            if ref in nowhere:
                raise self._refused(f"adds object {ref.number}, which was referred to before")
            if old is None or old == new or allowed.get(ref, _never)(old, new):
                continue
            raise self._refused(f"changes object {ref.number} ({_described(old)})")

    def _allowed(self) -> dict[Ref, Check]:
        """The objects that this update may change, and how."""
        before = self._before
        checks: list[tuple[Any, Check]] = [
            (before.info, _always),
            (before.catalog.get("/Metadata"), _always),
            (before.root, self._catalog),
            (before.catalog.get("/AcroForm"), self._form),
            (before.form().get("/Fields"), self._more_fields),
        ]
        checks += [(each, _always) for each in _below_store(before)]
        for page in before.pages():
            checks.append((page, self._page))
            checks.append((before.entries(page).get("/Annots"), self._more_fields))
        for ref, kind in before.fields().items():
            if kind == _SIGNATURE:
                checks.append((ref, self._signature_field))
            elif kind in _INPUT and self._signed:
                checks.append((ref, self._input_field))
        return {ref: check for ref, check in checks if isinstance(ref, Ref)}

    def _catalog(self, old: Any, new: Any) -> bool:
        form = self._before.entries(old.get("/AcroForm")), self._after.entries(new.get("/AcroForm"))
        return _same_but(old, new, _CATALOG) and self._form(*form)

    def _form(self, old: Any, new: Any) -> bool:
        return (
            _same_but(old, new, _FORM)
            and self._grown(old.get("/DR"), new.get("/DR"), 0)
            and self._more_fields(old.get("/Fields"), new.get("/Fields"))
        )

    def _page(self, old: Any, new: Any) -> bool:
        return _same_but(old, new, _PAGE) and self._more_fields(old.get("/Annots"), new.get("/Annots"))

    def _more_fields(self, old: Any, new: Any) -> bool:
        """The same fields or annotations, and signature fields after them that show nothing yet."""
        there, now = self._before.items(old), self._after.items(new)
        return only_appended(there, now) and all(self._is_quiet(ref) for ref in now[len(there) :])

    def _is_quiet(self, ref: Any) -> bool:
        """Whether this is a signature field that shows nothing, or a signature's stamp."""
        if self._kinds.get(ref) != _SIGNATURE:
            return False
        field = self._after.entries(ref)
        holder = field if "/V" in field else self._after.entries(field.get("/Parent"))
        return self._after.follow(holder.get("/V")) is not None or self._shows_nothing(field.get("/AP"))

    def _shows_nothing(self, appearance: Any) -> bool:
        for value in self._after.entries(appearance).values():
            shown = self._after.follow(value)
            if not isinstance(shown, Stream) or shown.stored.strip():
                return False
        return True

    def _signature_field(self, old: Any, new: Any) -> bool:
        """A field without a value may get one, once; its widget a stamp."""
        if self._before.follow(old.get("/V")) is not None:
            return False
        parent = self._after.entries(new.get("/Parent"))
        signed = self._after.follow(new.get("/V", parent.get("/V"))) is not None
        return signed and _same_but(old, new, _SIGNED_FIELD)

    def _input_field(self, old: Any, new: Any) -> bool:
        return _same_but(old, new, _FILLED_FIELD)

    def _grown(self, old: Any, new: Any, depth: int) -> bool:
        """Whether nothing has gone or changed, and at most something has come."""
        old, new = self._before.follow(old), self._after.follow(new)
        if isinstance(old, dict) and isinstance(new, dict) and depth < _DEEPEST:
            return all(
                key in new and (old[key] == new[key] or self._grown(old[key], new[key], depth + 1))
                for key in old
            )
        return old is None or bool(old == new)

    def _refused(self, did: str) -> DocumentRefusedError:
        return DocumentRefusedError(
            f"The PDF hides an earlier version of itself: its update {self._number} {did}.",
            hint="Print it to a new PDF, then sign that.",
        )


def _below_store(version: _Version) -> Iterator[Any]:
    """The document security store and its lists; they show nothing."""
    store = version.catalog.get("/DSS")
    yield store
    for value in version.entries(store).values():
        yield value
        yield from version.entries(value).values()  # those of /VRI


def _same_but(old: Any, new: Any, keys: set[str]) -> bool:
    return isinstance(old, dict) and isinstance(new, dict) and _without(old, keys) == _without(new, keys)


def _without(entries: dict[str, Any], keys: set[str]) -> dict[str, Any]:
    return {key: value for key, value in entries.items() if key not in keys}


def _always(_old: Any, _new: Any) -> bool:
    return True


def _never(_old: Any, _new: Any) -> bool:
    return False


def _described(value: Any) -> str:
    entries = value.entries if isinstance(value, Stream) else value
    kind = entries.get("/Type") or entries.get("/Subtype") if isinstance(entries, dict) else None
    plain = (
        "a stream" if isinstance(value, Stream) else "a dictionary" if isinstance(value, dict) else "a value"
    )
    return kind.removeprefix("/") if isinstance(kind, str) else plain


def _ref(trailer: Any, key: str) -> Ref | None:
    raw = trailer.raw_get(key) if key in trailer else None
    return Ref(raw.idnum, raw.generation) if isinstance(raw, generic.IndirectObject) else None
