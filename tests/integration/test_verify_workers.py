"""What ends or halts a fenced process from outside costs no file its judgment."""

import os
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from certs.trust import TrustStore
from signing.verify import fence
from signing.verify.bulk import verify_paths
from signing.verify.fence import Assignment, Worker, verifying_context
from signing.verify.limits import Limits
from signing.verify.sources import Source
from signing.verify.trust import TrustMaterial
from tests.vectors.stock import plain_pdf

NOBODY = TrustStore((), (), ())


@pytest.fixture
def stopped() -> Iterator[Worker]:
    """A worker that doesn't go on by itself."""
    now = datetime.now(UTC)
    worker = Worker(verifying_context(), Assignment(TrustMaterial.of(NOBODY), now, Limits()))
    os.kill(pid_of(worker), signal.SIGSTOP)
    yield worker
    if worker.alive:
        worker.close()


def pid_of(worker: Worker) -> int:
    pid = worker._process.pid
    assert pid is not None
    return pid


def test_after_the_whole_program_was_stopped_a_file_gets_its_time_anew(
    stopped: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by Ctrl-Z, of which nobody is told."""
    now = time.monotonic()
    stopped.begin([Source("a.pdf", Path("a.pdf"))])
    monkeypatch.setattr(fence, "time", SimpleNamespace(monotonic=lambda: now + 1000))
    assert stopped.collect() == []
    up = now + 1000 + Limits().wall_s + 1
    monkeypatch.setattr(fence, "time", SimpleNamespace(monotonic=lambda: up))
    (report,) = stopped.collect()
    assert [finding.code for finding in report.findings] == ["reading_stopped"]


@pytest.mark.parametrize(("again", "codes"), [(False, []), (True, ["reading_stopped"])])
def test_who_was_killed_by_somebody_else_leaves_the_file_unanswered_once(
    stopped: Worker, again: bool, codes: list[str]
) -> None:
    stopped.begin([Source("a.pdf", Path("a.pdf"))], again=again)
    os.kill(pid_of(stopped), signal.SIGKILL)
    while stopped.alive:
        found = [finding.code for report in stopped.collect() for finding in report.findings]
    assert found == codes


def test_a_file_whose_process_was_killed_is_handed_over_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.pdf").write_bytes(plain_pdf())
    begin, handed = Worker.begin, []

    def killed_at_first(worker: Worker, sources: list[Source], *, again: bool = False) -> None:
        if not handed:
            os.kill(pid_of(worker), signal.SIGKILL)
        handed.append(again)
        begin(worker, sources, again=again)

    monkeypatch.setattr(Worker, "begin", killed_at_first)
    (report,) = verify_paths([tmp_path], NOBODY, now=datetime.now(UTC))
    assert [finding.code for finding in report.findings] == ["no_signature"]
    assert handed == [False, True]
