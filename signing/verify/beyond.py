"""What was added to a file that was given out unsigned: signatures and what belongs to them, or more.

A signature vouches for its own revision, whatever that changed in the file before: so the revisions behind
the file as it was given out are judged here as if that had been signed. Permitted are signatures in the
fields that were prepared for them, document timestamps that show nothing, and validation data.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from signing.verify.behind import check_beyond
from signing.verify.changes import Step, steps_after
from signing.verify.findings import Finding
from signing.verify.limits import DETAIL_TOLD, Limits, Until
from signing.verify.pdfreader import Reader
from signing.verify.pictures import compare_with_beginning
from signing.verify.reader import Opened, open_pdf
from signing.verify.words import Value, mark

_OF_ITS_TIME = 0.9  # as a whole validation has it
_CHANGED = "changed_after_signing"
_WHAT = mark("the file was changed beside being signed")
_CERTIFIED = "certified, which settles what may be changed in it later: sign it without certifying (DocMDP)"


@dataclass
class _GivenOut:
    """The file as it was given out: what is found is noted with it."""

    end: int
    revision: int
    findings: list[Finding] = field(default_factory=list)

    def add(self, code: str, text: str, detail: str = "", **values: Value) -> None:
        self.findings.append(Finding(code, text, detail[:DETAIL_TOLD], values=values))


def added_beyond(pdf: bytes, end: int, *, limits: Limits) -> list[Finding]:
    """Everything behind byte `end` that is no signature, timestamp or validation data; [] when all is well.

    The first `end` bytes are a whole PDF of our own. May raise anything for what the rest holds, and take any
    time: to be called in a fenced process.
    """
    until = Until(
        wall=time.monotonic() + _OF_ITS_TIME * limits.wall_s,
        processor=time.process_time() + _OF_ITS_TIME * limits.cpu_s,
    )
    opened = open_pdf(pdf, limits=limits)
    if isinstance(opened, Finding):
        return [opened]
    if opened.lenient:
        return list(opened.findings)
    given = _GivenOut(end, Reader(pdf[:end], strict=True).total_revisions - 1)
    if malformed := check_beyond(opened, end):
        return malformed
    if "/Perms" in opened.reader.root:  # the file as it was given out has none
        return [Finding(_CHANGED, _WHAT, _CERTIFIED)]
    steps = steps_after(opened.reader, given.revision, opened.revisions)
    found = [finding for step in steps for finding in _beside_signing(step)]
    found += _left_empty(steps)
    return found or _looks(opened, given, steps, limits=limits, until=until)


def _beside_signing(step: Step) -> Iterator[Finding]:
    """What a revision does that no signature needs."""
    where = f"revision {step.revision + 1}"
    if step.suspicious is not None:
        yield Finding(_CHANGED, _WHAT, f"{where}: {step.suspicious}"[:DETAIL_TOLD])
        return
    for told, names in (
        ("form fields filled in", step.filled_fields),
        ("visible signature fields added", step.added_visible),
        ("signed in fields that were not prepared", step.added_signed),
        ("fields that show something else without having been signed", step.redrawn | step.stamped_visibly),
        ("comments", map(str, step.comments)),
    ):
        if listed := ", ".join(sorted(set(names))):
            yield Finding(_CHANGED, _WHAT, f"{where}: {told}: {listed}"[:DETAIL_TOLD])
    if step.metadata:
        yield Finding(_CHANGED, _WHAT, f"{where}: title or other metadata")


def _left_empty(steps: Sequence[Step]) -> Iterator[Finding]:
    """Fields that nobody signed in the end: anybody could, in a file that was accepted."""
    added = {name for step in steps for name in step.added_empty}
    left = added.difference(*(step.signed_fields | step.stamped_fields for step in steps))
    if left:
        yield Finding(
            _CHANGED, _WHAT, f"empty signature fields added: {', '.join(sorted(left))}"[:DETAIL_TOLD]
        )


def _looks(
    opened: Opened, given: _GivenOut, steps: Sequence[Step], *, limits: Limits, until: Until
) -> list[Finding]:
    """Whether the pages look as they did, but for the fields that were signed."""
    if not any(step.shows for step in steps):
        return []
    fields = frozenset(name for step in steps for name in step.signed_fields)
    compared = compare_with_beginning(opened, given, given.end, fields, limits=limits, until=until)
    return [*given.findings, *compared.findings]
