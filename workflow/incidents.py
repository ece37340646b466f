"""Steps that wait: for a repair (incidents), or for their next try; what to do, and who may repair."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from wording import mark
from workflow.access import ADMINISTRATOR, People, working_roles
from workflow.definition_model import Definition
from workflow.judge import office_day
from workflow.pinned import read_or_none
from workflow.tables import Grant, Incident, Person, Request

if TYPE_CHECKING:
    from workflow.jobs import Retry  # with the queue's libraries, which a list of incidents need not wait for

DefinitionOf = Callable[[Session, str], Definition]
ELSE = mark("look the code up in docs/errors.md")


@dataclass(frozen=True)
class ListedIncident:
    """A step that was given up. `message` names nobody; `may_repair` are ids of people who work here.

    `resolved_by` None, with `resolved_at`: nobody had to, a later try ended the step.
    """

    request_id: int
    key: str
    variant: str
    unit: str
    state: str
    step: str
    code: str
    message: str
    what_to_do: str
    opened_at: datetime
    resolved_at: datetime | None
    resolved_by: str | None
    may_repair: tuple[str, ...]


@dataclass(frozen=True)
class ListedRetry:
    """A step that failed `tries` times, and is tried again by itself at `next_at`."""

    request_id: int
    key: str
    variant: str
    unit: str
    state: str
    step: str
    code: str
    what_to_do: str
    tries: int
    next_at: datetime


def listed(
    session: Session,
    *,
    definition_of: DefinitionOf,
    now: datetime,
    with_resolved: bool = False,
    seen_by: str | None = None,
) -> list[ListedIncident]:
    """The open incidents, oldest first; with `with_resolved` all, with `seen_by` what this person may see."""
    query = select(Incident, Request).join(Request, Request.id == Incident.request_id).order_by(Incident.id)
    if not with_resolved:
        query = query.where(Incident.resolved_at.is_(None))
    sees = _Sight(session, seen_by, now)
    holders = _Holders(session)
    found = []
    for incident, request in session.execute(query):
        definition = read_or_none(session, definition_of, request.definition_sha256)
        if sees.sees(request, definition):
            found.append(_listed(incident, request, holders.of(definition, request.unit)))
    return found


def retried(
    session: Session,
    retries: "Sequence[Retry]",
    *,
    definition_of: DefinitionOf,
    now: datetime,
    seen_by: str | None = None,
) -> list[ListedRetry]:
    """The steps that are tried again by themselves, the next one first; none of a request that moved on."""
    sees = _Sight(session, seen_by, now)
    found = []
    for retry in retries:
        request = session.get(Request, retry.ref.request_id)
        if request is None or (request.state, request.step_seq) != (retry.ref.state, retry.ref.step_seq):
            continue
        definition = read_or_none(session, definition_of, request.definition_sha256)
        if sees.sees(request, definition):
            step = "" if definition is None else definition.states[request.state].auto or ""
            found.append(_retried(retry, request, step))
    return found


def what_to_do(code: str) -> str:
    """The next step of whoever runs the office."""
    return ADVICE.get(code, ELSE)


def _listed(incident: Incident, request: Request, may_repair: tuple[str, ...]) -> ListedIncident:
    return ListedIncident(
        request_id=request.id,
        key=request.key,
        variant=request.variant,
        unit=request.unit,
        state=incident.state,
        step=incident.step,
        code=incident.code,
        message=incident.message,
        what_to_do=what_to_do(incident.code),
        opened_at=incident.opened_at,
        resolved_at=incident.resolved_at,
        resolved_by=incident.resolved_by,
        may_repair=may_repair if incident.resolved_at is None else (),
    )


def _retried(retry: "Retry", request: Request, step: str) -> ListedRetry:
    return ListedRetry(
        request_id=request.id,
        key=request.key,
        variant=request.variant,
        unit=request.unit,
        state=request.state,
        step=step,
        code=retry.code,
        what_to_do=what_to_do(retry.code),
        tries=retry.tries,
        next_at=retry.next_at,
    )


class _Sight:
    """Which requests somebody may see; everybody's when nobody is named."""

    def __init__(self, session: Session, who: str | None, now: datetime) -> None:
        self._who, self._now = who, now
        self._people = None if who is None else People.load(session, [who])

    def sees(self, request: Request, definition: Definition | None) -> bool:
        if self._people is None or self._who is None:
            return True
        if definition is None:  # whose roles nobody knows
            return self._people.administers(self._who, request.unit, self._now.date())
        today = office_day(definition, self._now)
        return self._people.administers(self._who, request.unit, today) or self._people.sees(
            self._who, definition, request.unit, request.requester_id, today
        )


class _Holders:
    """Administrators, and who has a role in a process other than its requesters': as the judge lets them."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known: dict[tuple[str, str], tuple[str, ...]] = {}

    def of(self, definition: Definition | None, unit: str) -> tuple[str, ...]:
        place = ("" if definition is None else definition.sha256_hex, unit)
        if place not in self._known:
            self._known[place] = tuple(self._read(definition, unit))
        return self._known[place]

    def _read(self, definition: Definition | None, unit: str) -> Iterator[str]:
        roles = (ADMINISTRATOR,) if definition is None else working_roles(definition)
        yield from self._session.scalars(
            select(Grant.person_id)
            .join(Person, Person.id == Grant.person_id)
            .where(Person.active, Grant.role.in_(roles), or_(Grant.unit.is_(None), Grant.unit == unit))
            .distinct()
            .order_by(Grant.person_id)
        )


# As docs/errors.md has it; a test compares them. Long on purpose: a line for every error that can end a step.
ADVICE: Mapping[str, str] = MappingProxyType(
    {
        "certs-keystore": mark(
            "check the path, the permissions and the format: PKCS#12 or PEM, key and certificate together"
        ),
        "certs-wrong-passphrase": mark(
            "give the right passphrase, or none for a key file that is not encrypted"
        ),
        "certs-key-mismatch": mark("give the key and the certificate that were issued together"),
        "certs-unsupported-key": mark("use a key of RSA 2048 to 4096 bits, P-256, P-384 or Ed25519"),
        "certs-weak-key": mark("make a longer key, and have a certificate issued for it"),
        "certs-expired": mark("renew the certificate"),
        "certs-not-yet-valid": mark("check the clock; wait until the certificate begins"),
        "certs-key-usage-missing": mark(
            "use a certificate for signing documents, or widen the key usages in the signing profile"
        ),
        "certs-revocation-unavailable": mark(
            "see that the OCSP responder or the list answers, then try again"
        ),
        "certs-revoked": mark("sign with another certificate"),
        "certs-authority": mark(
            "check the owner and the permissions of the folder; if a file is damaged, restore "
            "`authority/` from a backup"
        ),
        "certs-authority-missing": mark("create one, or name its folder"),
        "workflow-key-limit": mark("wait, or raise `a_day` in signing.toml and restart the workers"),
        "document-data": mark("mend the fields named, or give a reason where a rule asks for one"),
        "document-kind": mark("use one of the kinds named"),
        "document-blob": mark(
            "check the disk: its room, and the permissions of the folder `blobs`; or that the "
            "object storage answers"
        ),
        "document-blob-missing": mark(
            "restore the file from a backup, `paraaf blobs restore FILE.tar`; `paraaf blobs "
            "scrub` names it. If no backup has it, the request goes back"
        ),
        "document-blob-corrupt": mark(
            "restore the file from a backup, `paraaf blobs restore FILE.tar`, and check the "
            "disk; `paraaf blobs scrub` names it. If no backup has it, the request goes back"
        ),
        "document-blobs-foreign": mark(
            "see that the folder `blobs`, or `PARAAF_BLOBS`, and `PARAAF_DATABASE` are the same office's"
        ),
        "document-blob-unlocked": mark(
            "give the bucket object lock with a default retention, or change `PARAAF_BLOBS_LOCK_DAYS`"
        ),
        "document-too-long": mark("shorten the texts"),
        "document-language": mark("use one of the languages named"),
        "fonts-unprintable": mark("write the text in Latin letters"),
        "signing-profile": mark("mend the key named in the file named"),
        "signing-unsupported-key": mark("sign with a key of RSA 2048 to 4096 bits, P-256, P-384 or Ed25519"),
        "signing-certificate-unusable": mark("renew the certificate, or use one for signing documents"),
        "signing-certificate-revoked": mark("sign with another certificate"),
        "signing-chain": mark("put the missing certificates beside the key, or trust their root"),
        "signing-archive-missing": mark("verify the stored file: only files of B-LTA are renewed"),
        "signing-renewal-pointless": mark(
            "ask the authority when its next certificate comes, or name another one in the profile"
        ),
        "signing-revocation-unavailable": mark("see that the OCSP responder or the list answers"),
        "signing-timestamp": mark("see that the timestamp authority answers"),
        "signing-timestamp-limit": mark(
            "nothing: the step waits for its turn, and that counts as no failure"
        ),
        "signing-timestamp-rest": mark("nothing, if it passes; `paraaf check` tells why, and asks at once"),
        "signing-timestamper-unknown": mark("configure the timestamper, or name another in the profile"),
        "signing-document-refused": mark("save the PDF again without what the message names"),
        "signing-field": mark("name a field that is there and empty"),
        "signing-stamp": mark("use a larger field, or shorter texts in letters that can be printed"),
        "signing-contents-overflow": mark("sign again: more room is kept"),
        "signing-prepared-mismatch": mark("prepare the signature anew"),
        "signing-self-check": mark("keep the file and report it; nothing was handed out"),
        "signing-level-not-reached": mark(
            "see that timestamps and revocation answers can be had, then sign again"
        ),
        "signing-signer": mark("check the key or device"),
        "signing-token-unavailable": mark("plug the token in, or have its service started"),
        "signing-key-address": mark("write it as docs/how-to/sign-with-a-token.md says, without the PIN"),
        "signing-token": mark("mend what the message names"),
        "signing-key-extractable": mark(
            "have a key made in the token, sensitive and not extractable, and a certificate issued for it"
        ),
        "signing-token-pin": mark("correct the PIN where it is kept"),
        "workflow-contended": mark("try again"),
        "workflow-raced": mark("try again"),
        "workflow-definition-missing": mark(
            "put the definition file back, or work with the release that its requests began with"
        ),
        "workflow-definition-refused": mark("mend what each line says, then run `paraaf definitions check`"),
        "workflow-employer-unknown": mark(
            "send the request back to have the employer corrected, or mend the register"
        ),
        "workflow-log-refused": mark(
            "run `paraaf log verify`, and look at the rights in the database; then try again"
        ),
        "workflow-setting": mark("write it as the message says"),
        "workflow-store": mark("see that the database is there, has room, and is held by no other program"),
        "workflow-log-form": mark("report it: the program tried to record what has no canonical form"),
        "workflow-no-branch": mark("give the definition a branch for these facts"),
        "workflow-trigger-not-here": mark("use one of the triggers that the state has"),
        "workflow-fact-missing": mark("fill in the field named"),
        "workflow-organisation-unknown": mark(
            "load the HR register with `paraaf people --register FILE`, and start the worker anew"
        ),
        "workflow-profile-missing": mark("add the signing profile, or name another in the definition"),
        "workflow-another-signer-began": mark("let the one who began finish, or send the request back"),
        "workflow-nobody-approved": mark("mend the definition: it renders after an approval"),
        "workflow-nobody-signed": mark("mend `signs_as` in the definition"),
        "workflow-nothing-to-deliver": mark("mend the definition: it renders and signs before it delivers"),
        "step-crashed": mark("report it with the log's lines, and have its cause mended"),
        "worker-died": mark("look into the system's log (memory, disk)"),
    }
)
