"""The event log as records, for timing."""

import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from workflow.tables import Event


def records_since(session: Session, seq: int = 0) -> Iterator[dict[str, Any]]:
    """The hashed records of all events after `seq`, in their order, a thousand at a time in memory."""
    rows = session.scalars(
        select(Event.record).where(Event.seq > seq).order_by(Event.seq).execution_options(yield_per=1000)
    )
    return map(json.loads, rows)
