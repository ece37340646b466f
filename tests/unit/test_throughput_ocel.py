"""OCEL as SQLite: what a process is called does not matter to its tables."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from throughput.mining import Moment, Trace
from throughput.ocel import as_sqlite
from throughput.spans import Case

AT = datetime(2026, 11, 20, 9, tzinfo=UTC)


def test_states_of_like_names_have_tables_of_their_own(tmp_path: Path) -> None:
    moments = [
        Moment(state, "complete", AT, n, None, "person") for n, state in enumerate(("sign_off", "signoff"))
    ]
    file = tmp_path / "log.sqlite"
    as_sqlite(lambda: [Trace(Case(1, "declaration", "A3", AT), moments)], file)
    with closing(sqlite3.connect(file)) as database:
        tables = dict(database.execute("SELECT ocel_type, ocel_type_map FROM event_map_type"))
        assert tables.keys() == {"sign_off complete", "signoff complete"}
        for name in tables.values():
            (count,) = database.execute(f'SELECT count(*) FROM "event_{name}"').fetchone()  # noqa: S608
            assert count == 1
