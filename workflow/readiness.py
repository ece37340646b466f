"""Whether an office is ready to work: each thing that must be well, and what is wrong with it.

For machines that ask every few seconds, and tell whoever asks: a code alone, which docs/errors.md explains.
No names, no paths, no addresses. `checkup` looks at more, and says more.
"""

from collections.abc import Callable

from certs.authority import DevelopmentAuthority
from certs.errors import AuthorityServerError
from certs.serve_authority import is_served
from problem import Problem
from watching.endpoint import Check
from workflow.application_role import require_enough
from workflow.clock import require_plausible, require_within
from workflow.errors import NoWorker, StoreOutdated
from workflow.office import Office
from workflow.store import revisions


def checks(office: Office) -> list[Check]:
    """Look at everything once, as the table below lists it. Never raises; names nobody."""
    return [_checked(name, look, office) for name, look in _LOOKS]


def _checked(name: str, look: Callable[[Office], None], office: Office) -> Check:
    try:
        look(office)
    except Problem as problem:
        return Check(name, False, problem.code)
    except Exception:  # noqa: BLE001 (whatever it is, it is not well)
        return Check(name, False, "unknown")
    return Check(name, True)


def _database(office: Office) -> None:
    there, ours = office.store.revision(), revisions()[-1]
    if there != ours:
        raise StoreOutdated(
            f"The database is at migration {there or 'none'}, this release expects {ours}.",
            hint="Run `paraaf upgrade`, or start the release that made it.",
        )
    if not office.store.embedded:
        with office.store.read() as session:
            require_enough(session)


def _blobs(office: Office) -> None:
    office.blobs.require_writable()


def _keys(office: Office) -> None:
    """The keys' files are there and belong together; the certificates that sign for us are valid now."""
    authority = DevelopmentAuthority.open(office.authority.folder)
    for certificate in (authority.issuing, authority.tsa):
        require_within(certificate.not_valid_before_utc, certificate.not_valid_after_utc, office.clock())


def _authority(office: Office) -> None:
    """Whoever signs here gets timestamps and revocation answers."""
    if not is_served(office.authority):
        raise AuthorityServerError(
            f"The development authority does not answer at {office.authority.base_url}.",
            hint="A worker on this host serves it: see what its log says, and who holds the port.",
        )


def _workers(office: Office) -> None:
    with office.store.read() as session:
        workers = office.jobs.workers(session)
    if not workers.alive:
        said = f"No worker has shown its life for {workers.limit_s:g} s."
        raise NoWorker(said, hint="Start `paraaf worker`.")


def _clock(office: Office) -> None:
    """Our clock is not behind the last event, and not far from the database's."""
    with office.store.read() as session:
        require_plausible(session, office.clock(), theirs=office.store.now(session))


_LOOKS: tuple[tuple[str, Callable[[Office], None]], ...] = (
    ("database", _database),
    ("blobs", _blobs),
    ("keys", _keys),
    ("authority", _authority),
    ("workers", _workers),
    ("clock", _clock),
)
