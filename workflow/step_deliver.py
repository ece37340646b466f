"""Deliver: the signed document is handed to the requester's portal, once per channel."""

from collections.abc import Sequence

from workflow.errors import WorkflowError
from workflow.faults import point
from workflow.outcomes import StepOutcome
from workflow.step_trouble import settled, tried
from workflow.tables import Delivery, DocumentRow
from workflow.workbench import Work, Workbench, record, result, timed, written

PORTAL = "portal"


class NothingToDeliver(WorkflowError):
    """The request has no document, or none that is signed as its process wants it."""

    code = "workflow-nothing-to-deliver"


async def run(bench: Workbench, works: Sequence[Work]) -> list[StepOutcome]:
    """Hand over each request's latest document: the delivery and the step's end in one transaction."""
    point("deliver.begun")
    ready, troubles = tried(works, lambda work: (work, _checked(bench, work)), work_of=lambda work: work)
    await written(bench, _record, bench, ready)
    point("deliver.recorded")
    return await settled(bench, troubles) + [StepOutcome.done(work.ref) for work, _ in ready]


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


def _checked(bench: Workbench, work: Work) -> DocumentRow:
    """The document that is to be delivered, which is whole and signed."""
    document = work.document
    if document is None or (work.profile.signs and document.level_reached is None):
        raise NothingToDeliver(
            "There is no document to deliver, or it is not signed.",
            hint="Have whoever runs the office look into the process definition.",
        )
    with timed(work.us, "deliver"):
        bench.blobs.get(document.current_sha256)  # re-hashed: what is handed over is what was signed
    return document
