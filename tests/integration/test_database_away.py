"""A database that does not answer: each cause told in one line with its own next step, and found again."""

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from certs.authority import DevelopmentAuthority
from tests.command_line import Said, Terminal
from tests.databases import NOW, Database, only_postgresql
from tests.postgresql import APPLICATION, NOTHING, OWNER, TEMPLATE, Server
from tests.small_disk import PAGE, pages_used, small_disk
from tests.steps_office import wait_for
from workflow.office import Office
from workflow.store import FILE, VARIABLE, Store

pytestmark = pytest.mark.slow
LIMIT_S = 180.0
REASONS = "Connection refused|server closed the connection|shutting down|terminating connection"
"""Whichever is seen first when a server goes away."""


@contextmanager
def strict(server: Server) -> Iterator[None]:
    """The server asks the application for its password, takes `tls` over TLS only, and others not at all."""
    rules = server.folder / "data" / "pg_hba.conf"
    before = rules.read_text()
    everybody = "host all all 127.0.0.1/32"
    rules.write_text(
        f"host all {APPLICATION} 127.0.0.1/32 scram-sha-256\nhostssl all tls 127.0.0.1/32 trust\n"
        f"{everybody.replace('all all', f'all {OWNER}')} trust\n"
    )
    server.run(f"ALTER ROLE {APPLICATION} PASSWORD 'right'")
    reload(server)
    try:
        yield
    finally:
        rules.write_text(before)
        reload(server)
        server.run(f"ALTER ROLE {APPLICATION} PASSWORD NULL")


def reload(server: Server) -> None:
    loaded = "SELECT extract(epoch FROM pg_conf_load_time())"
    with server.connection("postgres") as connection:
        before = connection.execute(loaded).fetchone()
        connection.execute("SELECT pg_reload_conf()")
        for _ in range(200):
            if connection.execute(loaded).fetchone() != before:
                return
            time.sleep(0.02)
    raise AssertionError("the server does not read its rules again")


@pytest.fixture(autouse=True)
def keys(tmp_path: Path) -> None:
    """The folder of an office has keys."""
    DevelopmentAuthority.open_or_create(tmp_path / "authority", now=NOW)


def asked(folder: Path, url: str, capsys: pytest.CaptureFixture[str], *words: str) -> Said:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, url)
        return Terminal(folder, capsys).office(*(words or ("requests", "--as", "P001")))


def require_one_line(said: Said, words: str, hint: str) -> None:
    assert said.status == 1
    error, advice, *more = said.err.splitlines()
    assert words in error
    assert error.endswith(".")
    assert not error.endswith(("?.", ".."))
    assert hint in advice
    assert not more


@pytest.mark.parametrize(
    ("user", "database", "options", "words", "hint"),
    [
        (f"{APPLICATION}:wrong", TEMPLATE, "", "password authentication failed", "Give the role's password"),
        (APPLICATION, TEMPLATE, "", "no password supplied", "mode 0600"),
        (OWNER, "nowhere", "", 'database "nowhere" does not exist', "Correct the database's name"),
        (OWNER, TEMPLATE, "?sslmode=require", "does not support SSL", "Switch TLS on"),
        ("tls", TEMPLATE, "", "no encryption", "sslmode=verify-full"),
        (OWNER, TEMPLATE, "?colour=red", "invalid connection option", "Correct the options"),
    ],
)
def test_each_refusal_of_a_server_has_its_own_hint(
    tmp_path: Path,
    postgresql: Server,
    capsys: pytest.CaptureFixture[str],
    user: str,
    database: str,
    options: str,
    words: str,
    hint: str,
) -> None:
    url = f"postgresql+psycopg://{user}@127.0.0.1:{postgresql.port}/{database}{options}"
    with strict(postgresql):
        require_one_line(asked(tmp_path, url, capsys), words, hint)


def test_an_upgrade_by_a_role_that_may_not_shows_no_statement(
    tmp_path: Path, postgresql: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    with postgresql.database(NOTHING) as name:
        url = f"postgresql+psycopg://{APPLICATION}@127.0.0.1:{postgresql.port}/{name}"
        said = asked(tmp_path / "new", url, capsys, "upgrade")  # before there are tables nothing makes keys
        require_one_line(said, "permission denied for schema public", "Have the owner")
    assert "LINE" not in said.err


def test_a_password_file_that_others_may_read_is_thought_of(
    tmp_path: Path, postgresql: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "pgpass"
    file.write_text("127.0.0.1:*:*:*:right\n")
    monkeypatch.setenv("PGPASSFILE", str(file))
    url = f"postgresql+psycopg://{APPLICATION}@127.0.0.1:{postgresql.port}/{TEMPLATE}"
    with strict(postgresql):
        file.chmod(0o644)
        require_one_line(asked(tmp_path, url, capsys), "no password", "one that others may read")
        file.chmod(0o600)
        with closing(Store(url)) as store:
            assert store.revision()


@only_postgresql
def test_what_a_server_that_is_down_leaves_to_be_checked_is_checked(
    tmp_path: Path, database: Database, postgresql: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    url = database.url.render_as_string()
    postgresql.stop()
    try:
        require_one_line(asked(tmp_path, url, capsys), "Connection refused", "Start the server")
        said = asked(tmp_path, url, capsys, "check", "--json")
    finally:
        postgresql.start()
    assert said.status == 1
    found = {one["area"]: one for one in said.json["findings"]}
    assert found["database"]["state"] == "wrong"
    assert "Start the server" in found["database"]["hint"]
    assert found["folder"] is not None
    assert {"folder", "database", "certificates", "calendars"} <= found.keys()


def test_a_full_disk_is_called_full_and_the_rest_is_checked(
    tmp_path: Path, migrated_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    with small_disk(folder, 2000) as enlarge:
        shutil.copyfile(migrated_file, folder / FILE)
        DevelopmentAuthority.open_or_create(folder / "authority", now=NOW)
        with (folder / "filling").open("wb") as filling:
            filling.write(bytes(PAGE * (2000 - pages_used(folder))))
        office = Terminal(folder, capsys).office
        said = office("requests", "--as", "P001")
        assert f"The disk is full: 0 bytes free at {folder}." in said.err
        assert "Make room" in said.err
        checked = office("check", "--json")
        assert checked.status == 1
        found = checked.json["findings"]
        assert {"folder", "database", "certificates", "calendars"} <= {one["area"] for one in found}
        assert [one["message"] for one in found if "The disk is full" in one["message"]]
        enlarge()
        assert "P001 is not known here" in office("requests", "--as", "P001").err


# --- a worker whose server goes away


class Worker:
    """`paraaf worker`, in a process of its own; what it writes to standard error goes into a file."""

    def __init__(self, folder: Path, url: str, form: str) -> None:
        self.log = folder / "worker.log"
        environ = {**os.environ, VARIABLE: url, "PARAAF_LOG": form}
        words = [sys.executable, "-m", "cli.main", "worker", "--data", str(folder)]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(words, env=environ, stdout=log, stderr=log)

    def wait_for(self, words: str) -> None:
        for _ in range(int(LIMIT_S / 0.1)):
            if words in self.log.read_text():
                return
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.1)
        raise AssertionError(self.log.read_text())

    def stop(self) -> str:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(LIMIT_S)
        return self.log.read_text()


def has_begun(worker: Worker, database: Database, server: Server) -> bool:
    """Whether a worker is at work, and has said of each profile that nobody can sign under what is amiss."""
    said = worker.log.read_text()
    with server.connection(str(database.url.database)) as connection:
        known = connection.execute("SELECT id FROM procrastinate_workers").fetchone()
    return known is not None and said.count("profile_check_failed") == said.count("nobody can sign") > 0


@only_postgresql
@pytest.mark.parametrize("form", ["text", "json"])
def test_a_worker_says_once_that_the_database_is_lost_and_once_that_it_is_back(
    tmp_path: Path, database: Database, postgresql: Server, form: str
) -> None:
    Office.open(tmp_path, environ=database.environ).close()
    worker = Worker(tmp_path, database.url.render_as_string(), form)
    try:
        worker.wait_for("Worker ready")
        wait_for(lambda: has_begun(worker, database, postgresql))
        time.sleep(2)  # it has all its connections
        before = worker.log.read_text()
        postgresql.stop(signal.SIGQUIT)
        try:
            worker.wait_for("database_lost")
            time.sleep(2)  # it tries again and again
        finally:
            postgresql.start()
        worker.wait_for("database_back")
    finally:
        said = worker.stop()
    # without an HR register nobody can seal, and a chore that looks again says so
    lines = [one for one in said.removeprefix(before).splitlines() if "profile_check_failed" not in one]
    if form == "json":
        told: list[dict[str, Any]] = [json.loads(line) for line in lines]
        loud = [one for one in told if one["level"] != "info"]
        assert [one["event"] for one in loud] == ["database_lost", "database_back"], loud
        assert loud[0]["code"] == "workflow-store"
        assert re.search(REASONS, loud[0]["message"])
    else:
        assert [re.split(" +", line)[2] for line in lines] == ["database_lost", "database_back"], said
        assert re.search(REASONS, lines[0])


@only_postgresql
def test_a_worker_waits_for_a_database_that_goes_away_as_it_begins(
    tmp_path: Path, database: Database, postgresql: Server
) -> None:
    async def body() -> None:
        postgresql.stop(signal.SIGQUIT)
        working = asyncio.ensure_future(office.work())
        try:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(asyncio.shield(working), 2)
        finally:
            postgresql.start()
        for _ in range(int(LIMIT_S / 0.1)):
            assert not working.done()
            await asyncio.sleep(0.1)
            with office.store.read() as session:
                if office.jobs.workers(session).alive:
                    break
        else:
            raise AssertionError("it does not begin")
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)

    with closing(Office.open(tmp_path, environ=database.environ)) as office:
        asyncio.run(body())
