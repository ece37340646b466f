"""Documents that need no signature: whether the office says so of the kind, and who approved one."""

from sqlalchemy import select
from sqlalchemy.orm import aliased

from documents.layout.unsigned import Unsigned
from workflow.errors import WorkflowError
from workflow.keys import BelowMinimumLevel
from workflow.tables import Person, Task
from workflow.workbench import Work, Workbench


class NobodyApproved(WorkflowError):
    """A document that needs no signature is to be made, and nobody has approved it."""

    code = "workflow-nobody-approved"


def require_waived(bench: Workbench, work: Work) -> None:
    """Refuse to go on without a signature where the office does not say, or no more, that none is needed.

    Raises BelowMinimumLevel.
    """
    kind = work.named_document().kind
    if kind in bench.unsigned:
        return
    lowest = bench.minimum.get(kind)
    asked = f"at least {lowest} is asked" if lowest else "nothing says that it needs none"
    raise BelowMinimumLevel(
        f"Under the profile {work.profile.name!r} a document of the kind {kind} bears no signature, and"
        f" {asked}.",
        hint=f'Say {kind} = "none" under [minimum] in signing.toml; start the workers anew, and repair the'
        " step.",
    )


def approval(bench: Workbench, work: Work) -> Unsigned:
    """Who approved the request last, and when: what its document says.

    Raises BelowMinimumLevel, NobodyApproved.
    """
    require_waived(bench, work)
    principal = aliased(Person)
    query = (
        select(Person.name, principal.name, Task.closed_at)
        .join(Person, Person.id == Task.done_by)
        .outerjoin(principal, principal.id == Task.done_for)
        .where(Task.request_id == work.request.id, Task.state.in_(work.definition.approving))
        .order_by(Task.id.desc())
        .limit(1)
    )
    with bench.store.read() as session:
        row = session.execute(query).first()
    name, behalf, at = row or (None, None, None)
    if name is None or at is None:
        raise NobodyApproved(
            "Nobody has approved the request, and its document would have to say who did.",
            hint="Have whoever runs the office look into the process definition.",
        )
    return Unsigned(name, behalf, at)
