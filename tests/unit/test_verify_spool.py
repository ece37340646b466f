"""A run's spool: whatever is cut off of it, and whoever else wants it, each file is told of once."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from signing.verify import spool as spool_module
from signing.verify.findings import Finding
from signing.verify.report import Report
from signing.verify.spool import SPOOL, OtherRun, Spool
from signing.verify.verdict import unjudged

TERMS = {"paths": ["a folder"]}
NAMES = ["a.pdf", "b.pdf", "c.pdf"]


def report(name: str) -> Report:
    return unjudged(name, Finding("file_empty", "the file is empty"), datetime(2026, 11, 26, tzinfo=UTC))


def gone_on_with(folder: Path) -> list[str]:
    """Take up the run, judge what is left, and give what it tells of."""
    spool = Spool.taken_up(folder, TERMS)
    try:
        for name in NAMES[spool.done :]:
            spool.write(report(name))
        return [each.name for each in spool.reports()]
    finally:
        spool.close()


def test_a_run_goes_on_wherever_it_was_cut_off(tmp_path: Path) -> None:
    assert gone_on_with(tmp_path) == NAMES
    whole = (tmp_path / SPOOL).read_bytes()
    for cut in range(len(whole)):
        (tmp_path / SPOOL).write_bytes(whole[:cut])
        assert gone_on_with(tmp_path) == NAMES, cut


def test_of_two_that_begin_at_once_one_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def too_late(*_: object, **__: object) -> Iterator[object]:
        raise FileExistsError(TERMS)
        yield

    monkeypatch.setattr(spool_module, "whole_file", too_late)
    with pytest.raises(OtherRun, match="another process has just begun one"):
        Spool.taken_up(tmp_path, TERMS)


def test_a_run_that_still_goes_on_is_not_taken_up(tmp_path: Path) -> None:
    first = Spool.taken_up(tmp_path, TERMS)
    with pytest.raises(OtherRun, match="still going on"):
        Spool.taken_up(tmp_path, TERMS)
    first.close()
    assert gone_on_with(tmp_path) == NAMES
