"""What the tests share: one development PKI a session, its server on loopback, and the databases."""

import gc
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from hypothesis import settings

from certs.authority import DevelopmentAuthority
from certs.child_server import ChildServer
from certs.loopback import free_base_url
from certs.serve_authority import AuthorityServer
from tests import in_memory
from tests.compiled_once import compiled_once
from tests.databases import KINDS, Database, fresh
from tests.object_storage import Storage, served
from tests.postgresql import Server
from tests.proving import QUICK
from tests.read_once import read_once
from tests.softhsm import CONF, SoftHsm, SoftToken
from tests.warm import warm, warm_paraaf
from workflow.store import FILE, Store

in_memory.move_in()
# A loaded machine makes an example slow, not wrong.
settings.register_profile("paraaf", deadline=None)
settings.load_profile("paraaf")


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> DevelopmentAuthority:
    """A development PKI in a folder of its own; don't revoke what others use: revoke what you issued."""
    folder = tmp_path_factory.mktemp("pki") / "authority"
    # An hour ago: a test module's own NOW was taken when it was collected, before this runs.
    made_at = datetime.now(UTC) - timedelta(hours=1)
    return DevelopmentAuthority.create(folder, base_url=free_base_url(), now=made_at)


@pytest.fixture(scope="session", autouse=True)
def warm_authorities(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Have the development authority's servers be forks of one process that has imported what they need."""
    serve, usual = "certs.serve_authority", ChildServer.__init__
    with ExitStack() as stack:

        @cache
        def command() -> Path:
            made = tmp_path_factory.mktemp("warm") / "serve"
            stack.enter_context(warm(made, serve))
            return made

        def init(
            child: ChildServer, module: str, arguments: Sequence[str], *, start_timeout_s: float
        ) -> None:
            usual(child, module, arguments, start_timeout_s=start_timeout_s)
            if module == serve:
                child._command[:3] = [str(command())]

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ChildServer, "__init__", init)
            yield


@pytest.fixture(scope="session")
def paraaf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """`paraaf` as a person types it, in a folder for PATH."""
    command = tmp_path_factory.mktemp("bin") / "paraaf"
    with warm_paraaf(command):
        yield command


@pytest.fixture(scope="session", autouse=True)
def quick_offices() -> Iterator[None]:
    """Have every office of this process hash passwords and recovery codes at no cost, and read and make once
    what they all read and make."""
    with read_once(), compiled_once(), pytest.MonkeyPatch.context() as patch:
        patch.setattr("workflow.passwords.HASHER", QUICK)
        yield


@pytest.fixture(scope="session")
def authority_server(authority: DevelopmentAuthority) -> Iterator[AuthorityServer]:
    """The session's development PKI, answering at the addresses in its certificates."""
    with AuthorityServer(authority.folder) as server:
        yield server


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """This process's PostgreSQL server, started when the first test asks for it."""
    server = Server.make()
    yield server
    server.remove()


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with all tables, to be copied: half of a short test would go into making them."""
    folder = tmp_path_factory.mktemp("migrated")
    Store.open(folder, environ={}).close()
    return folder / FILE


@pytest.fixture(params=KINDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A fresh database of each kind in turn: the file of `tmp_path`, and one of the server's."""
    with fresh(request.param, tmp_path, request) as database:
        yield database


@pytest.fixture(scope="session")
def object_storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storage]:
    """This process's S3-compatible storage, started when the first test asks for it."""
    with served(tmp_path_factory.mktemp("storage")) as storage:
        yield storage


@pytest.fixture(scope="session")
def softhsm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoftHsm]:
    """This process's folder of SoftHSM's tokens; SoftHSM is told of it by the environment."""
    made = SoftHsm.make(tmp_path_factory.mktemp("softhsm"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CONF, str(made.conf))
        yield made


@pytest.fixture(scope="session")
def soft_token(softhsm: SoftHsm) -> SoftToken:
    """A token that tests share: don't harm it; it makes a key of a kind when one is first asked for."""
    return softhsm.token("shared")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Have the collector of garbage never look through ten thousand tests: they stay until the end. Nor does
    it look often: there is room for what an office leaves behind."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(10_000, 20, 50)
        gc.enable()


LONGEST = {
    "e2e",
    "test_api_described.py",
    "test_cli_readme.py",
    "test_retention_logs.py",
    "test_throughput_fitted.py",
    "test_throughput_mining.py",
}
"""Where single tests take up to a minute."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest: at the end no process waits for another's last test."""
    items.sort(key=lambda item: LONGEST.isdisjoint(item.path.parts))
