"""Whether an office can do its work: what is wrong, and what to do about it.

Each check gives findings, good ones too, so that whoever reads them knows what was looked at. Nothing is
changed, and nothing is kept: the signature that is made on trial is thrown away.
"""

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

from sqlalchemy import func, inspect, select, text
from sqlalchemy.orm import Session

from certs.authority import DevelopmentAuthority
from certs.errors import CertsProblem
from certs.keystore import require_usable
from certs.serve_authority import is_served
from problem import Problem
from signing.profile import Profile
from wording import Sentence
from workflow import keeping, preflight, renewals
from workflow.anchors import unanchored_since
from workflow.application_role import require_bound, require_enough
from workflow.backup import LAST, last_backup, unsaved_since
from workflow.calendar import CALENDARS
from workflow.claims import lapsed
from workflow.clock import require_plausible
from workflow.destruction import NOBODY
from workflow.errors import StoreOutdated, StoreUnavailable
from workflow.eventlog import Head
from workflow.findings import Finding, State, written
from workflow.guards import differences, lone_rows
from workflow.logcheck import Fault, verify
from workflow.office import Office, utc_now
from workflow.pinned import pinned, read_or_none
from workflow.retention import OVERDUE, waiting_until
from workflow.scrub import HINTS
from workflow.tables import (
    BlobRemoval,
    Grant,
    Incident,
    LogHead,
    PasskeyRow,
    PasswordRow,
    Person,
    Request,
    RetentionRow,
    Task,
)

UNANCHORED = timedelta(days=2)
UNRENEWED = timedelta(days=45)  # a worker renews earlier by as much again
"""Twice as long as a worker lets pass."""
UNSAVED = timedelta(days=2)
"""A nightly backup, and one that failed."""
LITTLE_ROOM, NO_ROOM = 2 * 1024**3, 200 * 1024**2  # bytes
_MOST_NAMED = 20
_BY_SOMEBODY = (
    "No command does this: find out who may change the database, and what else they did. Then restore the"
    " last backup: docs/how-to/back-up-and-restore.md."
)


def quick(office: Office) -> Iterator[Finding]:
    """What can be seen in a moment."""
    yield from _told("folder", _folder(office.folder))
    yield from _told("database", _database(office))
    yield from _told("files", _storing(office))
    yield from _told("clock", _clock(office))
    yield from _told("certificates", _certificates(office))
    yield from _calendars(office.clock().date())
    yield from _told("people", _people(office))
    yield from _told("definitions", pinned_definitions(office))
    yield from _told("work", _work(office))
    yield from _told("anchors", _anchors(office))
    yield from _told("archives", _archives(office))
    yield from _told("keeping", _keeping(office))
    yield from _told("backup", _backup(office))


def authority(office: Office) -> Finding:
    """Whether the development authority is served here, as it is wherever a worker is at work."""
    if is_served(office.authority):
        return Finding(
            "authority", "ok", f"The development authority answers at {office.authority.base_url}."
        )
    with office.store.read() as session:
        alive = office.jobs.workers(session).alive
    if not alive:
        return Finding("authority", "ok", "Nobody serves the development authority; a worker will.")
    return Finding(
        "authority",
        "warning",
        f"The development authority does not answer at {office.authority.base_url}, and workers are at work.",
        "Nothing is signed on a host without it, and each worker serves it: see what their log says. Where no"
        " worker runs on this host, nothing is wrong.",
    )


def unopened(folder: Path, problem: Problem) -> Iterator[Finding]:
    """What can be seen of an office that can't be opened: why, and what needs no database."""
    area = "database" if isinstance(problem, StoreUnavailable | StoreOutdated) else "office"
    yield Finding(area, "wrong", str(problem), problem.hint or "Mend it, then look again.")
    now = utc_now()
    yield from _told("folder", _folder(folder))
    yield from _told("certificates", _authority_of(folder / "authority", now))
    yield from _calendars(now.date())


def deep(office: Office, *, anchored: Iterable[Head] = ()) -> Iterator[Finding]:
    """What takes its time: every page of the database, its guards, every event, every stored file.

    `anchored`: heads of the log that were kept outside.
    """
    yield from _told("database", _pages(office))
    yield from _told("database", _guards(office))
    yield from _told("log", _log(office, anchored))
    yield from _told("files", _files(office))
    yield from _told("archives", _noted(office))


def _told(area: str, findings: Iterator[Finding]) -> Iterator[Finding]:
    """The findings of one check; a check that can't be finished is one more."""
    try:
        yield from findings
    except Problem as problem:
        yield Finding.of(area, "wrong", problem)


# --- the parts


def _folder(folder: Path) -> Iterator[Finding]:
    area = "folder"
    if not folder.is_dir():
        message = Sentence("There is no folder {folder}.", folder=str(folder))
        yield Finding(area, "wrong", message, Sentence("Name the data folder with --data."))
        return
    mode = folder.stat().st_mode & 0o077
    if mode:
        message = Sentence("Others may look into {folder}.", folder=str(folder))
        hint = Sentence("It holds keys: chmod go-rwx {folder}", folder=str(folder))
        yield Finding(area, "warning", message, hint)
    if not os.access(folder, os.W_OK | os.X_OK):
        message = Sentence("{folder} can't be written.", folder=str(folder))
        yield Finding(area, "wrong", message, Sentence("Give this user its rights."))
    free = shutil.disk_usage(folder).free
    state: State = "wrong" if free < NO_ROOM else "warning" if free < LITTLE_ROOM else "ok"
    message = Sentence("{folder}: {size} GB free.", folder=str(folder), size=f"{free / 1e9:.1f}")
    room = Sentence("Make room: without it nothing is recorded, and nothing is signed.")
    yield Finding(area, state, message, "" if state == "ok" else room)


def _database(office: Office) -> Iterator[Finding]:
    with office.store.read() as session:
        tables = len(inspect(session.connection()).get_table_names())
        events = session.scalar(select(LogHead.seq)) or 0  # counting them takes as long as there are many
    kind = office.store.url.get_backend_name()
    message = Sentence("{kind}, {tables} tables, {events} events.", kind=kind, tables=tables, events=events)
    yield Finding("database", "ok", message)
    if not office.store.embedded:
        yield _role(office)


def _role(office: Office) -> Finding:
    """On a server, who works here may not undo what protects the log. Raises RoleUnfit."""
    with office.store.read() as session:
        bound = require_bound(session)
        require_enough(session)
    if bound:
        message = Sentence("The application's role owns nothing, and has the rights it needs.")
        return Finding("database", "ok", message)
    return Finding(
        "database",
        "warning",
        Sentence("This role owns the tables: it could take away what protects the log."),
        Sentence("Work as a role that owns nothing: docs/how-to/run-on-postgresql.md."),
    )


def _storing(office: Office) -> Iterator[Finding]:
    """A file can be stored, as far as that can be tried without one. Raises BlobError."""
    office.blobs.require_writable()
    yield Finding("files", "ok", Sentence("Files can be stored."))


def _clock(office: Office) -> Iterator[Finding]:
    now = office.clock()
    with office.store.read() as session:
        require_plausible(session, now, theirs=office.store.now(session))
    message = Sentence("{now:time}, not before the last event.", now=written(now))
    yield Finding("clock", "ok", message)


def _certificates(office: Office) -> Iterator[Finding]:
    now = office.clock()
    yield from _authority(office.authority, now)
    for profile in office.profiles.values():
        if profile.kind == "seal" and profile.level and not profile.signers:
            yield _seal(office, profile, now)


def _authority(authority: DevelopmentAuthority, now: datetime) -> Iterator[Finding]:
    ours = (authority.root, authority.issuing, authority.tsa, authority.ocsp_credential.certificate)
    for certificate in ours:
        yield preflight.validity(certificate, now)


def _authority_of(folder: Path, now: datetime) -> Iterator[Finding]:
    yield from _authority(DevelopmentAuthority.open(folder), now)


def _seal(office: Office, profile: Profile, now: datetime) -> Finding:
    try:
        certificate = office.own_seal(profile).certificate
        require_usable(certificate, now=now, accepted_usages=frozenset(profile.key_usage))
    except CertsProblem as problem:
        return Finding.of("certificates", "wrong", problem)
    except Problem as problem:
        told = Finding.of("certificates", "warning", problem)
        message = Sentence("Profile {profile}: {problem}", profile=profile.name, problem=told.message)
        return replace(told, message=message)
    return preflight.validity(certificate, now)


def _calendars(today: date) -> Iterator[Finding]:
    for calendar in CALENDARS.values():
        known = {"calendar": calendar.name, "year": str(calendar.last_year)}
        if calendar.last_year > today.year:
            message = Sentence("{calendar} knows its holidays to {year}.", **known)
            yield Finding("calendars", "ok", message)
        else:
            yield Finding(
                "calendars",
                "warning" if calendar.last_year == today.year else "wrong",
                Sentence("{calendar} knows its holidays to {year} only.", **known),
                Sentence("Add the next years' holidays: no due time can be told beyond them."),
            )


def _work(office: Office) -> Iterator[Finding]:
    with office.store.read() as session:
        incidents = session.scalar(
            select(func.count()).select_from(Incident.table()).where(Incident.resolved_at.is_(None))
        )
        alive = office.jobs.workers(session).alive
        behind = left_behind(office, session)
        held = lapsed(session, pinned(session, office.engine.definition), office.clock())
    for verb, numbers in behind.items():
        message = Sentence(
            "Requests that wait for a requester who has left: {requests}.", requests=_counted(numbers)
        )
        hint = Sentence(
            "Whoever has a role of their process, or an administrator, ends them:"
            " `paraaf fire N {verb} --as WHO`.",
            verb=verb,
        )
        yield Finding("work", "warning", message, hint if verb else _NO_WAY_OUT)
    if held:
        message = Sentence(
            "Requests whose task somebody holds who may not do it any more: {requests}.",
            requests=_counted(held),
        )
        hint = Sentence(
            "Whoever could take the task, or an administrator, releases it: `paraaf fire N release --as WHO`."
        )
        yield Finding("work", "warning", message, hint)
    if incidents:
        message = Sentence("Requests that wait for a repair: {count}.", count=incidents)
        hint = Sentence("See which, and why: `paraaf incidents`. Repair them once the cause is gone.")
        yield Finding("work", "warning", message, hint)
    if alive:
        yield Finding("work", "ok", Sentence("Workers at work: {count}.", count=alive))
    else:
        hint = Sentence("Start one: `paraaf serve` or `paraaf worker`.")
        yield Finding("work", "warning", Sentence("No worker is at work."), hint)


def pinned_definitions(office: Office) -> Iterator[Finding]:
    """Requests whose definition this release can't read wait, and are not destroyed when they are due."""
    requests = Request.table()
    count = select(func.count()).select_from(requests).where(requests.c.destroyed_at.is_(None))
    with office.store.read() as session:
        found = pinned(session, office.engine.definition)
        waiting = {
            one: session.scalar(count.where(requests.c.definition_sha256 == one)) for one in found.unread
        }
    for sha256_hex, error in found.unread.items():
        told, number = Finding.of("definitions", "wrong", error), waiting[sha256_hex] or 0
        message = Sentence("{problem} Its requests wait: {count}.", problem=told.message, count=number)
        yield replace(told, message=message)
    if not found.unread:
        message = Sentence("Definitions that requests began with: {count}.", count=len(found.read))
        yield Finding("definitions", "ok", message)


def _counted(numbers: Sequence[int]) -> str:
    """How many requests, and the first of their numbers."""
    more = ", …" if len(numbers) > _MOST_NAMED else ""
    return f"{len(numbers)} ({', '.join(map(str, numbers[:_MOST_NAMED]))}{more})"


_NO_WAY_OUT = Sentence(
    "Their definition lets nobody else end them: should the requester come back, load them again."
)


def left_behind(office: Office, session: Session) -> dict[str, list[int]]:
    """The requests that only their requester could go on with, who has left: by what ends them."""
    query = (
        select(Request.id, Request.definition_sha256, Task.state)
        .join(Task, Task.request_id == Request.id)
        .join(Person, Person.id == Request.requester_id)
        .where(Task.closed_at.is_(None), Person.active.is_(False))
        .order_by(Request.id)
    )
    known = pinned(session, office.engine.definition).read
    found: dict[str, list[int]] = {}
    for number, sha256_hex, state in session.execute(query):
        definition = known.get(sha256_hex)
        if (
            definition is not None
            and definition.states[state].role == definition.states[definition.start].role
        ):
            ways = definition.ways_out(definition.states[state])
            found.setdefault(ways[0] if ways else "", []).append(number)
    return found


def _people(office: Office) -> Iterator[Finding]:
    with office.store.read() as session:
        active = select(func.count()).select_from(Person.table()).where(Person.active, Person.id != NOBODY)
        people = session.scalar(active)
    if people:
        yield Finding("people", "ok", Sentence("People who work here: {count}.", count=people))
    else:
        message = Sentence("Nobody works here yet: no request can be submitted.")
        hint = Sentence("Load your HR register: `paraaf people --register FILE.csv`.")
        yield Finding("people", "warning", message, hint)
    without = sorted(_without_password(office))
    if without:
        names = ", ".join(without[:5]) + (" …" if len(without) > 5 else "")
        message = Sentence(
            "{count} of those who consent by a click have no password or passkey, and can't: {names}.",
            count=len(without),
            names=names,
        )
        hint = Sentence("Each chooses one: paraaf people password NAME --as NAME.")
        yield Finding("people", "warning", message, hint)


def _without_password(office: Office) -> set[str]:
    """Who can't consent where a request that is open asks for it anew who they are."""
    with office.store.read() as session:
        query = select(Request.definition_sha256).where(Request.closed_at.is_(None)).distinct()
        open_ones = list(session.scalars(query))
        roles = {
            state.role
            for sha256_hex in open_ones
            if (definition := read_or_none(session, office.engine.definition, sha256_hex)) is not None
            and office.engine.asks_proof(definition)
            for state in definition.states.values()
            if any(trigger.consent for trigger in state.triggers.values())
        }
        bearers = select(Grant.person_id).join(Person, Person.id == Grant.person_id)
        bearers = bearers.where(Person.active, Grant.role.in_([role for role in roles if role]))
        able = (select(PasswordRow.person_id), select(PasskeyRow.person_id))
        return set(session.scalars(bearers)).difference(*(session.scalars(one) for one in able))


def _anchors(office: Office) -> Iterator[Finding]:
    """The folder for anchors can be written, and the log was anchored lately."""
    area, folder = "anchors", office.anchor_folder
    if folder is not None and not folder.is_dir():
        message = Sentence("The folder for anchors, {folder}, is not there.", folder=str(folder))
        hint = Sentence(
            "Make it, or see why it is not mounted: until then anchors are in the database alone."
        )
        yield Finding(area, "wrong", message, hint)
    elif folder is not None and not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        message = Sentence("The folder for anchors, {folder}, can't be written.", folder=str(folder))
        hint = Sentence("Give this user its rights: until then anchors are in the database alone.")
        yield Finding(area, "wrong", message, hint)
    with office.store.read() as session:
        since = unanchored_since(session)
    if since is not None and office.clock() - since > UNANCHORED:
        message = Sentence(
            "The event log has events that are not anchored, since {since:time}.", since=written(since)
        )
        hint = Sentence(
            "A worker anchors it every day: see its log for chore_failed. By hand: `paraaf log anchor`."
        )
        yield Finding(area, "warning", message, hint)
    elif folder is None:
        yield Finding(area, "ok", Sentence("The event log was anchored when it was due."))
    else:
        message = Sentence(
            "The event log was anchored when it was due. Anchors go to {folder}, too.", folder=str(folder)
        )
        yield Finding(area, "ok", message)


def _archives(office: Office) -> Iterator[Finding]:
    """Archive timestamps that should have been renewed weeks ago: their proof ends soon, or has ended."""
    now = office.clock()
    with office.store.read() as session:
        ends = renewals.ends_of(session, before=now + UNRENEWED)
    over = sum(end < now for end in ends)
    hint = Sentence("See that a worker runs; `paraaf renew --run` does it now, or says why it can't.")
    if over:
        message = Sentence("Files whose archive timestamp proves nothing now: {count}.", count=over)
        yield Finding("archives", "wrong", message, hint)
    if len(ends) > over:
        message = Sentence(
            "Files whose archive timestamp proves nothing within {days} days: {count}.",
            days=UNRENEWED.days,
            count=len(ends) - over,
        )
        yield Finding("archives", "warning", message, hint)
    if not ends:
        yield Finding("archives", "ok", Sentence("No archive timestamp is about to end."))


def _keeping(office: Office) -> Iterator[Finding]:
    """What is due and not destroyed, and what was destroyed and is not wholly gone, a day later."""
    now = office.clock()
    overdue, uncleaned = now - OVERDUE, now - office.retention.clean_within
    with office.store.read() as session:
        requests = keeping.overdue(session, office.engine.definition, now)
        files = session.scalar(
            select(func.count()).select_from(BlobRemoval.table()).where(BlobRemoval.listed_at < overdue)
        )
        row = session.get(RetentionRow, 1)
        waits_until = None if row is None else waiting_until(row)
    since = None if row is None else row.unclean_since
    waits = waits_until is not None and waits_until > now
    if waits_until is not None and waits:
        hint = Sentence(
            "Is the clock right, and are the holds there that were placed since a backup which was restored,"
            " it may end now: `paraaf retention --run --clock-is-right`."
        )
        message = Sentence(
            "Nothing is destroyed before {until:time}: the clock went forward by days, or the office was"
            " restored.",
            until=written(waits_until),
        )
        yield Finding("keeping", "warning", message, hint)
    elif requests:
        message = Sentence("Requests to be destroyed for more than a day: {count}.", count=requests)
        hint = Sentence("Start a worker, or try: `paraaf retention --run` does it, or says why it can't.")
        yield Finding("keeping", "warning", message, hint)
    if files:
        message = Sentence("Files to be removed for more than a day: {count}.", count=files)
        hint = Sentence(
            "See that they may be removed, then try: `paraaf retention --run` says why one can't be."
        )
        yield Finding("keeping", "warning", message, hint)
    if since is not None and since < uncleaned:
        statement = office.retention.cleaning
        hint = (
            Sentence("See that nobody reads it for long, then run `paraaf retention --run`.")
            if statement is None
            else Sentence("Have this run, on a server by the tables' owner: {statement}", statement=statement)
        )
        message = Sentence(
            "Since {since:day} the database's files may hold traces of what was destroyed.",
            since=f"{since:%Y-%m-%d}",
        )
        yield Finding("keeping", "warning", message, hint)
    if not waits and not requests and not files and (since is None or since >= uncleaned):
        message = Sentence("Nothing is due for more than a day, or left of what was destroyed.")
        yield Finding("keeping", "ok", message)


def _backup(office: Office) -> Iterator[Finding]:
    """A backup was made lately, by this data folder's own note."""
    with office.store.read() as session:
        since, last = unsaved_since(session, office.folder), last_backup(office.folder)
    if last is None and (office.folder / LAST).exists():
        message = Sentence(
            "{file} can't be read: when the last backup was made is not known.",
            file=str(office.folder / LAST),
        )
        hint = Sentence("Remove it, and make a backup: docs/how-to/back-up-and-restore.md.")
        yield Finding("backup", "warning", message, hint)
    elif since is None or office.clock() - since <= UNSAVED:
        said = (
            Sentence("None is due yet.")
            if last is None
            else Sentence("The last was made {at:time}.", at=written(last))
        )
        yield Finding("backup", "ok", said)
    else:
        message = (
            Sentence("No backup was ever made, as far as this folder knows.")
            if last is None
            else Sentence("The last was made {at:time}, as far as this folder knows.", at=written(last))
        )
        hint = Sentence("Make one every night, and keep it elsewhere: docs/how-to/back-up-and-restore.md.")
        yield Finding("backup", "warning", message, hint)


def _pages(office: Office) -> Iterator[Finding]:
    with office.store.read() as session:
        if not office.store.embedded:
            yield _checksums(session)
            return
        said = list(session.execute(text("PRAGMA integrity_check(20)")).scalars())
    if said == ["ok"]:
        yield Finding("database", "ok", "Every page and index of the database file is sound.")
    else:
        for one in said:
            yield Finding("database", "wrong", one, "Stop the office, and restore the last backup.")


def _checksums(session: Session) -> Finding:
    """A server checks each page when it reads it, if it was told to; nobody else may read them all."""
    if session.execute(text("SHOW data_checksums")).scalar_one() == "on":
        return Finding("database", "ok", "The server checks every page that it reads.")
    return Finding(
        "database",
        "warning",
        "The server does not check its pages: a damaged one may go unseen.",
        "Stop it, run `pg_checksums --enable`, and start it.",
    )


def _guards(office: Office) -> Iterator[Finding]:
    """What the database refuses by itself is all there, and no row refers to none."""
    with office.store.read() as session:
        guards, rows = list(differences(session)), list(lone_rows(session))
    hint = _BY_SOMEBODY
    weaker = [one for one in guards if one.weakens]
    yield from _most("database", "wrong", [one.message for one in weaker], hint)
    slower = [one.message for one in guards if not one.weakens]
    yield from _most("database", "warning", slower, "It is for speed alone: make it again as it was.")
    yield from _most("database", "wrong", rows, hint)
    if not weaker and not rows:
        yield Finding("database", "ok", "Its triggers, keys and checks are those of this release, and hold.")


def _most(area: str, state: State, messages: Sequence[str], hint: str) -> Iterator[Finding]:
    """The first of them each by itself, and how many more there are."""
    for message in messages[:_MOST_NAMED]:
        yield Finding(area, state, message, hint)
    if len(messages) > _MOST_NAMED:
        yield Finding(area, state, f"More of this kind: {len(messages) - _MOST_NAMED}.", hint)


def _log(office: Office, anchored: Iterable[Head]) -> Iterator[Finding]:
    with office.store.read() as session:
        report = verify(session, anchors=anchored, trust=office.trust)
    if report.ok:
        yield Finding("log", "ok", f"{report.checked} events, and the tables agree with them.")
    hint = "See `paraaf log verify`."
    if report.set_back:
        hint = "This office was set back: see docs/how-to/back-up-and-restore.md."
    backwards = [one for one in report.findings if one.fault is Fault.CLOCK_BACK]
    for one in [one for one in report.findings if one.fault is not Fault.CLOCK_BACK][:_MOST_NAMED]:
        yield Finding("log", "wrong", f"Event {one.seq}: {one.message}", hint)
    if backwards:
        message = f"A clock went back: event {backwards[0].seq} has a time before that of an earlier one."
        yield Finding("log", "warning", message, "Nothing is lost by it: events are ordered by their number.")


def _files(office: Office) -> Iterator[Finding]:
    scrub = office.scrub()
    counts = {"wrong": 0, "warning": 0}
    for found in scrub.findings():
        state: State = "warning" if found.what in ("unreferenced", "misplaced") else "wrong"
        counts[state] += 1
        if counts[state] <= _MOST_NAMED:
            yield Finding("files", state, found.message, HINTS[found.what])
    if counts["wrong"] > _MOST_NAMED:
        yield Finding(
            "files", "wrong", f"{counts['wrong']} files in all are missing or changed.", "Restore a backup."
        )
    if counts["warning"] > _MOST_NAMED:
        message = f"{counts['warning']} files in all are referred to by nothing, or out of place."
        yield Finding("files", "warning", message, HINTS["unreferenced"])
    if not counts["wrong"]:
        message = f"Files that documents refer to: {scrub.referred}, each as its digest says."
        yield Finding("files", "ok", message)


def _noted(office: Office) -> Iterator[Finding]:
    """Until when files hold is noted as they say themselves: by the notes it is decided what is renewed."""
    wrong = [
        f"Until when {one.document} of request {one.request_id} holds is noted otherwise than its file says."
        for one in office.renewals.misnoted()
    ]
    yield from _most("archives", "wrong", wrong, _BY_SOMEBODY)
    if not wrong:
        yield Finding("archives", "ok", "Until when files hold is noted as they say.")
