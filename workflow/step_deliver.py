"""Deliver: the signed document is handed to the requester's portal, once per channel."""

from collections.abc import Sequence

from workflow.errors import WorkflowError
from workflow.faults import point
from workflow.outcomes import StepOutcome
from workflow.tables import Delivery, DocumentRow
from workflow.workbench import Work, Workbench, refused, result, timed

PORTAL = "portal"


class NothingToDeliver(WorkflowError):
    """The request has no document."""

    code = "workflow-nothing-to-deliver"


async def run(bench: Workbench, works: Sequence[Work]) -> list[StepOutcome]:
    """Hand over each request's latest document: the delivery and the step's end in one transaction."""
    point("deliver.begun")
    outcomes: list[StepOutcome] = []
    ready: list[tuple[Work, DocumentRow]] = []
    for work in works:
        if work.document is None:
            problem = NothingToDeliver(
                "There is no document to deliver.", hint="Return the request for rendering."
            )
            outcomes.append(refused(bench, work, problem))
        else:
            with timed(work.us, "deliver"):
                # re-hashed: what is handed over is what was signed
                bench.blobs.get(work.document.current_sha256)
            ready.append((work, work.document))
    with bench.store.write() as session:
        results = [
            result(work, "delivered", body={}, channel_used=PORTAL, sha256=document.current_sha256)
            for work, document in ready
        ]
        sequences = bench.engine.finish_steps(session, results)
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
    point("deliver.recorded")
    return outcomes + [StepOutcome.done(work.ref) for work, _ in ready]
