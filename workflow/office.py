"""One office: its data folder, and everything wired together in one place.

Opening an office opens its database; the signing desk and the worker live in an event loop, and are opened
with `desk`, `steps` or `work`.
"""

import asyncio
import os
import random
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from certs.authority import DevelopmentAuthority
from certs.errors import TrustError
from certs.hosts import AllowedHosts
from certs.trust import TrustStore
from documents.blobs import Blobs
from documents.kinds import KINDS, Evidence
from documents.open_blobs import open_blobs
from documents.register import Register
from problem import Problem
from signing.authorities import Limit
from signing.organisation import FILE, Organisation, load_organisation
from signing.profile import Profile
from watching.meters import Meters
from workflow import anchors, identity, preflight, remote
from workflow.authority_health import Rests, SharedHealth
from workflow.beginnings import Beginnings
from workflow.bulk_results import BulkResults
from workflow.calendar import later_by
from workflow.cases import Case
from workflow.chores import Chore
from workflow.commands import Command, StepRef
from workflow.copies import remove_old_copies
from workflow.definition import Catalogue, load_folder
from workflow.definition_model import Branch, Definition
from workflow.elsewhere_settings import Elsewhere, load_elsewhere
from workflow.engine import Engine
from workflow.entrance import Entrance
from workflow.errors import AnchorNotKept, Reason, SettingRefused, WorkflowError
from workflow.holds import Holds
from workflow.jobs import EVERY_MINUTE, Jobs
from workflow.judge import office_day
from workflow.kept_forms import KeptForms
from workflow.key_files import SeenFiles
from workflow.keys import DevelopmentKeys, OfficeKeys
from workflow.mail_settings import MailSettings
from workflow.names import known_names
from workflow.one_time_codes import OneTimeCodes
from workflow.openings import why_not_opened
from workflow.outcomes import Patience
from workflow.own_blobs import OwnBlobs
from workflow.passwords import Passwords
from workflow.people import LEAVERS_KEPT
from workflow.rate_limits import RateLimits
from workflow.reauthentication import is_asked
from workflow.registered import fixed
from workflow.reminders import Reminders
from workflow.renewals import EVERY_HOUR, Renewals
from workflow.retention import AFTER_MIDNIGHT, Retention
from workflow.scrub import Scrub
from workflow.sessions import Sessions
from workflow.signing_runs import SigningRuns
from workflow.store import Moment, Store
from workflow.theme import NEUTRAL, Theme, load_theme
from workflow.tokens import Tokens
from workflow.variables import require_none_moved
from workflow.webhooks import Webhooks

if TYPE_CHECKING:
    from signing.pades import SigningDesk  # imported where it signs: it takes as long as all the rest here
    from signing.signers import Signer
    from workflow.authorising import Authorising
    from workflow.mail import Post
    from workflow.passkeys import Passkeys
    from workflow.steps import Steps
    from workflow.webhook_sending import Sender
    from workflow.workbench import Workbench

REGISTER_FILE = "hr_register.csv"
AUTHORITY = "authority"
PUBLIC_URL = "PARAAF_PUBLIC_URL"
ANCHORS = "PARAAF_ANCHORS"
LEAVERS = "PARAAF_LEAVERS_KEPT_DAYS"
LEAVERS_DAYS_MOST = 3_650
SIGNING = "PARAAF_SIGNING"
WEBHOOK_HOSTS = "PARAAF_WEBHOOK_HOSTS"
EVERY_TEN_SECONDS = "* * * * * */10"
# Under it the log is anchored too: its timestampers, its conditions for the organisation's seal.
ANCHOR_PROFILE = "organisation-seal"
EVERY_TEN_MINUTES = "*/10 * * * *"
# No file is written for so long: what is older was left by a worker that died while it wrote.
LEFTOVERS_KEPT = timedelta(hours=1)


# A permit may reach its authority this much later than it was given: the second of two, after a slow first.
PERMIT_KEPT = timedelta(seconds=30)


def _no_job(_session: Session, _refs: Sequence[StepRef]) -> None:
    """Make none: a request's state says that there is a step to do, and a job only hints at it."""


def utc_now() -> datetime:
    """The clock of a running office."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Office:
    """The rooms of one data folder."""

    folder: Path
    store: Store
    blobs: OwnBlobs
    catalogue: Catalogue
    signing: Organisation
    authority: DevelopmentAuthority
    register: Register | None
    engine: Engine
    jobs: Jobs
    clock: Callable[[], datetime]
    verify_url: str | None
    anchor_folder: Path | None
    """Where anchors of the log are written too, outside of the data folder."""
    limits: RateLimits
    rests: Rests
    """How long timestamp authorities are left alone after failures."""
    meters: Meters
    leavers_kept: timedelta
    webhook_hosts: AllowedHosts
    mail: MailSettings | None
    elsewhere: Elsewhere | None = None
    """Through whom people sign in, beside this office's own passwords."""
    theme: Theme = NEUTRAL
    """How its pages look."""

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        clock: Callable[[], datetime] = utc_now,
        environ: Mapping[str, str] = os.environ,
        patience: Patience | None = None,
        make: bool = True,
        jobs: bool = True,
    ) -> Self:
        """Open a data folder; with `make` it is made when it is not there yet, keys included. Without `jobs`
        nobody is asked to do automatic steps: whoever opened it does them.

        Raises a Problem that says what is wrong: WrongOffice, when folder, keys and database do not belong
        together.
        """
        settings = _settings(folder, environ)  # one that is wrong is told before anything is made
        keys = folder / AUTHORITY
        if make:
            identity.require_database(folder, environ)
        else:
            DevelopmentAuthority.open(keys)  # before a database is made
        store = Store.open(folder, environ, make=make)
        try:
            authority = _authority(folder, store, clock(), make=make)
            return cls._wired(
                folder,
                store,
                authority,
                settings=settings,
                clock=clock,
                environ=environ,
                patience=patience,
                jobless=not jobs,
            )
        except BaseException:
            store.close()
            raise

    @classmethod
    def _wired(
        cls,
        folder: Path,
        store: Store,
        authority: DevelopmentAuthority,
        *,
        clock: Callable[[], datetime],
        environ: Mapping[str, str],
        patience: Patience | None,
        settings: "Settings",
        jobless: bool,
    ) -> Self:
        signing, base = settings.signing, settings.base
        file = folder / REGISTER_FILE
        register = Register.load(file) if file.exists() else None
        meters = Meters()
        jobs = Jobs(store, now=clock, random=random.random, patience=patience, meters=meters)
        catalogue = load_folder(names=known_names(signing.profiles))
        engine = Engine(
            store=store,
            catalogue=catalogue,
            kinds=KINDS,
            defer=_no_job if jobless else jobs.defer,
            clock=clock,
            asks_proof=partial(is_asked, profiles=signing.profiles),
            evidence_of=partial(_evidence, register),
            fixed_of=partial(fixed, register),
            why_not_offered=partial(preflight.why_not_offered, signing=signing),
            why_not_signed=partial(_why_not_signed, signing=signing),
            meters=meters,
        )
        return cls(
            folder=folder,
            store=store,
            blobs=_own_blobs(_blobs(folder, environ, catalogue, clock().date()), store),
            catalogue=catalogue,
            signing=signing,
            authority=authority,
            register=register,
            engine=engine,
            jobs=jobs,
            clock=clock,
            verify_url=f"{base}/verify" if base else None,
            anchor_folder=Path(environ[ANCHORS]) if environ.get(ANCHORS) else None,
            limits=RateLimits(store, _limits(signing), moment=store.now, slack=PERMIT_KEPT),
            rests=Rests.of(patience or Patience()),
            meters=meters,
            leavers_kept=settings.leavers_kept,
            webhook_hosts=settings.webhook_hosts,
            mail=settings.mail,
            elsewhere=settings.elsewhere,
            theme=settings.theme,
        )

    @property
    def public_url(self) -> str:
        """The address under which others reach it, without a slash at its end; "" for none."""
        return (self.verify_url or "").removesuffix("/verify")

    @property
    def profiles(self) -> Mapping[str, Profile]:
        """The signing profiles, by name."""
        return self.signing.profiles

    @property
    def trust(self) -> TrustStore:
        """Whom it trusts for its own signatures: the development PKI, and the organisation's roots."""
        return self.authority.trust | self.signing.trust

    def keys(self) -> OfficeKeys:
        """The keys that sign; seals bear the names of the register's employers, so without one is none."""
        development = DevelopmentKeys(self.authority, organisations=self.employers, clock=self.clock)
        return OfficeKeys(development, self.signing.signers, clock=self.clock)

    def own_seal(self, profile: Profile, keys: OfficeKeys | None = None) -> "Signer":
        """The seal for what is of the office and of no one document: the register's first employer's.

        `keys`: those that are open already.
        """
        first = next(iter(self.employers), None)
        return (keys or self.keys()).signer(profile, person_id="", person_name="", organisation=first)

    @property
    def employers(self) -> tuple[str, ...]:
        """The register's employers, each once, in its order."""
        people = self.register.people() if self.register else ()
        return tuple(dict.fromkeys(person.employer_name for person in people))

    def employer_of(self, person: str) -> str | None:
        """A person's employer as the register knows it; None when it does not know them."""
        if self.register is None or not self.register.knows(person):
            return None
        return self.register.person(person).employer_name

    @asynccontextmanager
    async def desk(self, *, ask_all: bool = False) -> "AsyncIterator[SigningDesk]":
        """A signing desk with its HTTP session, for as long as the block runs.

        With `ask_all` it asks authorities, too, that are left alone after failures.
        """
        from signing.pades import SigningDesk  # noqa: PLC0415  as said above

        authorities = self.signing.authorities(self.authority.tsa_url)
        cool_downs = {one.name: one.cool_down for one in authorities}
        health = SharedHealth(self.store, cool_downs, rests=self.rests, heed=not ask_all)
        try:
            async with SigningDesk.open(
                trust=self.trust,
                clock=self.clock,
                timestamp_authorities=authorities,
                gate=_Gate(self.limits),
                health=health,
                meters=self.meters,
            ) as desk:
                yield desk
        finally:
            await health.close()

    @asynccontextmanager
    async def steps(self) -> "AsyncIterator[Steps]":
        """The automatic steps, with a desk of their own."""
        from workflow.steps import Steps  # noqa: PLC0415  as said above

        async with self._bench() as bench:
            yield Steps(bench)

    @asynccontextmanager
    async def authorising(self) -> "AsyncIterator[Authorising]":
        """The signing folders of people whose keys are at a provider, with a desk of their own."""
        from workflow.authorising import Authorising  # noqa: PLC0415  as said above

        async with self._bench() as bench:
            yield Authorising(self, bench)

    @asynccontextmanager
    async def _bench(self) -> "AsyncIterator[Workbench]":
        from documents.render import SAMPLE_NOTE  # noqa: PLC0415  as said above
        from workflow.workbench import WRITERS, Workbench  # noqa: PLC0415

        with ThreadPoolExecutor(WRITERS, "writer") as writers:
            async with self.desk() as desk:
                yield Workbench(
                    store=self.store,
                    engine=self.engine,
                    blobs=self.blobs,
                    desk=desk,
                    keys=self.keys(),
                    employer_of=self.employer_of,
                    kinds=KINDS,
                    profiles=self.profiles,
                    clock=self.clock,
                    random_bytes=secrets.token_bytes,
                    writers=writers,
                    minimum=self.signing.minimum,
                    unsigned=self.signing.unsigned,
                    meters=self.meters,
                    verify_url=self.verify_url,
                    note=SAMPLE_NOTE,
                )

    async def work(self, *, until_idle: bool = False, beside: Sequence[Chore] = ()) -> None:
        """Run a worker until it is told to stop, or until no step is left; `beside`: more chores."""
        begun: list[identity.Begun] = []

        def require_there() -> None:
            if not begun:  # here, and not before: a worker waits for a database that is away
                self.settle()
                office = identity.Begun(self.store, self.folder, self.authority.root_sha256)
                self.blobs.require_own()  # while rows name files that show it
                self.blobs.remove_leftovers(before=self.clock() - LEFTOVERS_KEPT)
                begun.append(office)
            begun[0].require_there()

        async with self.steps() as steps:
            await self.jobs.run_worker(
                steps.run,
                on_gave_up=steps.give_up,
                waiting=steps.waiting,
                chores=[*self.chores(), *(replace(one, run=self._counted(one)) for one in beside)],
                require_there=require_there,
                until_idle=until_idle,
            )

    def settle(self) -> None:
        """Write down which office this is, where that is missing: before work that stores or removes files.

        Raises WrongOffice, StoreUnavailable.
        """
        identity.settle(self.store, self.folder, self.authority.root_sha256, now=self.clock())

    def chores(self) -> list[Chore]:
        """What a worker does beside the steps."""
        reminders = Reminders(
            self.store, definition_of=self.engine.definition, now=self.clock, theirs=self._server_clock
        )
        seen = SeenFiles(self.signing)
        chores = [
            Chore("remind", EVERY_MINUTE, reminders.run),
            Chore("anchor", EVERY_TEN_MINUTES, self.anchor_when_due),
            Chore("destroy", AFTER_MIDNIGHT, self.retention.run),
            Chore("renew", EVERY_HOUR, self.renewals.run_when_due),
            Chore("preflight", EVERY_TEN_MINUTES, lambda: preflight.run_when_due(self, seen)),
            Chore("sessions", EVERY_TEN_MINUTES, self.sessions.tidy),
            Chore("webhooks", EVERY_TEN_SECONDS, self.sender.run),
            Chore("forget-messages", AFTER_MIDNIGHT, self.sender.forget),
            Chore("mail", EVERY_MINUTE, self.post.run),
            Chore("forget-mail", AFTER_MIDNIGHT, self.post.forget),
            Chore("forget-runs", AFTER_MIDNIGHT, self.signing_runs.forget),
            Chore("forget-results", AFTER_MIDNIGHT, self.bulk_results.forget),
            Chore("forget-forms", AFTER_MIDNIGHT, self.kept_forms.forget),
            Chore("tidy", AFTER_MIDNIGHT, lambda: remove_old_copies(self.folder, now=self.clock())),
        ]
        return [replace(chore, run=self._counted(chore)) for chore in chores]

    def _counted(self, chore: Chore) -> Callable[[], object]:
        """The chore, counted by whether it worked; both counts are there from the beginning."""
        done, failed = (self.meters.chores.labels(chore.name, outcome) for outcome in ("done", "failed"))

        def run() -> object:
            try:
                result = chore.run()
            except Exception:
                failed.inc()
                raise
            done.inc()
            return result

        return run

    async def anchor(self, kind: anchors.Kind = "timestamp") -> anchors.Anchor:
        """Anchor the event log as it is now, and keep the anchor, in the folder for anchors too.

        Raises NothingToAnchor, SigningError, AnchorNotKept; the last after the anchor is in the database.
        """
        try:
            anchor = await self._made(kind)
        except Problem:
            self.write_anchors()  # the copies that are missing need no authority
            raise
        try:
            self.write_anchors()
        except AnchorNotKept as error:
            raise AnchorNotKept(
                f"The anchor over the head {anchor.head} was made, and is in the database. {error}",
                hint=error.hint,
            ) from error
        return anchor

    async def _made(self, kind: anchors.Kind) -> anchors.Anchor:
        """An anchor over the log as it is now, in the database."""
        profile = self.profiles[ANCHOR_PROFILE]
        # a development seal's certificate may be made just now: it must have begun at the anchor's time
        signer = self.own_seal(profile) if kind == "seal" else None
        with self.store.read() as session:
            statement = anchors.Statement.of(session, at=self.clock())
        async with self.desk() as desk:
            if signer is not None:
                anchor = await anchors.sealed(statement, desk, profile, signer)
            else:
                anchor = await anchors.timestamped(statement, desk, profile)
        with self.store.write() as session:
            anchors.keep(session, anchor)
        return anchor

    def anchor_when_due(self) -> None:
        """What a worker does every few minutes: an anchor a day, and no file of one missing."""
        with self.store.read() as session:
            due = anchors.is_due(session, now=self.clock())
        if due:
            asyncio.run(self.anchor())
        else:
            self.write_anchors()

    def write_anchors(self) -> None:
        """Write the anchors that the folder for anchors, if there is one, does not hold yet."""
        if self.anchor_folder is not None:
            with self.store.read() as session:
                anchors.write_missing(session, self.anchor_folder)

    @property
    def retention(self) -> Retention:
        """Destroys what is due, and tells what will be."""
        return Retention(
            store=self.store,
            blobs=self.blobs,
            definition_of=self.engine.definition,
            clock=self.clock,
            theirs=self._server_clock,
            random_bytes=secrets.token_bytes,
            leavers_kept=self.leavers_kept,
        )

    @property
    def _server_clock(self) -> Callable[[Session], datetime] | None:
        """The database's clock, where this office goes by its machine's; None where it goes by any other."""
        return self.store.now if self.clock is utc_now else None

    @property
    def moment(self) -> Moment:
        """The time that all processes share."""
        ours = self.clock
        return self._server_clock or (lambda _session: ours())

    @property
    def passwords(self) -> Passwords:
        """The passwords of the people."""
        return Passwords(self.store, moment=self.moment)

    @property
    def one_time_codes(self) -> OneTimeCodes:
        """The codes that some are asked for after their password."""
        issuer = urlsplit(self.verify_url or "").hostname or "Paraaf"
        key = self.authority.own_key("code secrets")
        return OneTimeCodes(self.store, self.passwords, self.moment, key, issuer)

    @property
    def passkeys(self) -> "Passkeys":
        """The passkeys of the people."""
        from workflow.passkeys import Passkeys, site_of  # noqa: PLC0415  pages alone need it

        return Passkeys(self.store, self.moment, site_of(self.public_url))

    @property
    def entrance(self) -> Entrance:
        """The way in."""
        return Entrance(self.store, self.moment, self.passwords, self.one_time_codes)

    @property
    def tokens(self) -> Tokens:
        """The tokens of programs that use the API in somebody's name."""
        ours = self.clock
        moment = self._server_clock or (lambda _session: ours())
        return Tokens(self.store, moment=moment, passwords=self.passwords)

    @property
    def webhooks(self) -> Webhooks:
        """Who is told of events."""
        return Webhooks(self.store, self.webhook_hosts, self.authority.own_key("webhooks"))

    @property
    def post(self) -> "Post":
        """Makes mail for the people, and sends it."""
        from workflow.mail import Post  # noqa: PLC0415  as said above

        return Post(self.store, self.engine, self.mail, self.clock, lambda: self.newest_day)

    @property
    def sender(self) -> "Sender":
        """Tells them."""
        from workflow.webhook_sending import Sender  # noqa: PLC0415  as said above

        source = self.public_url or f"urn:paraaf:{self.authority.root_sha256}"
        return Sender(self.store, self.webhooks, source, self.clock)

    @property
    def sessions(self) -> Sessions:
        """Who has signed in."""
        return Sessions(self.store, self.moment, today=lambda: self.newest_day)

    @property
    def signing_runs(self) -> SigningRuns:
        """Goes through signing folders."""
        return SigningRuns(self.store, self.moment)

    @property
    def bulk_results(self) -> BulkResults:
        """What came of it when people did the same with many requests."""
        return BulkResults(self.store, self.moment)

    @property
    def kept_forms(self) -> KeptForms:
        """Forms that were answered with a question or a look."""
        return KeptForms(self.store, self.moment)

    @property
    def beginnings(self) -> Beginnings:
        """Requests that people have begun and not sent."""
        return Beginnings(self.store, KINDS, self.clock)

    @property
    def newest_day(self) -> date:
        """The day of the office whose day began first, of the processes that are offered."""
        return max(self.today(one) for one in self.catalogue)

    @property
    def renewals_by_hand(self) -> Renewals:
        """The same for somebody who asks for it: authorities that rest after a failure are asked, too."""
        return self._renewals(partial(self.desk, ask_all=True))

    @property
    def renewals(self) -> Renewals:
        """Renews archive timestamps, by the authorities that timestamp the log, and tells by when."""
        return self._renewals(self.desk)

    def _renewals(self, desk: "Callable[[], AbstractAsyncContextManager[SigningDesk]]") -> Renewals:
        return Renewals(
            store=self.store,
            blobs=self.blobs,
            open_desk=desk,
            profile=self.profiles[ANCHOR_PROFILE],
            trust=self.trust,
            clock=self.clock,
            random_bytes=secrets.token_bytes,
        )

    def scrub(self) -> Scrub:
        """A look at every stored file."""
        return Scrub(store=self.store, blobs=self.blobs, clock=self.clock)

    @property
    def holds(self) -> Holds:
        """Places and releases holds."""
        return Holds(
            store=self.store,
            definition_of=self.engine.definition,
            clock=self.clock,
            random_bytes=secrets.token_bytes,
        )

    def today(self, definition: Definition) -> date:
        """The day of a process's office: what rules compare with, and what documents are dated."""
        return office_day(definition, self.clock())

    def evidence_of(self, person: str, definition: Definition) -> Evidence:
        """What is known today of a requester beside the document: what the engine compares with."""
        return _evidence(self.register, person, self.today(definition))

    def close(self) -> None:
        """Close the database's connections."""
        self.store.close()


def _authority(folder: Path, store: Store, now: datetime, *, make: bool) -> DevelopmentAuthority:
    """The folder's keys, which belong to the database's office; with `make` new ones for a new office."""
    keys = folder / AUTHORITY
    if not make:
        authority = DevelopmentAuthority.open(keys)
        with store.read() as session:
            identity.require_same(session, folder, authority.root_sha256)
        return authority
    identity.require_unmade(store, keys)
    authority = DevelopmentAuthority.open_or_create(keys, now=now)
    identity.settle(store, folder, authority.root_sha256, now=now)
    return authority


@dataclass(frozen=True)
class _Gate:
    """The limits of this office's workers, for the signing desk. The lock is waited for in a thread."""

    limits: RateLimits

    async def take(self, authority: str, *, turn: str, count: int) -> float:
        if authority not in self.limits:
            return 0.0
        return await asyncio.to_thread(self.limits.take, authority, turn=turn, count=count)


def _limits(signing: Organisation) -> Mapping[str, Limit]:
    """The limits of the authorities that have one."""
    return {one.name: one.limit for one in signing.authorities("") if one.limit is not None}


@dataclass(frozen=True)
class Settings:
    """What the environment says: how the organisation signs, the public address, how long leavers are kept,
    whom webhooks may tell, how mail leaves, through whom people sign in, how pages look."""

    signing: Organisation
    base: str
    leavers_kept: timedelta
    webhook_hosts: AllowedHosts
    mail: MailSettings | None
    elsewhere: Elsewhere | None
    theme: Theme


def _settings(folder: Path, environ: Mapping[str, str]) -> Settings:
    """Raises SettingRefused, ProfileError, CertsProblem."""
    require_none_moved(environ)
    base, elsewhere = _public_url(environ), load_elsewhere(folder, environ)
    if elsewhere is not None and not base:
        raise SettingRefused(
            f"People sign in through {elsewhere.issuer[:200]}, and {PUBLIC_URL} does not say where that sends"
            " them back to.",
            hint=f"Set {PUBLIC_URL} to the address of this office.",
        )
    return Settings(
        signing=signing_of(folder, environ),
        base=base,
        leavers_kept=_leavers_kept(environ),
        webhook_hosts=_hosts(environ),
        mail=MailSettings.of(environ, base),
        elsewhere=elsewhere,
        theme=load_theme(folder, environ),
    )


def signing_of(folder: Path, environ: Mapping[str, str] = os.environ) -> Organisation:
    """How the organisation of a data folder signs. Raises SettingRefused, ProfileError, CertsProblem."""
    return load_organisation(signing_file(folder, environ), kinds=KINDS)


def signing_file(folder: Path, environ: Mapping[str, str] = os.environ) -> Path:
    """Where it is said how the organisation signs; it need not be there. Raises SettingRefused."""
    named = environ.get(SIGNING, "")
    file = Path(named) if named else folder / FILE
    if named and not file.is_file():
        raise SettingRefused(
            f"{SIGNING} is {named[:200]!r}, and there is no such file.",
            hint="Correct it, or leave it out: then signing.toml in the data folder counts.",
        )
    return file


def _leavers_kept(environ: Mapping[str, str]) -> timedelta:
    """How long people are kept after a register first left them out. Raises SettingRefused."""
    said = environ.get(LEAVERS, "")
    if not said:
        return LEAVERS_KEPT
    if not (said.isascii() and said.isdecimal() and int(said[:9]) <= LEAVERS_DAYS_MOST):
        raise SettingRefused(
            f"{LEAVERS} is {said[:80]!r}, and that is no number of days from 0 to {LEAVERS_DAYS_MOST}.",
            hint="Write it like 30.",
        )
    return timedelta(days=int(said))


def _hosts(environ: Mapping[str, str]) -> AllowedHosts:
    """The hosts that webhooks may tell. Raises SettingRefused."""
    said = [one.strip() for one in environ.get(WEBHOOK_HOSTS, "").split(",")]
    try:
        return AllowedHosts.parse(filter(None, said))
    except TrustError as error:
        raise SettingRefused(f"{WEBHOOK_HOSTS}: {error}", hint=error.hint) from error


def _public_url(environ: Mapping[str, str]) -> str:
    """The address under which others reach the office, without a slash at its end; "" for none.

    It is printed on every document. Raises SettingRefused.
    """
    url = environ.get(PUBLIC_URL, "")
    try:
        parts = urlsplit(url)
        told = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        told = False
    else:
        told = told and not (parts.query or parts.fragment or parts.username) and url.isprintable()
    if url and (not told or " " in url):
        raise SettingRefused(
            f"{PUBLIC_URL} is {url[:80]!r}, and that is no address that a QR code could lead to.",
            hint="Write it like https://paraaf.example.org, with or without a path.",
        )
    return url.rstrip("/")


def _why_not_signed(
    session: Session, case: Case, command: Command, branch: Branch, *, signing: Organisation
) -> Reason | None:
    """What keeps a command from leading to a signature: before a key is used, the document is opened."""
    return why_not_opened(session, case, command, branch, signing=signing) or remote.why_not_signed(
        session, case, command, branch, signing=signing
    )


class RegisterMissing(WorkflowError):
    """This host has no HR register: what is declared can't be compared with it."""

    code = "workflow-register-missing"
    impersonal = True


class LockTooLong(WorkflowError):
    """The object storage locks files for longer than some requests are kept."""

    code = "workflow-lock-too-long"


def _blobs(folder: Path, environ: Mapping[str, str], catalogue: Catalogue, today: date) -> Blobs:
    """The stored files; what is to be destroyed must not be locked by then. Raises LockTooLong, BlobError."""
    blobs = open_blobs(folder, environ)
    days = blobs.lock_days()
    for definition in catalogue if days else ():
        if later_by(today, definition.keep) <= today + timedelta(days=days):
            raise LockTooLong(
                f"The object storage locks files for {days} days, and {definition.label} keeps requests for"
                f" {definition.keep} only.",
                hint="Have the bucket lock for less than the shortest keep.",
            )
    return blobs


def _own_blobs(blobs: Blobs, store: Store) -> OwnBlobs:
    """The stored files, unless they are another office's. Raises BlobsForeign."""
    own = OwnBlobs(blobs, store)
    own.require_not_foreign()
    return own


def _evidence(register: Register | None, person: str, day: date) -> Evidence:
    """What is known of a requester beside the document: the register's word, if it knows them.

    Raises RegisterMissing: without it, nothing that is declared would be compared with anything.
    """
    if register is None:
        raise RegisterMissing(
            f"There is no HR register ({REGISTER_FILE}) in this data folder, with which data are compared.",
            hint="Load it with `paraaf people --register FILE.csv`, or copy it from the host where that was"
            " done.",
        )
    if not register.knows(person):
        return Evidence(issued_on=day)
    return register.evidence(person, on=day)
