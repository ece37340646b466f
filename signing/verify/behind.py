"""What lies behind the first signature, held against the file as it was when that was made.

The signed part is opened by itself, as if nothing had been added: later bytes have no say in how it reads.
"""

from pyhanko.pdf_utils import generic

from signing.packing import check_packed
from signing.verify.findings import Finding
from signing.verify.hybrid import accept_hybrids
from signing.verify.lexing import GrammarError, Ref
from signing.verify.limits import DETAIL_TOLD
from signing.verify.pdfreader import Reader
from signing.verify.rawscan import only_white_space
from signing.verify.reader import MALFORMED, Opened
from signing.verify.references import check_references, leads_to, walk
from signing.verify.updates import Base, Update, read_updates
from signing.verify.words import mark


def check_behind(opened: Opened) -> list[Finding]:
    """Findings about the bytes behind the first signature and the references that lead there."""
    ends = [entry.covered.end for entry in opened.filled if entry.covered]
    ends += [found.end for found in opened.unreachable]
    if not ends:
        return []
    first = min(ends)
    if only_white_space(opened.pdf[first:]):
        references = check_references(walk(opened.reader), (), _numbers(opened.reader))
        return [*_signed_oddly(opened.reader), *references]
    return _held_against(opened, first)


def check_beyond(opened: Opened, end: int) -> list[Finding]:
    """Findings about the bytes behind `end`, where a file ended that nobody had signed yet."""
    return _held_against(opened, end)


def _signed_oddly(reader: Reader) -> list[Finding]:
    """What was signed is unpacked differently by different programs: nobody can say what its signer saw."""
    try:
        check_packed(reader)
    except Exception as error:  # noqa: BLE001 (the parser stumbles in a dozen ways)
        told = mark("it breaks the rules of PDF, so that programs may read it differently")
        return [Finding("read_leniently", told, f"{type(error).__name__}: {str(error)[:DETAIL_TOLD]}")]
    return []


def _held_against(opened: Opened, first: int) -> list[Finding]:
    signed = _signed_part(opened.pdf[:first])
    if isinstance(signed, Finding):
        return [signed]
    reader, strictly = signed
    if opened.lenient and strictly:
        return [Finding("update_malformed", MALFORMED, opened.lenient)]
    try:
        updates = read_updates(opened.pdf, _base(reader, first))
        _check_count(opened, reader, updates)
    except GrammarError as error:
        return [Finding("update_malformed", MALFORMED, str(error)[:DETAIL_TOLD])]
    return [*_signed_oddly(reader), *check_references(walk(reader), updates, _numbers(reader))]


def _signed_part(pdf: bytes) -> tuple[Reader, bool] | Finding:
    """The signed part as a file of its own, and whether strict reading could do."""
    try:
        reader = Reader(pdf, strict=True)
        accept_hybrids(reader)
        return reader, True
    except Exception:  # noqa: BLE001, S110 (a second, lenient attempt follows; what it can't read is told)
        pass
    try:
        return Reader(pdf, strict=False), False
    except Exception as error:  # noqa: BLE001 (the parser stumbles in a dozen ways)
        told = f"{type(error).__name__}: {str(error)[:300]}"
        return Finding("signed_part_unreadable", "what was signed is not a file by itself", told)


def _base(reader: Reader, end: int) -> Base:
    root = reader.trailer.raw_get("/Root")
    if not isinstance(root, generic.IndirectObject):
        raise GrammarError("what was signed has no catalog of its own")
    generations = dict(_references(reader))
    return Base(end, Ref(root.idnum, root.generation), generations.get, lambda: _needed(reader))


def _needed(reader: Reader) -> frozenset[int]:
    try:
        return leads_to(reader)
    except Exception as error:  # (the parser stumbles in a dozen ways)
        raise GrammarError(f"what was signed can't be searched for references: {error}") from error


def _references(reader: Reader) -> list[tuple[int, int]]:
    return [
        (reference.idnum, reference.generation)
        for revision in range(reader.xrefs.total_revisions)
        for reference in reader.xrefs.explicit_refs_in_revision(revision)
    ]


def _numbers(reader: Reader) -> set[int]:
    return {number for number, _ in _references(reader)}


def _check_count(opened: Opened, reader: Reader, updates: list[Update]) -> None:
    if reader.xrefs.total_revisions + len(updates) != opened.revisions:
        raise GrammarError("the file's revisions do not follow each other as its index says")
