"""Deliver: the document, signed if it needs that, is handed to the requester's portal, once per channel."""

from collections.abc import Mapping, Sequence
from functools import partial
from time import monotonic_ns

from workflow.errors import WorkflowError
from workflow.faults import point
from workflow.outcomes import StepOutcome
from workflow.step_trouble import recorded, settled_with_the_rest, tried
from workflow.tables import Delivery, DocumentRow
from workflow.waived import require_waived
from workflow.workbench import Work, Workbench, charge, found, read_all, record, result

PORTAL = "portal"


class NothingToDeliver(WorkflowError):
    """The request has no document, or none that is signed as its process wants it."""

    code = "workflow-nothing-to-deliver"


async def run(bench: Workbench, works: Sequence[Work]) -> list[StepOutcome]:
    """Hand over each request's latest document: the delivery and the step's end in one transaction."""
    point("deliver.begun")
    signed, troubles = tried(works, lambda work: (work, _ready(bench, work)), work_of=lambda work: work)
    begun = monotonic_ns()
    # re-hashed: what is handed over is what was signed, or drawn
    read = await read_all(bench, [document.current_sha256 for _, document in signed])
    charge([work for work, _ in signed], "deliver", begun)
    ready, spoilt = tried(signed, lambda each: _whole(each, read), work_of=lambda each: each[0])
    troubles += spoilt + await recorded(bench, ready, partial(_record, bench), work_of=lambda each: each[0])
    point("deliver.recorded")
    return await settled_with_the_rest(bench, troubles, [work for work, _ in ready])


def _record(bench: Workbench, ready: Sequence[tuple[Work, DocumentRow]]) -> None:
    with bench.store.write() as session:
        results = [
            result(work, "delivered", body={}, channel_used=PORTAL, sha256=document.current_sha256)
            for work, document in ready
        ]
        sequences = record(bench, session, results)
        now = bench.clock()
        session.add_all(
            Delivery(
                request_id=work.request.id,
                document_id=document.id,
                sha256=document.current_sha256,
                channel=PORTAL,
                delivered_at=now,
            )
            for (work, document), seq in zip(ready, sequences, strict=True)
            if seq is not None
        )


def _whole(
    signed: tuple[Work, DocumentRow], read: Mapping[str, bytes | BaseException]
) -> tuple[Work, DocumentRow]:
    found(read, signed[1].current_sha256)
    return signed


def _ready(bench: Workbench, work: Work) -> DocumentRow:
    """The document that is to be delivered, which is signed, or of a kind that needs no signature."""
    if work.profile.is_unsigned:
        require_waived(bench, work)
    document = work.document
    if document is None or (work.profile.signs and document.level_reached is None):
        raise NothingToDeliver(
            "There is no document to deliver, or it is not signed.",
            hint="Have whoever runs the office look into the process definition.",
        )
    return document
