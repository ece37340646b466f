"""What fills a database for measuring fills it as work would: log and rows agree, and tasks can be taken."""

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from benchmarks import filling
from benchmarks.queue_at_a_million import Desk
from tests.databases import Database
from workflow.logcheck import verify
from workflow.store import Store
from workflow.tables import Request, Task


@pytest.mark.slow
def test_a_filled_database_is_one_that_could_have_come_about(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filling, "EMPLOYEES", 50)
    monkeypatch.setattr(filling, "AT_ONCE", 100)
    with closing(Store.open(tmp_path, database.environ)) as store:
        events = filling.fill([store], 250, 120, now=datetime.now(UTC))
        with store.read() as session:
            report = verify(session)
            still_open = select(func.count()).select_from(Task).where(Task.closed_at.is_(None))
            waiting = session.scalar(still_open) or 0
            assert session.scalar(select(func.count()).select_from(Request)) == 250
        assert report.ok
        assert report.checked == events
        assert 100 <= waiting <= 140
        desk = Desk(store, 250)
        claimed = desk.claim_next()
        desk.give_back(claimed)
        with store.read() as session:
            assert verify(session).ok
