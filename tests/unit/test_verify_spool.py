"""A run's reports on disk: whatever a power cut leaves of the last line, the run goes on with whole ones."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from signing.verify.findings import Finding
from signing.verify.spool import SPOOL, Spool
from signing.verify.verdict import unjudged

NOW = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
TERMS = {"paths": ["a"]}
NAMES = ["0.pdf", "1.pdf", "2.pdf"]


def written(spool: Spool, names: list[str]) -> None:
    for name in names:
        spool.write(unjudged(name, Finding("file_empty", "the file is empty"), NOW))


@pytest.mark.parametrize("lost", [1, 2, 100], ids=["the line's end", "a byte more", "half a line"])
def test_a_run_goes_on_from_the_last_whole_line(lost: int, tmp_path: Path) -> None:
    spool = Spool.taken_up(tmp_path, TERMS)
    written(spool, NAMES[:2])
    spool.close()
    whole = (tmp_path / SPOOL).read_bytes()
    (tmp_path / SPOOL).write_bytes(whole[:-lost])
    spool = Spool.taken_up(tmp_path, TERMS)
    assert spool.done == 1
    spool.require_names(iter(NAMES))
    written(spool, NAMES[1:])
    assert [report.name for report in spool.reports()] == NAMES
    spool.close()
