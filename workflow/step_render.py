"""Render: the request's data becomes a PDF with its signature fields, stored before it is referred to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from pydantic import ValidationError

from documents.errors import KindProblems
from documents.kinds import Kind
from documents.kinds.kind import Document, field_problems
from documents.render import SignatureSlot, render
from signing.profile import Level, Profile
from workflow import waived
from workflow.calendar import Duration, later_by
from workflow.codes import CODE_BYTES, code_of
from workflow.commands import StepResult
from workflow.faults import point
from workflow.outcomes import StepOutcome
from workflow.references import require_stored
from workflow.step_trouble import recorded, settled_with_the_rest, tried
from workflow.tables import DocumentRow
from workflow.workbench import Work, Workbench, record, result, store_all, timed


@dataclass(frozen=True)
class _Drawn:
    work: Work
    pdf: bytes
    row: DocumentRow


async def run(bench: Workbench, works: Sequence[Work]) -> list[StepOutcome]:
    """Render each; (1) draw, (2) store, (3) record the document and the step in one transaction."""
    point("render.begun")
    drawn, troubles = tried(works, lambda work: _draw(bench, work), work_of=lambda work: work)  # (1)
    point("render.drawn")
    digests = await store_all(bench, [each.work for each in drawn], [each.pdf for each in drawn])  # (2)
    point("render.stored")
    stored = list(zip(drawn, digests, strict=True))
    troubles += await recorded(
        bench, stored, partial(_record, bench), work_of=lambda each: each[0].work
    )  # (3)
    point("render.recorded")
    return await settled_with_the_rest(bench, troubles, [each.work for each in drawn])


def _record(bench: Workbench, stored: Sequence[tuple[_Drawn, str]]) -> None:
    with bench.store.write() as session:
        sequences = record(bench, session, [_result(*each) for each in stored])
        moved = (sha256 for (_, sha256), seq in zip(stored, sequences, strict=True) if seq is not None)
        require_stored(bench.blobs, list(moved))
        for (each, sha256), seq in zip(stored, sequences, strict=True):
            if seq is not None:
                each.row.rendered_sha256 = each.row.current_sha256 = sha256
                each.row.created_seq = seq
                session.add(each.row)


def _draw(bench: Workbench, work: Work) -> _Drawn:
    named = work.named_document()
    kind = bench.kinds[named.kind]
    row = _new_row(bench, work, named.name, named.kind)
    with timed(work.us, "render"):
        model = _model(kind, work.request.data)
        approval = waived.approval(bench, work) if work.profile.is_unsigned else None
        pdf = render(
            named.kind,
            work.request.data,
            number=row.number,
            verification_code=row.verification_code,
            issued_on=row.issued_on,
            valid_until=row.valid_until,
            slots=slots_of(kind, model, work.profile),
            archive_timestamp=work.profile.level is Level.B_LTA,
            verify_url=bench.verify_url,
            note=work.words.text(bench.note) if bench.note else None,
            language=work.request.language,
            coded_pages=work.profile.kind == "paper",
            unsigned=approval,
        )
    return _Drawn(work, pdf, row)


def slots_of(kind: Kind[Any], model: Document, profile: Profile) -> list[SignatureSlot]:
    """The fields for those who sign it under a profile.

    On paper the signatures are of ink, and what needs none has no room for any: no fields.
    """
    fielded = profile.kind != "paper" and not profile.is_unsigned
    fields = kind.required_signatures(model) if fielded else ()
    consented, sealed = profile.kind == "click", profile.kind == "seal"
    return [SignatureSlot(field, consented=consented, sealed=sealed) for field in fields]


def _model(kind: Kind[Any], data: Mapping[str, Any]) -> Document:
    """The data's model; its rules were checked at the approval. Raises KindProblems."""
    try:
        model: Document = kind.model.model_validate(data)
    except ValidationError as error:  # taken in by an earlier release, which asked for less
        raise KindProblems(kind.name, field_problems(error)) from error
    return model


def _new_row(bench: Workbench, work: Work, name: str, kind: str) -> DocumentRow:
    issued_on = bench.today(work.definition)
    revision_no = work.document.revision_no + 1 if work.document else 1
    number = f"{issued_on.year}-{work.request.id:06d}" + (f"-{revision_no}" if revision_no > 1 else "")
    return DocumentRow(
        request_id=work.request.id,
        name=name,
        kind=kind,
        revision_no=revision_no,
        number=number,
        verification_code=code_of(bench.random_bytes(CODE_BYTES)),
        language=work.request.language,
        issued_on=issued_on,
        valid_until=_valid_until(issued_on, bench.kinds[kind].valid_months),
        data_sha256=work.request.data_sha256,
        level_reached=None,
    )


def _result(drawn: _Drawn, sha256: str) -> StepResult:
    row = drawn.row
    return result(
        drawn.work,
        "rendered",
        body={"number": row.number, "verification_code": row.verification_code},
        document=row.name,
        revision=row.revision_no,
        sha256=sha256,
        bytes=len(drawn.pdf),
    )


def _valid_until(issued_on: date, months: int | None) -> date | None:
    """The same day so many months later, or that month's last."""
    return None if months is None else later_by(issued_on, Duration(f"P{months}M", months=months))
