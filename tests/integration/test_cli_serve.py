"""`paraaf serve`: a worker that dies is replaced, the authority too, and nothing stays behind."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

from certs.serve_authority import AuthorityServer
from cli.main import main
from documents.register import SAMPLE
from tests.databases import Database
from watching.endpoint import listening
from workflow.store import Store
from workflow.tables import Request

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S = 60.0

pytestmark = pytest.mark.slow
# what these look at has nothing to do with the database
only_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


class Served:
    """A running `paraaf serve`, with what it has said so far."""

    def __init__(self, data: Path, log: Path, *, on_a_server: bool) -> None:
        self.data, self.log, self.on_a_server = data, log, on_a_server
        with log.open("w") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "cli.main", "serve", "--port", "0", "--data", str(data)],
                cwd=ROOT,
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    @property
    def workers(self) -> list[int]:
        """Every worker that was started, the present one last."""
        return [int(number) for number in re.findall(r"^Worker (\d+) started", self.log.read_text(), re.M)]

    def get(self, path: str) -> tuple[int, str]:
        """What it answers at one of its addresses."""
        [host] = re.findall(r"^Pages, metrics and health at http://(\S+)", self.log.read_text(), re.M)
        return get(host, path)

    def until(self, holds: Callable[[], bool]) -> None:
        """Wait; fail with what was said when it takes too long."""
        deadline = time.monotonic() + DEADLINE_S
        while not holds():
            assert time.monotonic() < deadline, self.log.read_text()
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.05)


def get(host: str, path: str) -> tuple[int, str]:
    with closing(HTTPConnection(host, timeout=DEADLINE_S)) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{process}/stat")
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.fixture
def served(tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    data = tmp_path / "data"
    for name, value in database.environ.items():
        monkeypatch.setenv(name, value)
    assert main(["people", "--register", str(SAMPLE), "--data", str(data)]) == 0
    served = Served(data, tmp_path / "log", on_a_server=database.kind == "postgresql")
    try:
        served.until(lambda: bool(served.workers))
        yield served
    finally:
        served.process.kill()
        served.process.wait()


def state_of(data: Path) -> str:
    with closing(Store.open(data, os.environ)) as store, store.read() as session:
        return session.get_one(Request, 1).state


def test_what_dies_is_started_again_its_work_is_done_and_it_stops_in_order(
    served: Served, tmp_path: Path
) -> None:
    server = AuthorityServer(served.data / "authority")
    os.kill(_server_of(server), signal.SIGKILL)
    os.kill(served.workers[0], signal.SIGKILL)
    served.until(lambda: len(served.workers) == 2)
    served.until(lambda: "is started again" in served.log.read_text())
    served.until(lambda: server.answers)
    rows = tmp_path / "rows.csv"
    rows.write_text("person_id\nP024\n")
    signing = tmp_path / "signing.json"
    signing.write_text(
        '{"signing": {"name": "H. Voorbeeld-Esdoorn", "place": "Voorbeeldstad",'
        ' "contact_name": "Desk", "contact_phone": "070 000 0000"}}'
    )
    data = ["--data", str(served.data)]
    assert main(["submit", str(rows), "--variant", "A4", *data]) == 0
    assert main(["fire", "1", "approve", "--as", "P006", "--version", "1", *data]) == 0
    assert (
        main(["fire", "1", "approve", "--as", "P020", "--version", "2", "--data-json", str(signing), *data])
        == 0
    )
    served.until(lambda: state_of(served.data) == "sign")
    assert "ended with status -9; another starts in" in served.log.read_text()
    # what the new worker counted is told by the process that was asked
    status, figures = served.get("/metrics")
    assert status == 200
    assert 'paraaf_steps_total{outcome="done",process="worker",step="render",variant="A4"} 1.0' in figures
    assert 'paraaf_jobs_recovered_total{process="serve"} 0.0' in figures
    assert 'paraaf_workers{status="alive"} 1.0' in figures
    # the terminal's, and that of whoever keeps it running
    served.process.send_signal(signal.SIGINT if served.on_a_server else signal.SIGTERM)
    assert served.process.wait(DEADLINE_S) == 0
    assert served.log.read_text().endswith("Stopped.\n")
    assert not alive(served.workers[-1])


@only_sqlite  # of a server's database see test_watching_endpoint
def test_it_says_whether_it_is_ready_and_killed_it_leaves_no_worker_behind(served: Served) -> None:
    assert served.get("/healthz") == (200, '{"status":"alive"}')
    served.until(lambda: served.get("/readyz")[0] == 200)
    (served.data / "blobs").rename(served.data / "aside")
    (served.data / "blobs").write_text("a file in the folder's place")
    served.until(lambda: served.get("/readyz")[0] == 503)
    told = json.loads(served.get("/readyz")[1])
    assert [check["name"] for check in told["checks"] if not check["ok"]] == ["blobs"]
    worker = served.workers[-1]
    served.process.kill()
    served.process.wait()
    until(lambda: not alive(worker))


def test_a_worker_alone_tells_of_itself(tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert main(["people", "--register", str(SAMPLE), "--data", str(data)]) == 0
    words = ["-m", "cli.main", "worker", "--metrics-port", "0", "--data", str(data)]
    environment = {**os.environ, "PARAAF_LOG": "json"}
    with subprocess.Popen(
        [sys.executable, *words],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as worker:
        try:
            assert worker.stdout is not None
            host = worker.stdout.readline().strip().rpartition("http://")[2]
            deadline = time.monotonic() + DEADLINE_S
            assert worker.stdout.readline().startswith("Worker ready")
            while get_if_any(host, "/readyz") != 200:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            assert 'paraaf_steps_reconciled_total{process="worker"} 0.0' in get(host, "/metrics")[1]
        finally:
            worker.terminate()
        _, log = worker.communicate(timeout=DEADLINE_S)
    assert worker.returncode == 0
    events = [json.loads(line)["event"] for line in log.splitlines()]
    assert events == ["worker_started", "worker_stopped"]


@contextmanager
def working(data: Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A `paraaf worker` that is ready, ended at the end."""
    with log.open("w") as out:
        worker = subprocess.Popen(
            [sys.executable, "-m", "cli.main", "worker", "--data", str(data)],
            cwd=ROOT,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        until(lambda: "Worker ready" in log.read_text())
        yield worker
    finally:
        worker.terminate()
        assert worker.wait(DEADLINE_S) == 0


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@only_sqlite
def test_of_two_workers_the_one_that_stays_serves_the_authority(tmp_path: Path, database: Database) -> None:
    data = tmp_path / "data"
    assert main(["people", "--register", str(SAMPLE), "--data", str(data)]) == 0
    server = AuthorityServer(data / "authority")
    with working(data, tmp_path / "first") as first, working(data, tmp_path / "second"):
        assert server.answers
        first.terminate()
        assert first.wait(DEADLINE_S) == 0
        until(lambda: server.answers)
    assert not server.answers


def get_if_any(host: str, path: str) -> int:
    try:
        return get(host, path)[0]
    except OSError:  # it does not listen yet
        return 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--host", "office.test"], "'office.test' is no IP address"),
        (["--host", "203.0.113.7"], "of 203.0.113.7 can't be served"),
        (["--port", "{taken}"], "Port {taken} of 127.0.0.1 can't be served: Address already in use"),
    ],
)
def test_an_address_that_cant_be_served_is_told_at_once(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    assert main(["people", "--register", str(SAMPLE), "--data", str(data)]) == 0
    with listening("127.0.0.1", 0) as listener:
        taken = str(listener.getsockname()[1])
        words = [word.format(taken=taken) for word in words]
        assert main(["serve", *words, "--data", str(data)]) == 1
    assert said.format(taken=taken) in capsys.readouterr().err


def _server_of(server: AuthorityServer) -> int:
    """The process that answers for a development authority."""
    [child] = [
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdecimal() and str(server.authority.folder).encode() in _command_of(entry)
    ]
    return child


def _command_of(process: Path) -> bytes:
    try:
        command = (process / "cmdline").read_bytes()
    except OSError:  # it has ended meanwhile
        return b""
    return command if b"serve_authority" in command else b""
