"""What PostgreSQL's programs are told, and by what way: whoever lists the processes sees their arguments."""

import subprocess
from pathlib import Path

import pytest

from workflow import snapshot
from workflow.store import Store


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://paraaf:s3cret@127.0.0.1:1/office?sslmode=require",
        "postgresql+psycopg://paraaf@127.0.0.1:1/office?sslmode=require&password=s3cret",
    ],
)
def test_a_password_goes_by_the_environment(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[list[str], str]] = []

    def run(command: list[str], *, env: dict[str, str], **_: object) -> "subprocess.CompletedProcess[str]":
        asked.append((command, env.get("PGPASSWORD", "")))
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(snapshot, "_require_client", lambda *_: None)
    snapshot._client("pg_dump", [], Store(url), tmp_path / "dump")
    [(command, password)] = asked
    assert password == "s3cret"
    assert "s3cret" not in " ".join(command)
    assert "--dbname=postgresql://paraaf@127.0.0.1:1/office?sslmode=require" in command


def test_a_passphrase_that_would_be_seen_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "_require_client", lambda *_: None)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("it was run"))
    url = "postgresql+psycopg://paraaf@127.0.0.1:1/office?sslkey=k.pem&sslpassword=s3cret"
    with pytest.raises(snapshot.ClientUnfit, match="sslpassword") as caught:
        snapshot._client("pg_dump", [], Store(url), tmp_path / "dump")
    assert "s3cret" not in str(caught.value)
