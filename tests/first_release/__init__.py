"""An office that the first release made, as it lies in an installation that is upgraded today."""

import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.databases import Place
from tests.postgresql import APPLICATION, NOTHING, PLAIN_OWNER, Server, binary, url_of
from workflow.store import VARIABLE
from workflow.upgrade import OWNER, ROLE

HERE = Path(__file__).parent
REVISION = "0002"
LATER = datetime(2026, 11, 26, 9, tzinfo=UTC)
"""Some hours after the office was made: nothing in it is due, no certificate has expired."""


@dataclass(frozen=True)
class FirstRelease:
    """Its data folder, and the environments of the tables' owner and of who works there."""

    folder: Path
    place: Place


@contextmanager
def first_release(kind: str, folder: Path, request: pytest.FixtureRequest) -> Iterator[FirstRelease]:
    """The sample in a new folder; on the server its owner is a plain one, as after a restore."""
    folder.mkdir(mode=0o700)
    with tarfile.open(HERE / f"{kind}.tar.xz") as tar:
        tar.extractall(folder, filter="data")
    if kind == "sqlite":
        yield FirstRelease(folder, Place({}, {}))
        return
    server: Server = request.getfixturevalue("postgresql")
    dump = folder / "paraaf.sql"
    with server.database(NOTHING) as name:
        server.run(f"ALTER DATABASE {name} OWNER TO {PLAIN_OWNER}")
        owner = url_of(server.port, name, PLAIN_OWNER)
        target = owner.set(drivername="postgresql").render_as_string()
        subprocess.run(
            [binary("psql"), "-q", "-X", "-v", "ON_ERROR_STOP=1", "-1", "-f", dump, target],
            check=True,
            capture_output=True,
        )
        dump.unlink()
        application = url_of(server.port, name, APPLICATION).render_as_string()
        yield FirstRelease(
            folder,
            Place({OWNER: owner.render_as_string(), ROLE: APPLICATION}, {VARIABLE: application}),
        )
