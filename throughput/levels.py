"""Which levels signatures reached, by the signing profile under which they were made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from throughput.scope import Scope
from workflow.tables import DocumentRow, SignatureRow, TimingCase


@dataclass(frozen=True)
class LevelReached:
    """So many signatures under a profile reached a level (PAdES baseline)."""

    profile: str
    level: str
    n: int


Levels = Mapping[tuple[str, str], Sequence[LevelReached]]
"""By process and variant."""


def levels(session: Session, scope: Scope) -> Levels:
    """Of the requests in the scope, whose times are kept; one that was destroyed has none."""
    case, signature = TimingCase.table(), SignatureRow.table()
    same = (case.c.key, case.c.variant, signature.c.profile, signature.c.level_reached)
    document = DocumentRow.table()
    rows = session.execute(
        select(*same, func.count())
        .join_from(signature, document, signature.c.document_id == document.c.id)
        .join(case, case.c.request_id == document.c.request_id)
        .where(signature.c.level_reached.is_not(None), *scope.conditions)
        .group_by(*same)
        .order_by(*same)
    )
    found: dict[tuple[str, str], list[LevelReached]] = {}
    for key, variant, profile, level, n in rows:
        found.setdefault((key, variant), []).append(LevelReached(profile, level, n))
    return found
