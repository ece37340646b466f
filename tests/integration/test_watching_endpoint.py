"""Health, readiness and figures over HTTP, of real offices that lack something."""

import asyncio
import json
import re
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from shutil import rmtree

import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from certs.serve_authority import AuthorityServer
from tests.databases import Database, gone, intruder
from tests.desk_office import served_app
from tests.steps_office import Sample
from watching import endpoint
from watching.endpoint import Check, listening, url_of, watch_app
from watching.errors import AddressRefused
from watching.meters import Meters, authority_label, labelled, together
from workflow import checkup
from workflow.anchors import AnchorNotKept
from workflow.backup import make_backup
from workflow.commands import StepTrouble
from workflow.definition import Catalogue
from workflow.figures import KEPT_S, Figures
from workflow.office import Office
from workflow.outcomes import Patience
from workflow.readiness import checks
from workflow.tables import BlobRemoval, RetentionRow

WELL = [Check("all", True)]


@contextmanager
def served(
    ready: Callable[[], Sequence[Check]] = lambda: WELL, families: Callable[[], list[Metric]] = list
) -> Iterator[str]:
    """The addresses, served by a loop in a thread."""
    with served_app(watch_app(ready=ready, families=families)) as url:
        yield url


def get(url: str, path: str, method: str = "GET") -> tuple[int, str]:
    connection = HTTPConnection(url.removeprefix("http://"), timeout=20)
    with closing(connection):
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def test_health_is_short_and_constant() -> None:
    with served() as url:
        assert get(url, "/healthz") == (200, '{"status":"alive"}')
        assert get(url, "/readyz")[0] == 200


def test_what_is_not_well_is_named() -> None:
    wrong = Check("blobs", False, "document-blob")
    with served(ready=lambda: [*WELL, wrong]) as url:
        status, body = get(url, "/readyz")
    assert status == 503
    assert json.loads(body)["ready"] is False
    assert json.loads(body)["checks"][1] == {"name": "blobs", "ok": False, "code": "document-blob"}


def test_an_error_gives_a_small_answer_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> list[Metric]:
        raise RuntimeError("J. Voorbeeld")

    with served(ready=broken, families=broken) as url:  # type: ignore[arg-type]
        answers = [get(url, "/readyz"), get(url, "/metrics"), get(url, "/healthz")]
    assert [status for status, _ in answers] == [503, 500, 200]
    assert not [body for _, body in answers if "Voorbeeld" in body or "Traceback" in body or len(body) > 300]
    assert {record.msg for record in caplog.records} >= {"readiness_unknown", "metrics_failed"}


@pytest.mark.parametrize(("path", "method", "status"), [("/", "GET", 404), ("/metrics", "POST", 405)])
def test_other_addresses_and_methods_are_refused(path: str, method: str, status: int) -> None:
    with served() as url:
        found, body = get(url, path, method)
    assert found == status
    assert len(body) < 60


def test_a_check_that_hangs_runs_once_and_health_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "ANSWER_S", 0.2)
    free, begun = threading.Event(), []

    def hangs() -> list[Check]:
        begun.append(1)
        free.wait(20)
        return WELL

    with served(ready=hangs) as url:
        with ThreadPoolExecutor(6) as pool:
            found = list(pool.map(lambda _: get(url, "/readyz")[0], range(12)))
        assert get(url, "/healthz")[0] == 200
        free.set()
    assert set(found) == {503}
    assert len(begun) == 1


@pytest.mark.parametrize("host", ["example.test", "127.0.0.1.evil.test", "", "300.1.1.1"])
def test_a_host_is_an_address_and_is_not_looked_up(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def looked_up(*_: object) -> None:
        raise AssertionError("a name was looked up")

    monkeypatch.setattr(socket, "getaddrinfo", looked_up)
    with pytest.raises(AddressRefused, match="no IP address"):
        listening(host, 0)


def test_a_port_that_is_taken_is_told() -> None:
    with (
        listening("localhost", 0) as first,
        pytest.raises(AddressRefused, match=f"Port {first.getsockname()[1]} of 127"),
    ):
        listening("127.0.0.1", first.getsockname()[1])


def test_an_address_of_another_machine_is_told() -> None:
    with pytest.raises(AddressRefused, match=r"203\.0\.113\.7 can't be served"):  # bound, never sent to
        listening("203.0.113.7", 0)


def test_the_sixth_version_of_addresses_works() -> None:
    with listening("::1", 0) as listener:
        assert url_of(listener).startswith("http://[::1]:")


def test_no_half_of_an_answer_waits_for_the_other_to_be_acknowledged() -> None:
    """Or each answer but the first of a connection takes 40 ms more."""

    async def is_sent_at_once() -> bool:
        told: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        def met(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            taken = writer.get_extra_info("socket")
            told.set_result(bool(taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)))
            writer.close()

        listener = listening("127.0.0.1", 0)
        async with await asyncio.start_server(met, sock=listener):
            _, writer = await asyncio.open_connection(*listener.getsockname())
            writer.close()
            return await told

    assert asyncio.run(is_sent_at_once())


# --- readiness


@pytest.fixture
def office(tmp_path: Path, database: Database) -> Iterator[Office]:
    office = Office.open(tmp_path, environ=database.environ)
    beat(office)
    with AuthorityServer(office.authority.folder):
        yield office
    office.close()


def beat(office: Office, *, ago_s: float = 0.0) -> None:
    """A worker that showed its life so long ago."""
    at = (datetime.now(UTC) - timedelta(seconds=ago_s)).isoformat(timespec="microseconds")
    with office.store.write() as session:
        session.execute(text("DELETE FROM procrastinate_workers"))
        session.execute(text("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (:at)"), {"at": at})


def wrong(office: Office) -> dict[str, str]:
    return {check.name: check.code for check in checks(office) if not check.ok}


def test_an_office_with_a_worker_is_ready(office: Office) -> None:
    assert wrong(office) == {}


def test_an_authority_that_nobody_serves_is_told(tmp_path: Path) -> None:
    office = Office.open(tmp_path, environ={})
    beat(office)
    assert wrong(office) == {"authority": "certs-authority-server"}
    office.close()


def test_a_silent_worker_is_none(office: Office) -> None:
    beat(office, ago_s=Patience().silent_s + 1)
    assert wrong(office) == {"workers": "workflow-no-worker"}


def test_a_database_of_another_release_is_told(office: Office) -> None:
    with intruder(office.store, guarded=True) as owner:
        owner.execute("UPDATE alembic_version SET version_num = '0001'")
    assert wrong(office) == {"database": "workflow-store-outdated"}


def test_a_database_that_is_gone_is_told(
    office: Office, database: Database, request: pytest.FixtureRequest
) -> None:
    office.store.close()
    with gone(database, request):
        assert wrong(office) == dict.fromkeys(("database", "workers", "clock"), "workflow-store")


def test_blobs_that_cant_be_written_are_told(office: Office) -> None:
    (office.folder / "blobs").write_text("a file in the folder's place")
    assert wrong(office) == {"blobs": "document-blob"}


def test_trying_the_disk_leaves_nothing(office: Office) -> None:
    assert wrong(office) == {}
    assert [file for file in (office.folder / "blobs").rglob("*") if file.is_file()] == []


def test_keys_that_are_gone_are_told(office: Office) -> None:
    rmtree(office.authority.folder)
    assert wrong(office) == {"keys": "certs-authority-missing", "authority": "certs-authority-server"}


@pytest.mark.parametrize("days", [-9000, 9000])
def test_a_clock_that_cant_be_right_is_told(office: Office, days: int) -> None:
    off = replace(office, clock=lambda: datetime.now(UTC) + timedelta(days=days))
    assert set(wrong(off)) == {"keys", "clock"}  # its worker is seen all the same


# --- figures


@pytest.fixture
def sample(tmp_path: Path, database: Database) -> Iterator[Sample]:
    sample = Sample.open(tmp_path, database.environ)
    yield sample
    sample.office.close()


def test_a_clock_behind_the_last_event_is_told(sample: Sample) -> None:
    sample.submit("A4")
    office = replace(sample.office, clock=lambda: datetime.now(UTC) - timedelta(minutes=6))
    assert wrong(office)["clock"] == "workflow-clock"


def figures(families: Sequence[Metric]) -> dict[tuple[str, ...], float]:
    return {
        (each.name, *(each.labels[name] for name in sorted(each.labels))): each.value
        for family in families
        for each in family.samples
    }


def test_figures_are_those_of_the_database(sample: Sample) -> None:
    first, second, third = sample.submit("A4"), sample.submit("A4"), sample.submit("A3")
    sample.act([first])  # the manager
    sample.act([first])  # the clerk: now it is to be rendered
    sample.act([second])
    ref = sample.waiting(first)[0]
    with sample.office.store.write() as session:
        trouble = StepTrouble(ref, "document-blob", "No room.", "No room.")
        sample.office.engine.report_trouble(session, [trouble])
    found = figures(Figures(sample.office).families())
    declaration = ("paraaf_open_requests", "employer-declaration")
    assert found[*declaration, "rendering", "A4", "render"] == 1
    assert found[*declaration, "review", "A4", "clerk"] == 1
    assert found[*declaration, "manager", "A3", "manager"] == 1
    assert found["paraaf_open_tasks", "no", "clerk"] == 1
    assert found["paraaf_jobs", "waiting"] == 1
    assert found["paraaf_open_incidents", "document-blob", "render"] == 1
    assert found["paraaf_workers", "alive"] == 0
    # what is offered now may be another version than a request began with
    later = figures(Figures(replace(sample.office, catalogue=Catalogue([]))).families())
    assert later[*declaration, "rendering", "A4", "render"] == 1
    with sample.office.store.read() as session:
        assert found[("paraaf_last_event",)] == session.execute(text("SELECT seq FROM log_head")).scalar()
    assert found[("paraaf_database_up",)] == 1
    assert found[("paraaf_database_bytes",)] > 4096
    assert third


def test_ages_are_since_the_first_came(sample: Sample) -> None:
    sample.submit("A4")
    later = replace(sample.office, clock=lambda: datetime.now(UTC) + timedelta(hours=2))
    found = figures(Figures(later).families())
    age = found["paraaf_oldest_request_seconds", "employer-declaration", "manager", "A4", "manager"]
    assert 7200 <= age < 7300
    assert 7200 <= found["paraaf_oldest_task_seconds", "no", "manager"] < 7300


def test_suspects_and_silent_workers_are_counted(sample: Sample) -> None:
    beat(sample.office, ago_s=1000)
    columns, values = "queue_name, task_name, priority, status", "'steps', 'paraaf.steps', :priority, 'todo'"
    if sample.office.store.embedded:  # our connector's own column
        columns, values = f"{columns}, status_at", f"{values}, '2026'"
    with sample.office.store.write() as session:
        for priority in (0, -1, -2):
            session.execute(
                text(f"INSERT INTO procrastinate_jobs ({columns}) VALUES ({values})"),  # noqa: S608 (ours)
                {"priority": priority},
            )
    found = figures(Figures(sample.office).families())
    assert found[("paraaf_suspect_jobs",)] == 1
    assert found["paraaf_jobs", "waiting"] == 3
    assert (found["paraaf_workers", "alive"], found["paraaf_workers", "silent"]) == (0, 1)
    assert 1000 <= found[("paraaf_oldest_heartbeat_seconds",)] < 1100


def test_figures_are_read_once_for_many_who_ask(sample: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    read = Figures(sample.office)
    before = figures(read.families())
    sample.submit("A4")
    assert figures(read.families()) == before
    monkeypatch.setattr("workflow.figures.monotonic", lambda: 10**9 + KEPT_S)
    assert figures(read.families()) != before


def test_what_keeps_waiting_beside_the_steps_is_told(sample: Sample) -> None:
    """An anchor that was not made, requests that were not destroyed, and what is left of some."""
    number = sample.submit("A4")
    sample.do("withdraw", sample.request(number).requester_id, number)
    later = replace(sample.office, clock=lambda: datetime.now(UTC) + timedelta(days=120))
    waiting, oldest = "paraaf_waiting_destruction", "paraaf_oldest_waiting_destruction_seconds"
    day = timedelta(days=1).total_seconds()
    now = figures(Figures(sample.office).families())
    assert [now[waiting, what] for what in ("requests", "files", "database")] == [0, 0, 0]
    assert now[oldest, "requests"] == 0
    assert now[("paraaf_unanchored_seconds",)] < day
    with sample.office.store.write() as session:
        session.add(BlobRemoval(sha256="0" * 64, listed_at=sample.office.clock()))
        session.add(RetentionRow(id=1, looked_at=sample.office.clock(), unclean_since=sample.office.clock()))
    then = figures(Figures(later).families())
    assert [then[waiting, what] for what in ("requests", "files", "database")] == [1, 1, 1]
    assert 20 * day < then[oldest, "requests"] < 35 * day
    assert 120 * day <= then[oldest, "files"] < 121 * day
    assert 120 * day <= then[("paraaf_unanchored_seconds",)] < 121 * day


def test_it_is_told_how_long_ago_the_last_backup_was_made(sample: Sample, tmp_path: Path) -> None:
    """By the figure and by the check: a night without one is no alarm, two are."""
    office, day = sample.office, timedelta(days=1)
    later = replace(office, clock=lambda: datetime.now(UTC) + 5 * day)

    def told(office: Office) -> tuple[float, str, str]:
        [found] = [one for one in checkup.quick(office) if one.area == "backup"]
        age = figures(Figures(office).families())[("paraaf_unsaved_seconds",)]
        return age // day.total_seconds(), found.state, found.message

    assert told(office)[:2] == (0, "ok")
    age, state, message = told(later)
    assert (age, state) == (5, "warning")
    assert "No backup was ever made" in message
    with tempfile.TemporaryDirectory() as elsewhere:
        make_backup(
            Path(elsewhere) / "b.tar",
            store=office.store,
            blobs=office.blobs,
            folder=office.folder,
            now=lambda: datetime.now(UTC) + 4.5 * day,
            release="test",
        )
    assert told(later)[:2] == (0, "ok")
    much_later = replace(office, clock=lambda: datetime.now(UTC) + 7 * day)
    age, state, message = told(much_later)
    assert (age, state) == (2, "warning")
    assert "The last was made" in message


def test_chores_are_counted_by_whether_they_worked(sample: Sample, tmp_path: Path) -> None:
    lost = replace(sample.office, anchor_folder=tmp_path / "nowhere")
    chores = {chore.name: chore for chore in lost.chores()}

    def count(chore: str, outcome: str) -> float | None:
        labels = {"chore": chore, "outcome": outcome}
        return lost.meters.registry.get_sample_value("paraaf_chores_total", labels)

    assert {count(name, outcome) for name in chores for outcome in ("done", "failed")} == {0.0}
    chores["remind"].run()
    with pytest.raises(AnchorNotKept):
        chores["anchor"].run()
    assert (count("remind", "done"), count("remind", "failed")) == (1, 0)
    assert (count("anchor", "done"), count("anchor", "failed")) == (0, 1)


def test_without_a_database_that_is_what_is_told(
    sample: Sample, database: Database, request: pytest.FixtureRequest
) -> None:
    sample.office.store.close()
    with gone(database, request):
        assert figures(Figures(sample.office).families()) == {("paraaf_database_up",): 0}


def test_figures_are_found_without_reading_all_rows(sample: Sample) -> None:
    """The plans of the queries: by the indexes that hold only what is open, or only the files' names."""
    plans = {
        "SELECT key, variant, state, count(*), min(step_seq) FROM requests WHERE closed_at IS NULL"
        " GROUP BY key, variant, state": "ix_requests_open",
        "SELECT role, claimed_by IS NOT NULL, count(*), min(offered_at) FROM tasks WHERE closed_at IS NULL"
        " GROUP BY role, claimed_by IS NOT NULL": "ix_tasks_open",
        "SELECT step, code, count(*) FROM incidents WHERE resolved_at IS NULL GROUP BY step, code": (
            "uq_incidents_open"
        ),
        "SELECT count(signed_sha256) FROM signatures WHERE signed_sha256 IS NOT NULL": (
            "ix_signatures_signed_sha256"
        ),
    }
    explain = "EXPLAIN QUERY PLAN" if sample.office.store.embedded else "EXPLAIN"
    with sample.office.store.read() as session:
        if not sample.office.store.embedded:  # of a few rows it would rather read all
            session.execute(text("SET LOCAL enable_seqscan = off"))
        for query, index in plans.items():
            plan = [str(row[-1]) for row in session.execute(text(f"{explain} {query}"))]
            assert index in "\n".join(plan), plan


def test_the_exposition_is_what_prometheus_reads(sample: Sample) -> None:
    sample.submit("A4")
    meters = Meters()
    meters.commands.labels("approve", "done").inc(3)
    meters.authority_answered("development", at=1.0, seconds=0.02)

    def families() -> list[Metric]:
        own = labelled(meters.registry.collect(), "serve")
        worker = labelled(sample.office.meters.registry.collect(), "worker")
        return together(Figures(sample.office).families(), own, worker)

    with served(families=families) as url:
        status, body = get(url, "/metrics")
    assert status == 200
    found = figures(list(text_string_to_metric_families(body)))
    assert found["paraaf_commands_total", "done", "serve", "approve"] == 3
    assert found["paraaf_commands_total", "done", "worker", "submit"] == 1
    assert found["paraaf_timestamp_authority_up", "development", "serve"] == 1
    names = [line.split()[2] for line in body.splitlines() if line.startswith("# TYPE")]
    assert len(names) == len(set(names))
    assert "_created" not in body


@pytest.mark.parametrize(
    ("name", "label"),
    [("development", "development"), ("https://key:secret@tsa.test:8443/abc?d=e", "tsa.test:8443")],
)
def test_an_authority_is_told_without_what_may_be_secret(name: str, label: str) -> None:
    assert authority_label(name) == label


GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "how-to" / "watch-an-office.md").read_text("utf-8")


def test_the_guide_lists_every_figure(sample: Sample) -> None:
    families = [*Figures(sample.office).families(), *sample.office.meters.registry.collect()]
    short = GUIDE.replace("`…_", "`paraaf_timestamp_authority_")
    for family in families:
        name = f"{family.name}_total" if family.type == "counter" else family.name
        assert f"`{name}`" in short, name


def test_the_rules_of_the_guide_use_figures_that_there_are(sample: Sample) -> None:
    known = {
        family.name
        for family in (*Figures(sample.office).families(), *sample.office.meters.registry.collect())
    }
    used = set(re.findall(r"paraaf_[a-z_]+", GUIDE.split("```yaml")[1].split("```")[0]))
    assert len(used) > 5
    assert {name.removesuffix("_bucket").removesuffix("_total") for name in used} <= known
