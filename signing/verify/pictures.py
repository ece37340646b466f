"""Whether the pages that somebody signed look as they do now: drawn both ways, and compared.

Only when something was added that could show; validation data, document timestamps and signatures without a
place on a page can't. The structural check (changes) has judged the same revisions before: what it permits is
left out of the comparison, whatever else differs is a finding. So drawing only makes a verdict stricter.
"""

import json
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from pyhanko.pdf_utils import generic

from signing.apart import Told, run_apart
from signing.fence import address_space, lower_memory
from signing.verify.changes import Step
from signing.verify.findings import Finding
from signing.verify.inspection import Inspection, permitted_fields
from signing.verify.limits import DETAIL_TOLD, Limits, Until
from signing.verify.pdfvalues import items_of, text_of, value_of
from signing.verify.reader import Opened
from signing.verify.usages import revision_of
from signing.verify.words import Value, Values, mark

if TYPE_CHECKING:
    from signing.verify.drawing import Area, Then  # PDFium behind it is loaded only when something is drawn

_MOST_TOLD_BYTES = 4 * 1024 * 1024
_MOST_LEVELS = 64  # of the page tree, and of a field's name
_MOST_WALKED = 200_000  # nodes of a page tree
_NO_TIME = "no time was left"
_OTHERWISE = (  # of no page, of one, of some, of many
    mark("the file looks otherwise than when it was signed"),
    mark("page {pages:pages} looks otherwise than when it was signed"),
    mark("pages {pages:pages} look otherwise than when it was signed"),
    mark("{count} of the pages {first} to {last} look otherwise than when it was signed"),
)
_NOT_COMPARED = (
    mark("no page could be compared with what was signed"),
    mark("page {pages:pages} could not be compared with what was signed"),
    mark("pages {pages:pages} could not be compared with what was signed"),
    mark("{count} of the pages {first} to {last} could not be compared with what was signed"),
)


class Earlier(Protocol):
    """Who has seen a file as it was: one of its signatures, or whoever gave it out before any was made."""

    @property
    def revision(self) -> int | None:
        """The last revision that they saw, counted from 0."""

    def add(self, code: str, text: str, detail: str = "", **values: Value) -> None:
        """Note a finding."""


@dataclass
class _Look:
    """How a file looked to some of its signatures, and what comparing it with today's look gave."""

    signatures: Sequence[Earlier]
    end: int
    fields: frozenset[str]  # what may look otherwise since
    otherwise: dict[int, str] = field(default_factory=dict)  # page (from 0) → where
    same: set[int] = field(default_factory=set)
    trouble: dict[int, str] = field(default_factory=dict)
    count: int | None = None  # pages; None: it can't be opened


@dataclass(frozen=True)
class Compared:
    """What is to be said about the file as a whole, and how many pages were compared; None: none need be."""

    findings: tuple[Finding, ...] = ()
    pages: int | None = None


def compare_pages(
    opened: Opened, inspections: Sequence[Inspection], steps: Sequence[Step], *, limits: Limits, until: Until
) -> Compared:
    """Compare, and note with each signature which pages look otherwise than when it was made.

    `until` is when the file's time is up. Never raises for what the file
    holds.
    """
    return _compared(opened, _looks(inspections, steps), limits, until)


def compare_with_beginning(
    opened: Opened, earlier: Earlier, end: int, fields: frozenset[str], *, limits: Limits, until: Until
) -> Compared:
    """Compare the pages with those of the file that ended at `end`; `fields` may look otherwise since.

    As `compare_pages`, for a file that nobody had signed there yet.
    """
    return _compared(opened, [_Look([earlier], end, fields)], limits, until)


def _compared(opened: Opened, looks: Sequence[_Look], limits: Limits, until: Until) -> Compared:
    if not looks:
        return Compared()
    try:
        told, pages = _drawn(opened, looks, limits, until)
        now = _take(told, looks)
    except Exception as error:  # noqa: BLE001 (a page tree makes its reader stumble in a dozen ways)
        return Compared((_not_compared((), f"{type(error).__name__}: {str(error)[:200]}"),), 0)
    for look in looks:
        _note_otherwise(look, now)
    return _summed(looks, now, pages, told.stopped)


def _looks(inspections: Sequence[Inspection], steps: Sequence[Step]) -> list[_Look]:
    """The revisions to be compared; signatures between which nothing showed saw the same."""
    found: dict[tuple[int, frozenset[str]], _Look] = {}
    for inspection in inspections:
        covered, revision = inspection.entry.covered, inspection.revision
        if covered is None or revision is None:
            continue
        showing = [step.revision for step in steps if step.revision > revision and step.shows]
        if not showing:
            continue
        fields = permitted_fields(inspection, steps)
        look = found.setdefault((min(showing), fields), _Look([], covered.end, fields))
        look.signatures = [*look.signatures, inspection]
        look.end = min(look.end, covered.end)
    return list(found.values())


def _drawn(opened: Opened, looks: Sequence[_Look], limits: Limits, until: Until) -> tuple[Told, int]:
    """What the drawing process told, and how many pages it was asked for."""
    pages = max(1, limits.pictures // (len(looks) + 1))
    revisions = [_then(opened, look, pages) for look in looks]
    wall_s = min(limits.wall_s / 4, until.wall - time.monotonic())
    cpu_s = min(limits.drawing_cpu_s, int(until.processor - time.process_time()))
    if wall_s <= 0 or cpu_s < 1:
        return Told((), _NO_TIME), pages
    from signing.verify.drawing import draw_and_compare  # noqa: PLC0415 (see above)

    taken = address_space()

    def work(tell: Any) -> None:
        # where nobody says what the reading process has, at least what any reading process may have
        lower_memory(limits.address_space_bytes if taken is None else taken + limits.drawing_bytes)
        draw_and_compare(opened.pdf, revisions, pages, tell)

    return run_apart(work, cpu_s=cpu_s, wall_s=wall_s, most_bytes=_MOST_TOLD_BYTES), pages


def _then(opened: Opened, look: _Look, pages: int) -> "Then":
    from signing.verify.drawing import Then  # noqa: PLC0415 (see above)

    if not look.fields:
        return Then(look.end, {})
    revision = revision_of(opened.reader, min(each.revision or 0 for each in look.signatures))
    return Then(look.end, _areas(revision.root, look.fields, pages))


def _areas(root: Any, names: frozenset[str], most: int) -> "dict[int, tuple[Area, ...]]":
    """Where fields stand: page (from 0) → the rectangles of those of these names."""
    found: dict[int, list[Area]] = {}
    for number, page in zip(range(most), _pages(value_of(root, "/Pages")), strict=False):
        for widget in items_of(page, "/Annots"):
            if text_of(widget, "/Subtype") == "/Widget" and _name(widget) in names:
                found.setdefault(number, []).extend(_rectangle(widget))
    return {page: tuple(areas) for page, areas in found.items()}


def _pages(tree: Any) -> Iterator[Any]:
    """The pages below a node, in order. Raises ValueError for a tree that has no end."""
    waiting = [(tree, 0)]
    walked = 0
    while waiting:
        node, level = waiting.pop()
        walked += 1
        if level > _MOST_LEVELS or walked > _MOST_WALKED:
            raise ValueError("the page tree has no end")
        if value_of(node, "/Kids") is None:
            yield node
        else:
            waiting += [(kid, level + 1) for kid in reversed(items_of(node, "/Kids"))]


def _name(widget: Any) -> str:
    """A field's name in full: its own and its parents'."""
    parts: list[str] = []
    node = widget
    for _ in range(_MOST_LEVELS):
        if node is None:
            break
        part = value_of(node, "/T")
        if part is not None:
            parts.append(str(part))
        node = value_of(node, "/Parent")
    return ".".join(reversed(parts))


def _rectangle(widget: Any) -> "list[Area]":
    sides = items_of(widget, "/Rect")
    if len(sides) != 4 or not all(isinstance(side, int | float | generic.FloatObject) for side in sides):
        return []
    across, up = sorted(float(side) for side in sides[::2]), sorted(float(side) for side in sides[1::2])
    return [(across[0], up[0], across[1], up[1])]


def _take(told: Told, looks: Sequence[_Look]) -> int | None:
    """Note what was told with the looks; returns how many pages there are now. What makes no sense is left
    out: those pages count as not compared.
    """
    now: int | None = None
    for line in told.lines:
        try:
            values = json.loads(line)
            if "count" in values:
                now, *counts = (None if each is None else int(each) for each in values["count"])
                for look, count in zip(looks, counts, strict=True):
                    look.count = count
            else:
                _take_page(values, looks[int(values["revision"])])
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
            continue
    return now


def _take_page(values: dict[str, Any], look: _Look) -> None:
    page = int(values["page"])
    if "trouble" in values:
        look.trouble[page] = str(values["trouble"])[:100]
    elif values.get("size"):
        look.otherwise[page] = "another size"
    elif values["areas"]:
        look.otherwise[page] = ", ".join(_in_points(area) for area in values["areas"])
    else:
        look.same.add(page)


def _in_points(area: Any) -> str:
    left, bottom, right, top = (float(side) for side in area)
    return f"{math.floor(left)}–{math.ceil(right)} × {math.floor(bottom)}–{math.ceil(top)} pt"


def _note_otherwise(look: _Look, now: int | None) -> None:
    """The finding that makes a signature fail."""
    pages = sorted(look.otherwise)
    where = [f"page {page + 1}: {look.otherwise[page]}" for page in pages]
    if now is not None and look.count is not None and now != look.count:
        where.insert(0, f"it has {now} pages and had {look.count}")
    if not where:
        return
    text, values = _about(pages, _OTHERWISE)
    for signature in look.signatures:
        signature.add("page_looks_otherwise", text, "; ".join(where), **values)


def _summed(looks: Sequence[_Look], now: int | None, asked: int, stopped: str) -> Compared:
    """What is to be said of pages that could not be compared."""
    if now is None:
        return Compared((_not_compared((), stopped or "PDFium can't open the file"),), 0)
    missing: dict[int, str] = {}
    compared = set(range(min(now, asked)))
    for look in looks:
        if look.count is None:
            missing |= dict.fromkeys(range(now), "the file as it was signed can't be opened by itself")
        for page in range(min(now, look.count or 0)):
            if page >= asked:
                missing[page] = f"more than {asked} pages"
            elif page not in look.same | look.otherwise.keys():
                missing[page] = look.trouble.get(page) or stopped or "it was passed over"
    if not missing:
        return Compared((), len(compared))
    why = list(dict.fromkeys(missing[page] for page in sorted(missing)))
    return Compared((_not_compared(sorted(missing), "; ".join(why)),), len(compared - missing.keys()))


def _not_compared(pages: Sequence[int], why: str) -> Finding:
    """Of these pages; of none of the file's without any."""
    text, values = _about(pages, _NOT_COMPARED)
    return Finding("page_not_compared", text, why[:DETAIL_TOLD], values=values)


def _about(pages: Sequence[int], texts: Sequence[str]) -> tuple[str, Values]:
    """Which of four texts it is for these pages (from 0, in order), and its values: of many pages only where
    they begin and end.
    """
    of_none, of_one, of_some, of_many = texts
    if not pages:
        return of_none, {}
    runs: list[tuple[int, int]] = []
    for page in pages:
        if runs and runs[-1][1] == page - 1:
            runs[-1] = (runs[-1][0], page)
        else:
            runs.append((page, page))
    if len(runs) > 5:
        return of_many, {"count": len(pages), "first": str(pages[0] + 1), "last": str(pages[-1] + 1)}
    parts: list[str] = []
    for first, last in runs:
        ends = [str(first + 1), str(last + 1)][: 1 + (last > first)]
        parts += ends if last - first < 2 else ["-".join(ends)]
    return of_one if len(pages) == 1 else of_some, {"pages": " ".join(parts)}
