"""Comments that an update adds to pages, told from everything else that may be drawn there.

A certification with P=3 allows annotations. So it has been used to draw another amount over a certified page:
what an annotation draws is its writer's choice, whatever it calls itself. Here only such annotations count as
comments as are new, lie behind all others, and have nothing but what a comment of their kind has. Which of
them show is told apart, for nobody can tell from a drawing whether it makes the page read otherwise.
Sources: ISO 32000-1, 12.5.6 (annotation types) and 12.8.2.2 (DocMDP); Rohlmann, Mladenov, Mainka, Schwenk,
"Breaking the Specification: PDF Certification", IEEE S&P 2021.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver, RawPdfPath
from pyhanko.sign.diff_analysis import (
    ModificationLevel,
    QualifiedWhitelistRule,
    ReferenceUpdate,
)
from pyhanko.sign.diff_analysis.commons import compare_dicts
from pyhanko.sign.diff_analysis.rules_api import RelativeContext

from signing.updates import only_appended
from signing.verify.appearance import plain
from signing.verify.pdfvalues import text_of, value_of

_MOST_PAGES = 200_000  # nodes of a page tree
_HIDDEN = 2  # ISO 32000-1, 12.5.3
_EVERY = frozenset(
    {"/Type", "/Subtype", "/Rect", "/Contents", "/P", "/NM", "/M", "/F", "/AP", "/Border", "/C", "/CA"}
    | {"/T", "/Popup", "/RC", "/CreationDate", "/IRT", "/RT", "/Subj", "/IT"}
)
_SHAPE = frozenset({"/BS", "/BE", "/IC", "/RD"})
_OF_KIND = {
    "/Text": frozenset({"/Open", "/Name", "/State", "/StateModel"}),
    "/Popup": frozenset({"/Parent", "/Open"}),
    "/FreeText": _SHAPE | {"/DA", "/Q", "/DS", "/CL", "/LE"},
    "/Line": _SHAPE | {"/L", "/LE", "/LL", "/LLE", "/LLO", "/Cap", "/CO", "/CP"},
    "/Square": _SHAPE,
    "/Circle": _SHAPE,
    "/Polygon": _SHAPE | {"/Vertices"},
    "/PolyLine": _SHAPE | {"/Vertices", "/LE"},
    "/Highlight": frozenset({"/QuadPoints"}),
    "/Underline": frozenset({"/QuadPoints"}),
    "/Squiggly": frozenset({"/QuadPoints"}),
    "/StrikeOut": frozenset({"/QuadPoints"}),
    "/Caret": frozenset({"/RD", "/Sy"}),
    "/Stamp": frozenset({"/Name"}),
    "/Ink": frozenset({"/InkList", "/BS"}),
}
_LOOKS = frozenset({"/N", "/R", "/D"})
# what leads to pages and to other annotations, which are looked at by themselves
_LINKS = frozenset({"/P", "/Popup", "/Parent", "/IRT"})


@dataclass(frozen=True)
class Comment:
    """A comment that was added to a page (from 0)."""

    page: int
    kind: str  # without the slash
    shows: bool

    def __str__(self) -> str:
        return f"{self.kind} on page {self.page + 1}"


@dataclass(frozen=True)
class Added:
    """The comments that a revision adds, and the objects that they explain."""

    comments: tuple[Comment, ...] = ()
    updates: tuple[ReferenceUpdate, ...] = ()


class CommentRule(QualifiedWhitelistRule):
    """Has pyHanko's difference analysis accept the objects of comments."""

    def __init__(self, added: Added) -> None:
        self._added = added

    def apply_qualified(
        self,
        old: HistoricalResolver,  # noqa: ARG002 (as pyHanko asks)
        new: HistoricalResolver,  # noqa: ARG002 (as pyHanko asks)
    ) -> Iterable[tuple[ModificationLevel, ReferenceUpdate]]:
        """The objects, at the level of annotations."""
        return ((ModificationLevel.ANNOTATIONS, update) for update in self._added.updates)


class _NoCommentError(Exception):
    """Something else than a comment was added."""


def added_comments(old: HistoricalResolver, new: HistoricalResolver) -> Added:
    """The comments that were added between two revisions; none when anything else came with them."""
    references: set[generic.Reference] = new.explicit_refs_in_revision()  # type: ignore[no-untyped-call]
    if not any(_may_list(old, reference) for reference in references):
        return Added()
    written = {(each.idnum, each.generation) for each in references}
    comments: list[Comment] = []
    updates: list[ReferenceUpdate] = []
    try:
        for number, reference in enumerate(_pages(old)):
            page, now = old.get_object(reference), new.get_object(reference)
            holders = {(reference.idnum, reference.generation), *_list_of(page), *_list_of(now)}
            if holders & written and _annotations(page) != _annotations(now):
                updates += _on_page(old, new, reference)
                comments += [_comment(number, new.get_object(each)) for each in _appended(page, now)]
    except _NoCommentError:
        return Added()
    return Added(tuple(comments), tuple(updates))


def _may_list(old: HistoricalResolver, reference: generic.Reference) -> bool:
    """Whether an object that was there may be a page, or its list of annotations."""
    if old.reader.xrefs.get_historical_ref(reference, old.revision) is None:
        return False
    held = old.get_object(reference)
    return isinstance(held, generic.ArrayObject) or text_of(held, "/Type") == "/Page"


def _pages(revision: HistoricalResolver) -> Iterator[generic.Reference]:
    """The pages in order."""
    waiting = [dict.get(revision.root, "/Pages")]
    seen: set[tuple[int, int]] = set()
    for _ in range(_MOST_PAGES):
        if not waiting:
            return
        node = waiting.pop()
        if not isinstance(node, generic.IndirectObject) or (node.idnum, node.generation) in seen:
            raise _NoCommentError
        seen.add((node.idnum, node.generation))
        held = revision.get_object(node.reference)
        kids = value_of(held, "/Kids")
        if kids is None:
            yield node.reference
        elif isinstance(kids, generic.ArrayObject):
            waiting += reversed(list(list.__iter__(kids)))
    raise _NoCommentError


def _list_of(page: Any) -> Iterator[tuple[int, int]]:
    """The key of a page's list of annotations, when that is an object by itself."""
    raw = dict.get(page, "/Annots") if isinstance(page, generic.DictionaryObject) else None
    if isinstance(raw, generic.IndirectObject):
        yield raw.idnum, raw.generation


def _annotations(page: Any) -> list[Any]:
    """A page's annotations as it lists them, references as numbers."""
    found = value_of(page, "/Annots")
    return plain(found) if isinstance(found, generic.ArrayObject) else []


def _appended(page: Any, now: Any) -> list[generic.Reference]:
    """What a page's list of annotations has at its end that it had not."""
    before, after = _annotations(page), _annotations(now)
    if not only_appended(before, after):
        raise _NoCommentError
    added = list(list.__iter__(now["/Annots"]))[len(before) :]
    if not all(isinstance(each, generic.IndirectObject) for each in added):
        raise _NoCommentError
    return [each.reference for each in added]


def _on_page(
    old: HistoricalResolver, new: HistoricalResolver, reference: generic.Reference
) -> list[ReferenceUpdate]:
    """The objects that are explained by the comments on a page; raises _NoCommentError."""
    page, now = old.get_object(reference), new.get_object(reference)
    if not compare_dicts(page, now, frozenset({"/Annots"}), raise_exc=False):
        raise _NoCommentError
    updates = [ReferenceUpdate(reference)]
    there, listed = dict.get(page, "/Annots"), dict.get(now, "/Annots")
    if isinstance(listed, generic.IndirectObject):
        if listed != there and not old.is_ref_unassignable(listed.reference):
            raise _NoCommentError
        context = RelativeContext(reference, RawPdfPath("/Annots"))
        updates.append(ReferenceUpdate(listed.reference, context_checked=context))
    here = {(reference.idnum, reference.generation)}
    for each in _appended(page, now):
        comment = new.get_object(each)
        if not old.is_ref_unassignable(each) or not _is_comment(comment):
            raise _NoCommentError
        _check_links(comment, here, _annotations(now))
        updates += [ReferenceUpdate(part) for part in (each, *_parts(comment, old, new))]
    return updates


def _is_comment(annotation: Any) -> bool:
    """Whether an annotation has nothing but what a comment of its kind has."""
    if type(annotation) is not generic.DictionaryObject:
        return False
    kind = value_of(annotation, "/Subtype")
    if not isinstance(kind, generic.NameObject) or kind not in _OF_KIND:
        return False
    return (
        annotation.keys() <= _EVERY | _OF_KIND[kind]
        and value_of(annotation, "/Type") in (None, "/Annot")
        and _flags(annotation) is not None
        and _draws_plainly(value_of(annotation, "/AP"))
    )


def _flags(annotation: Any) -> int | None:
    """The flags; None when they are none."""
    flags = value_of(annotation, "/F") if "/F" in annotation else 0
    return int(flags) if isinstance(flags, int) and not isinstance(flags, bool) else None


def _draws_plainly(appearance: Any) -> bool:
    if appearance is None:
        return True
    if type(appearance) is not generic.DictionaryObject or not appearance.keys() <= _LOOKS:
        return False
    return all(isinstance(value_of(appearance, key), generic.StreamObject) for key in appearance)


def _check_links(comment: Any, page: set[tuple[int, int]], listed: Sequence[Any]) -> None:
    """A comment lies on this page, and what it answers, and its window, do too; raises _NoCommentError."""
    for key in _LINKS & comment.keys():
        raw = dict.get(comment, key)
        place = plain(raw) if isinstance(raw, generic.IndirectObject) else None
        if place is None or place not in (page if key == "/P" else listed):
            raise _NoCommentError


def _parts(comment: Any, old: HistoricalResolver, new: HistoricalResolver) -> Iterator[generic.Reference]:
    """The new objects that a comment is made of."""
    waiting = [dict.get(comment, key) for key in comment.keys() - _LINKS]
    seen: set[tuple[int, int]] = set()
    while waiting:
        value = waiting.pop()
        if isinstance(value, generic.IndirectObject):
            key = (value.idnum, value.generation)
            if key in seen or not old.is_ref_unassignable(value.reference):
                continue  # what was there before must be as it was
            seen.add(key)
            yield value.reference
            value = new.get_object(value.reference)
        if isinstance(value, generic.DictionaryObject):
            waiting += dict.values(value)
        elif isinstance(value, generic.ArrayObject):
            waiting += list.__iter__(value)


def _comment(page: int, annotation: Any) -> Comment:
    kind = value_of(annotation, "/Subtype")
    hidden = bool((_flags(annotation) or 0) & _HIDDEN)
    window = kind == "/Popup" and "/AP" not in annotation  # the program's own
    opens = value_of(annotation, "/Open") not in (None, False)
    return Comment(page, str(kind).removeprefix("/"), shows=opens or not (hidden or window))


def pages_shown_on(comments: Iterable[Comment]) -> frozenset[int]:
    """The pages (from 0) that comments show on."""
    return frozenset(comment.page for comment in comments if comment.shows)
