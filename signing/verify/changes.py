"""What later revisions of a file changed, and whether an earlier signature can live with it.

Permitted after a signature: validation data (the DSS), document timestamps, and a later signature in a field
that existed before. pyHanko's difference analysis judges the objects; this module takes away the freedoms it
leaves that let somebody change what the page says: form filling after an approval signature, new visible
signature fields, swapped form resources, document information. Comments, which it never permits, are told
apart for those who certified with P=3. Each step from one revision to the next is
judged once, however many signatures look back on it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver
from pyhanko.sign.diff_analysis import (
    CatalogModificationRule,
    DocInfoRule,
    DSSCompareRule,
    FieldComparisonContext,
    FieldComparisonSpec,
    FormUpdate,
    FormUpdatingRule,
    GenericFieldModificationRule,
    MetadataUpdateRule,
    ModificationLevel,
    ObjectStreamRule,
    QualifiedWhitelistRule,
    ReferenceUpdate,
    SigFieldCreationRule,
    SigFieldModificationRule,
    StandardDiffPolicy,
    SuspiciousModification,
    WhitelistRule,
    XrefStreamRule,
)

from signing.inputs import fonts_named
from signing.updates import only_appended
from signing.verify.appearance import (
    appearances,
    drawn_by,
    is_drawn,
    is_visible,
    looks,
    plain,
    stands_once,
)
from signing.verify.comments import Comment, CommentRule, added_comments
from signing.verify.metadata import Pair, metadata_pairs
from signing.verify.pdfreader import Reader
from signing.verify.pdfvalues import text_of, value_of
from signing.verify.reader import is_timestamp, signature_fields_in
from signing.verify.store import check_store
from signing.verify.survey import places_in
from signing.verify.usages import NotPlainError, Revision, revision_of


@dataclass(frozen=True)
class Step:
    """What one revision changed relative to the one before it."""

    revision: int
    suspicious: str | None = None  # why the change can't be explained, when it can't
    filled_fields: frozenset[str] = frozenset()  # form fields other than signatures whose value changed
    comments: tuple[Comment, ...] = ()  # added to pages
    signed_fields: frozenset[str] = frozenset()  # signature fields that got an approval or certification
    added_visible: frozenset[str] = frozenset()  # new signature fields that show on a page
    stamped_visibly: frozenset[str] = frozenset()  # fields that show on a page and got a document timestamp
    redrawn: frozenset[str] = frozenset()  # signature fields that look otherwise without having been signed
    added_signed: frozenset[str] = frozenset()  # new invisible ones that got a signature, not a timestamp
    added_empty: frozenset[str] = frozenset()  # new ones that nobody signed in this revision
    stamped_fields: frozenset[str] = frozenset()  # signature fields that got a document timestamp
    metadata: bool = False  # the title, say; not what a program stamps without being asked
    signs: bool = False  # a signature or a document timestamp was made
    shows: bool = True  # something was added that may show on a page
    validation_data_only: bool = False


class _FreedRule(WhitelistRule):
    """Objects may be declared free that no way leads to. How that is written, `updates` looks at."""

    def __init__(self, old: Revision, new: Revision) -> None:
        freed = new.reader.xrefs.refs_freed_in_revision(new.revision)
        used = any(old.uses(reference) for reference in freed)
        self.freed = frozenset() if used else frozenset(freed)

    def apply(self, old: HistoricalResolver, new: HistoricalResolver) -> Iterable[ReferenceUpdate]:  # noqa: ARG002 (as pyHanko asks)
        return map(ReferenceUpdate, self.freed)


def _policy(freed: _FreedRule, *more: QualifiedWhitelistRule, form_filling: bool) -> StandardDiffPolicy:
    rules = [SigFieldCreationRule(), SigFieldModificationRule()]  # type: ignore[no-untyped-call]
    if form_filling:
        rules.append(_FieldsWritten())
    updates = ModificationLevel.LTA_UPDATES
    return StandardDiffPolicy(
        global_rules=[
            CatalogModificationRule(),  # type: ignore[no-untyped-call]
            DocInfoRule().as_qualified(updates),
            XrefStreamRule().as_qualified(updates),
            ObjectStreamRule().as_qualified(updates),
            DSSCompareRule().as_qualified(updates),
            MetadataUpdateRule().as_qualified(updates),  # type: ignore[no-untyped-call]
            freed.as_qualified(updates),
            *more,
        ],
        reject_object_freeing=not freed.freed,
        # /DA, /Q and /NeedAppearances may not change: they alter how filled fields look
        ignore_orphaned_objects=False,
        form_rule=FormUpdatingRule(field_rules=rules, ignored_acroform_keys=frozenset({"/Fields", "/DR"})),
    )


def steps_after(reader: Reader, first: int, total: int) -> tuple[Step, ...]:
    """Judge each revision after number `first`, the earliest signed one; `total` is the number of
    revisions.
    """
    return tuple(_step(reader, revision) for revision in range(first + 1, total))


def _step(reader: Reader, revision: int) -> Step:
    try:
        return _judged(reader, revision)
    except SuspiciousModification as error:
        return Step(revision, suspicious=str(error)[:500])
    except Exception as error:  # noqa: BLE001 (a change that can't be analysed is not a permitted one)
        return Step(revision, suspicious=f"{type(error).__name__}: {str(error)[:300]}")


def _judged(reader: Reader, revision: int) -> Step:
    old = revision_of(reader, revision - 1)
    new = revision_of(reader, revision)
    filled, comments = _filled_and_commented(old, new)
    _check_annotations(reader, revision, old, new)
    check_store(new, _written(reader, revision))
    before = signature_fields_in(old)
    after = signature_fields_in(new)
    newly_signed = {
        name: value_of(entry, "/V")
        for name, entry in after.items()
        if value_of(entry, "/V") is not None and value_of(before.get(name), "/V") is None
    }
    _check_form_resources(old, new, {font for name in newly_signed for font in _fonts_of(after[name])})
    approvals = {
        name for name, value in newly_signed.items() if not is_timestamp(text_of(value, "/SubFilter"))
    }
    added = after.keys() - before.keys()
    metadata = _metadata_changed(old, new)
    redrawn = _redrawn(new, before, after, approvals)
    added_visible = frozenset(
        name for name in added if is_visible(after[name]) or not stands_once(after[name])
    )
    return Step(
        revision,
        filled_fields=filled - newly_signed.keys(),
        comments=comments,
        signed_fields=frozenset(approvals),
        added_visible=added_visible,
        stamped_visibly=frozenset(
            name for name in newly_signed.keys() - approvals - added if is_visible(after[name])
        ),
        redrawn=redrawn,
        added_signed=frozenset(added & approvals),
        added_empty=frozenset(added - newly_signed.keys()),
        stamped_fields=frozenset(newly_signed.keys() - approvals),
        metadata=metadata,
        signs=bool(newly_signed),
        shows=bool(filled or comments or redrawn or added_visible)
        or any(is_drawn(after[name]) for name in newly_signed.keys() | added),
        validation_data_only=not (newly_signed or added or filled or comments or metadata),
    )


def _filled_and_commented(old: Revision, new: Revision) -> tuple[frozenset[str], tuple[Comment, ...]]:
    """The fields filled in, and the comments added; raises SuspiciousModification for more than that."""
    freed = _FreedRule(old, new)
    try:
        _policy(freed, form_filling=False).apply(old, new)
    except SuspiciousModification as error:
        refusal = error
    else:
        return frozenset(), ()
    added = added_comments(old, new)
    policy = _policy(freed, CommentRule(added), form_filling=True)
    filled = frozenset(policy.apply(old, new).changed_form_fields)
    if not filled and not added.comments:
        raise refusal
    return filled, added.comments


class _FieldsWritten(GenericFieldModificationRule):
    """Fields that were filled in: pyHanko also names those whose drawing stands where it stood."""

    def check_form_field(
        self, fq_name: str, spec: FieldComparisonSpec, context: FieldComparisonContext
    ) -> Iterable[tuple[ModificationLevel, FormUpdate]]:
        written = context.new.explicit_refs_in_revision()  # type: ignore[no-untyped-call]
        found = super().check_form_field(fq_name, spec, context)
        return (each for each in found if each[1].updated_ref in written)


def _check_annotations(
    reader: Reader, revision: int, old: HistoricalResolver, new: HistoricalResolver
) -> None:
    """Annotations keep their order, new ones come behind them: a page draws the last one on top."""
    for reference in reader.xrefs.explicit_refs_in_revision(revision):
        if any(reader.xrefs.get_historical_ref(reference, each) is None for each in (revision - 1, revision)):
            continue  # it is new, or was declared free
        there, now = _annotations(old.get_object(reference)), _annotations(new.get_object(reference))
        if there is not None and not only_appended(there, now or []):
            raise SuspiciousModification(f"annotations were put in another order by object {reference.idnum}")


def _annotations(holder: Any) -> list[Any] | None:
    """The list below a page's /Annots, or a list of annotations or fields itself, else None."""
    found = value_of(holder, "/Annots")
    if found is None and isinstance(holder, generic.ArrayObject):
        found = holder if any(value_of(each, "/Subtype") for each in holder) else None
    return plain(found) if isinstance(found, generic.ArrayObject) else None


def _redrawn(
    new: Revision, before: dict[str, Any], after: dict[str, Any], approvals: set[str]
) -> frozenset[str]:
    """Fields whose appearance changed without an approval that would explain it."""
    written = _written(new.reader, new.revision)
    return frozenset(
        name
        for name in (before.keys() & after.keys()) - approvals
        if looks(before[name]) != looks(after[name]) or _drawn_by(after[name], new) & written
    )


def _drawn_by(field: Any, revision: Revision) -> set[tuple[int, int]]:
    """The objects that a field's appearance is made of."""
    start = frozenset(key for each in appearances(field) for _, key in places_in(each))
    try:
        return revision.below(start)
    except NotPlainError:
        return drawn_by(field)


def _written(reader: Reader, revision: int) -> set[tuple[int, int]]:
    return {
        (reference.idnum, reference.generation)
        for reference in reader.xrefs.explicit_refs_in_revision(revision)
    }


def _fonts_of(field: Any) -> set[str]:
    """The fonts that a field's text is drawn with."""
    text = value_of(field, "/DA")
    return fonts_named(str(text).encode("latin-1", "replace")) if isinstance(text, str) else set()


def _check_form_resources(old: HistoricalResolver, new: HistoricalResolver, used: set[str]) -> None:
    """Resources of the form may not be swapped: another font makes the same text read differently. Nor may
    they be supplied later, but for fonts that a field signed just now uses.
    """
    before, after = _resources(old), _resources(new)
    for category in before.keys() | after.keys():
        there, now = before.get(category), after.get(category)
        if not isinstance(now, generic.DictionaryObject) or not isinstance(
            there, generic.DictionaryObject | None
        ):
            changed = now != there
        else:
            was: dict[str, Any] = dict(there.items()) if there is not None else {}
            kept = all(name in now and now.raw_get(name) == was[name] for name in was)
            added = now.keys() - was.keys()
            changed = not kept or (bool(added) and not (category == "/Font" and added <= used))
        if changed:
            raise SuspiciousModification(f"form resources {category} were changed")


def _resources(resolver: HistoricalResolver) -> dict[str, Any]:
    resources = value_of(value_of(resolver.root, "/AcroForm"), "/DR")
    return dict(resources.items()) if isinstance(resources, generic.DictionaryObject) else {}


_TOOL_KEYS = frozenset({"/ModDate", "/Producer"})  # what a signing program writes without being asked


def _metadata_changed(old: HistoricalResolver, new: HistoricalResolver) -> bool:
    return _info(old) != _info(new) or _xmp(old) != _xmp(new)


def _info(resolver: HistoricalResolver) -> dict[str, str]:
    info = value_of(resolver.trailer_view, "/Info")
    if not isinstance(info, generic.DictionaryObject):
        return {}
    return {key: str(info[key]) for key in info if key not in _TOOL_KEYS}


def _xmp(resolver: HistoricalResolver) -> list[Pair]:
    """What the XMP packet says, apart from what every program stamps anew."""
    stream = value_of(resolver.root, "/Metadata")
    return metadata_pairs(stream.data) if isinstance(stream, generic.StreamObject) else []
