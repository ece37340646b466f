"""Where a document's references lead: to objects that aren't there, and to content that acts by itself.

A reference to a missing object reads as nothing, until somebody adds the object in a later revision: then the
signed page shows what nobody signed, and no signed object was touched.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from pyhanko.pdf_utils import generic

from signing.annotations import shown_otherwise
from signing.verify.appearance import draws_something, has_area
from signing.verify.findings import Finding
from signing.verify.lexing import Name, Ref
from signing.verify.pdfreader import Reader
from signing.verify.pdfvalues import text_of, value_of
from signing.verify.survey import ACTING, ACTING_KEYS, places_in, survey
from signing.verify.updates import Update
from signing.verify.usages import revision_of


@dataclass
class Walked:
    """What following every reference from the catalog met."""

    missing: set[int] = field(default_factory=set)  # numbers of objects that aren't there
    acting: set[str] = field(default_factory=set)  # kinds of active content
    odd_annotations: set[str] = field(default_factory=set)  # how they are shown otherwise on paper
    unreadable: str = ""  # an object that strict reading refuses


def walk(reader: Reader) -> Walked:
    """Follow every reference from the trailer of a file."""
    walked, last = Walked(), reader.xrefs.total_revisions - 1
    seen: set[tuple[int, int]] = set()
    stack: list[Any] = [reader.trailer.raw_get(key) for key in ("/Root", "/Info") if key in reader.trailer]
    while stack:
        value = stack.pop()
        if isinstance(value, generic.IndirectObject):
            value = (value.idnum, value.generation)
        if isinstance(value, tuple):
            if value in seen:
                continue
            seen.add(value)
            reference = generic.Reference(value[0], value[1], reader)
            marker = reader.xrefs.get_historical_ref(reference, last)
            if marker is None:
                walked.missing.add(reference.idnum)
                continue
            surveyed = survey(reader, value, marker)
            if surveyed is not None and not surveyed.annotates:
                walked.acting |= surveyed.acting
                stack += surveyed.followed
                continue
            try:
                value = reader.get_object(reference)
            except Exception as error:  # noqa: BLE001 (the parser stumbles in a dozen ways)
                told = f"{type(error).__name__}: {str(error)[:200]}"
                walked.unreadable = f"object {reference.idnum}: {told}"
                continue
        if isinstance(value, generic.DictionaryObject):
            walked.acting |= _acting(value)
            walked.odd_annotations |= _odd_annotation(value)
            stack += _followed(value)
        elif isinstance(value, generic.ArrayObject):
            stack += list.__iter__(value)
    return walked


def leads_to(reader: Reader) -> frozenset[int]:
    """Numbers of all objects that anything in a file leads to, in any of its revisions, reachable or not.

    Objects that hold others, or an index, are led to by what they are. Raises what pyHanko raises.
    """
    found = {reference.idnum for reference in reader.xrefs.xref_stream_refs}
    for number in range(reader.xrefs.total_revisions):
        revision = revision_of(reader, number)
        found |= {key[0] for _, key in places_in(revision.trailer_view)}
        found |= {reference.idnum for reference in _holding(reader, number)}
        for reference in reader.xrefs.explicit_refs_in_revision(number):
            marker = reader.xrefs.get_historical_ref(reference, number)
            if marker is None:
                continue  # it was declared free
            surveyed = survey(reader, (reference.idnum, reference.generation), marker)
            if surveyed is not None:
                found |= {key[0] for _, key in surveyed.places}
            else:
                found |= {key[0] for _, key in places_in(revision.get_object(reference))}
    return frozenset(found)


def _holding(reader: Reader, revision: int) -> set[generic.Reference]:
    """The object streams that a revision uses."""
    found: set[generic.Reference] = reader.xrefs.object_streams_used_in(revision)  # type: ignore[no-untyped-call]
    return found


def _followed(dictionary: generic.DictionaryObject) -> Iterator[Any]:
    """The values of a dictionary, but for a signature: it shows nothing and takes as long as the rest."""
    is_signature_field = dict.get(dictionary, "/FT") == "/Sig"
    return (dict.get(dictionary, key) for key in dictionary if not (is_signature_field and key == "/V"))


def _odd_annotation(dictionary: generic.DictionaryObject) -> set[str]:
    subtype, flags = text_of(dictionary, "/Subtype"), value_of(dictionary, "/F") or 0
    if "/Rect" not in dictionary or subtype is None or isinstance(dictionary, generic.StreamObject):
        return set()
    signature = "/Sig" in (text_of(dictionary, "/FT"), text_of(value_of(dictionary, "/Parent"), "/FT"))
    draws = has_area(dictionary) and draws_something(dictionary)
    how = shown_otherwise(flags if isinstance(flags, int) else 0, subtype, draws=draws, signature=signature)
    return {how} if how else set()


def _acting(dictionary: generic.DictionaryObject) -> set[str]:
    found = {key for key in ACTING_KEYS if key in dictionary}
    kind = value_of(dictionary, "/S") if "/S" in dictionary else None
    return found | {kind} if isinstance(kind, str) and kind in ACTING else found


def _names_and_references(values: Sequence[Any]) -> Iterator[tuple[set[str], Ref | None]]:
    """Every dictionary's kinds of active content, and every reference, of one revision."""
    stack = list(values)
    while stack:
        value = stack.pop()
        if isinstance(value, Ref):
            yield set(), value
        elif isinstance(value, dict):
            kind = value.get(b"S")
            kinds = {f"/{key.decode('latin-1')}" for key in value} & ACTING_KEYS
            if isinstance(kind, Name):
                kinds |= {f"/{kind.value.decode('latin-1')}"} & ACTING
            yield kinds, None
            stack += value.values()
        elif isinstance(value, list):
            stack += value


def check_references(walked: Walked, updates: Sequence[Update], defined: set[int]) -> Iterator[Finding]:
    """Findings about what was signed and the revisions behind it; `defined` are the signed part's numbers."""
    missing, acting, known = set(walked.missing), set(walked.acting), set(defined)
    filled: set[int] = set()
    for update in updates:
        filled |= missing & update.numbers
        known |= update.numbers
        for kinds, reference in _names_and_references(list(update.values.values())):
            acting |= kinds
            if reference is not None and reference.number not in known:
                missing.add(reference.number)
    if filled:
        yield Finding(
            "reference_filled_later",
            "a part that was missing when this was signed was added afterwards",
            f"objects {_some(filled)}",
        )
    if missing - filled:
        yield Finding(
            "reference_dangling",
            "it refers to a part that isn't there, which somebody might add",
            f"objects {_some(missing - filled)}",
        )
    if walked.unreadable:
        yield Finding("read_leniently", "a part of the file breaks the rules of PDF", walked.unreadable)
    if walked.odd_annotations:
        yield Finding(
            "annotation_shown_otherwise",
            "something in it shows on paper otherwise than on the screen",
            "; ".join(f"an annotation that {how}" for how in sorted(walked.odd_annotations)),
        )
    if acting:
        yield Finding(
            "active_content",
            "it contains active content, which may change what it shows",
            ", ".join(sorted(acting)),
        )


def _some(numbers: set[int]) -> str:
    return ", ".join(str(number) for number in sorted(numbers)[:10])
