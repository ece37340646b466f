"""Whether each signing profile can sign: tried on a sample, before anybody is promised a signature.

A worker looks at a profile when it starts, once a day, when the profile, its signers or their files change,
and every ten minutes while it can't sign; what came of it is kept, a row a profile. New requests can't begin
with a process whose profile fails in a way that somebody has to mend. What passes by itself (an authority
that is down) keeps nobody from beginning: the signature comes days later, and waits if it must.
"""

import asyncio
import hashlib
import logging
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from certs.errors import RevocationUnavailable
from certs.keystore import common_name, is_development
from documents.kinds import KINDS
from problem import Problem
from signing.errors import SigningError
from signing.organisation import KeysAtProvider, Organisation
from signing.profile import Profile
from watching.logs import note
from watching.meters import authority_label
from wording import Sentence, mark
from workflow.authority_health import health_of
from workflow.definition_model import Definition
from workflow.errors import Reason
from workflow.findings import Finding, State, written
from workflow.judge import office_day
from workflow.key_files import SeenFiles
from workflow.key_limits import WARN_FROM, key_sha256, used
from workflow.keys import OrganisationUnknown, is_valid, who_signs
from workflow.tables import AuthorityHealth, ProfileCheck
from workflow.unheeded import unheeded

if TYPE_CHECKING:
    from signing.pades import SigningDesk
    from signing.signers import Signer
    from workflow.office import Office

EVERY = timedelta(days=1)
CLOCKS_APART = timedelta(seconds=2)
ENDS_SOON, ENDS_SOONER, ENDS_NOW = 60, 30, 7
"""Days before a certificate ends, from which on every look says so, ever more urgently."""
AREA = "signing"
_AT = "{at:time}"
_MORE = Sentence(
    "What comes beyond waits for tomorrow. Is it as many as you expect? Else see who has it sign."
)
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Looked:
    """What came of looking at a profile: the findings, and what stands in the way of a signature, if any.

    `ends_at`: when the certificate ends with which the sample was signed.
    """

    profile: Profile
    findings: tuple[Finding, ...]
    trouble: Problem | None = None
    ends_at: datetime | None = None

    @property
    def passing(self) -> bool:
        """Whether the trouble may pass without anybody's doing."""
        return may_pass(self.trouble)


def may_pass(problem: Problem | None) -> bool:
    """Whether what went wrong may go right later, without anybody's doing."""
    retryable = isinstance(problem, SigningError) and problem.retryable
    return retryable or isinstance(problem, RevocationUnavailable)


async def look_at_all(office: "Office") -> list[Finding]:
    """Look at every profile that signs, and at every timestamp authority that they name."""
    found = [*unheeded(office), *_unsigned(office)]
    profiles = [one for one in office.profiles.values() if one.signs]
    names = list(dict.fromkeys(name for one in profiles for name in one.timestampers))
    found += await asyncio.to_thread(_as_workers_saw, office, names)  # before they are asked here
    async with office.desk(ask_all=True) as desk:
        for profile in profiles:
            found += (await look(office, desk, profile)).findings
        for name in names:
            found.append(await _authority(office, desk, name, profiles))
    return list(dict.fromkeys(found))  # a signer may serve several profiles


def _unsigned(office: "Office") -> Iterator[Finding]:
    """What is said of profiles under which nobody signs: nothing is tried, and which processes may begin."""
    for profile in (one for one in office.profiles.values() if one.is_unsigned):
        theirs = [one for one in office.catalogue.offered if one.signing == profile.name]
        able = [
            one.label
            for one in theirs
            if all(document.kind in office.signing.unsigned for document in one.documents.values())
        ]
        if able:
            message = Sentence(
                "Profile {profile}: no signature needed, nothing to sign; offered: {processes}.",
                profile=profile.name,
                processes=", ".join(able),
            )
        else:
            message = Sentence(
                "Profile {profile}: no signature needed, nothing to sign; offered: none, as no kind is"
                ' "none" in [minimum].',
                profile=profile.name,
            )
        yield Finding(AREA, "ok", message)


async def look(office: "Office", desk: "SigningDesk", profile: Profile) -> Looked:
    """Try a profile: each of its signers is looked at, the one that signs now signs a sample at its level."""
    now = office.clock()
    found: list[Finding] = []
    sources = [office.signing.signers[name] for name in profile.all_signers]
    if any(isinstance(source, KeysAtProvider) for source in sources):
        return await _look_at_provider(office, desk, profile)
    try:
        signers = _signers(office, profile)
        if profile.signers:
            found += [validity(signer.certificate, now) for signer in signers]
            found += await asyncio.to_thread(_made_today, office, profile.all_signers, signers)
        signer = who_signs(signers, now)
        finished = await desk.sign_document(
            sample(now.date()),
            field="employer",
            signer=signer,
            profile=replace(profile, visible=False),
            appearance=None,
            claimed_at=now,
        )
    except Problem as problem:
        state: State = "warning" if isinstance(problem, OrganisationUnknown) else "wrong"
        told = Finding.of(AREA, state, problem)
        message = Sentence(
            "Profile {profile}: a sample could not be signed: {problem}",
            profile=profile.name,
            problem=told.message,
        )
        return Looked(profile, (*found, replace(told, message=message)), problem)
    message = Sentence(
        "Profile {profile}: a sample was signed by {who}: PAdES {level}.",
        profile=profile.name,
        who=common_name(signer.certificate),
        level=str(finished.level_reached),
    )
    ends_at = signer.certificate.not_valid_after_utc
    return Looked(profile, (*found, Finding(AREA, "ok", message)), ends_at=ends_at)


def _made_today(office: "Office", names: Sequence[str], signers: "Sequence[Signer]") -> list[Finding]:
    """How many signatures of the day's number each signer has made that may make no more."""
    today = max(office_day(one, office.clock()) for one in office.catalogue)
    limits = {
        name: (key_sha256(signer.certificate), source.a_day)
        for name, signer in zip(names, signers, strict=True)
        if not isinstance(source := office.signing.signers[name], KeysAtProvider) and source.a_day
    }
    with office.store.read() as session:
        made = used(session, [key for key, _ in limits.values()], today)
    found = []
    for name, (key, a_day) in limits.items():
        count = made.get(key, 0)
        state: State = "warning" if count >= WARN_FROM * a_day else "ok"
        message = Sentence(
            "The signer {signer} has made {count} of the {most} signatures that it may make today.",
            signer=name,
            count=count,
            most=a_day,
        )
        found.append(Finding("certificates", state, message, _MORE if state == "warning" else ""))
    return found


async def _look_at_provider(office: "Office", desk: "SigningDesk", profile: Profile) -> Looked:
    """Prepare a sample for each person's key at a provider: all but the signature, which needs their word."""
    from signing.csc import CscClient, CscSigner  # noqa: PLC0415  where it is asked: takes long to import
    from signing.csc_service import service_of  # noqa: PLC0415

    [name] = profile.all_signers
    source, now = office.signing.signers[name], office.clock()
    assert isinstance(source, KeysAtProvider)  # noqa: S101 (asked before)
    found: list[Finding] = []
    ends: list[datetime] = []
    trouble: Problem | None = None
    pdf = sample(now.date())
    try:
        async with CscClient.open(service_of(name, source), clock=office.clock) as client:
            for person, credential_id in source.keys.items():
                try:
                    key = await client.credential(credential_id)
                    await desk.prepare(
                        pdf,
                        field="employer",
                        signer=CscSigner(client, key),
                        profile=replace(profile, visible=False),
                        appearance=None,
                        claimed_at=now,
                    )
                except Problem as problem:
                    trouble = problem if trouble is None or may_pass(trouble) else trouble
                    told = Finding.of(AREA, "wrong", problem)
                    message = Sentence(
                        "Profile {profile}: nothing can be signed with the key of {person}: {problem}",
                        profile=profile.name,
                        person=person,
                        problem=told.message,
                    )
                    found.append(replace(told, message=message))
                    continue
                found.append(validity(key.certificate, now))
                ends.append(key.certificate.not_valid_after_utc)
    except Problem as problem:
        told = Finding.of(AREA, "wrong", problem)
        message = Sentence("Profile {profile}: {problem}", profile=profile.name, problem=told.message)
        return Looked(profile, (replace(told, message=message),), problem)
    said = Sentence(
        "Profile {profile}: a sample could be prepared for {count} keys at {provider}.",
        profile=profile.name,
        count=len(ends),
        provider=name,
    )
    if ends:  # one person's key is one person's trouble
        found.append(Finding(AREA, "ok", said))
        trouble = None
    return Looked(profile, tuple(found), trouble, ends_at=min(ends, default=None))


def _signers(office: "Office", profile: Profile) -> "Sequence[Signer]":
    """The signers that a profile names; of development keys the first employer's seal, whoever would sign.

    Raises what a signer that can't be opened does, OrganisationUnknown.
    """
    keys = office.keys()
    if profile.signers:
        return [keys.named(name) for name in profile.all_signers]
    return [office.own_seal(replace(profile, kind="seal"))]


async def _authority(
    office: "Office", desk: "SigningDesk", name: str, profiles: Sequence[Profile]
) -> Finding:
    """Ask one timestamp authority; its clock and this machine's have to agree."""
    naming = [one for one in profiles if name in one.timestampers]
    profile, alone = naming[0], any(len(one.timestampers) == 1 for one in naming)
    asked = office.clock()
    try:
        token = await desk.timestamp(b"", profile=replace(profile, timestampers=(name,)))
    except Problem as problem:
        # where a profile names another one, that serves meanwhile
        return Finding.of(AREA, "wrong" if alone else "warning", problem)
    answered = office.clock()
    # a whole second: most authorities give no fractions
    apart = max(asked - token.gen_time - timedelta(seconds=1), token.gen_time - answered, timedelta())
    if apart > CLOCKS_APART:
        message = Sentence(
            "The clock of the timestamp authority {authority} and this machine's are {apart} apart.",
            authority=name,
            apart=str(apart),
        )
        return Finding(AREA, "warning", message, Sentence("Set this machine's clock by a time service."))
    message = Sentence(
        "The timestamp authority {authority} answers, and its clock agrees with ours.", authority=name
    )
    return Finding(AREA, "ok", message)


def _as_workers_saw(office: "Office", names: Sequence[str]) -> list[Finding]:
    """How each timestamp authority did of late."""
    with office.store.read() as session:
        rows = {name: health_of(session, name) for name in names}
        now = office.store.now(session)
    return [_of_late(name, row, now) for name, row in rows.items() if row is not None]


def _of_late(name: str, row: AuthorityHealth, now: datetime) -> Finding:
    label = authority_label(name)
    answered = Sentence(_AT, at=written(row.answered_at)) if row.answered_at else Sentence("never")
    if not row.failures:
        message = Sentence(
            "Workers had a timestamp from {authority} last: {at}.", authority=label, at=answered
        )
        return Finding(AREA, "ok", message)
    until = (
        Sentence("left alone until {at} UTC", at=f"{row.cool_until:%H:%M:%S}")
        if row.cool_until is not None and row.cool_until > now
        else Sentence("tried again at the next signature")
    )
    message = Sentence(
        "{authority} failed {count} times in a row, last {failed:time}, and is {until}; its last good answer:"
        " {answered}. The last trouble: {trouble} ({code})",
        authority=label,
        count=row.failures,
        failed=written(row.failed_at) if row.failed_at else "",
        until=until,
        answered=answered,
        trouble=row.message,
        code=row.code,
    )
    hint = Sentence("If it answers now, as another line here says, it is asked again from now on.")
    return Finding(AREA, "warning", message, hint)


def validity(certificate: x509.Certificate, now: datetime) -> Finding:
    """Whether a certificate is valid now, and for how long."""
    name, until = common_name(certificate), certificate.not_valid_after_utc
    if not is_valid(certificate, now):
        message = Sentence(
            "{name} is valid from {first:day} to {last:day}, not now.",
            name=name,
            first=f"{certificate.not_valid_before_utc:%Y-%m-%d}",
            last=f"{until:%Y-%m-%d}",
        )
        return Finding("certificates", "wrong", message, Sentence("Renew it, or set the clock."))
    days, last = (until - now).days, f"{until:%Y-%m-%d}"
    if days > ENDS_SOON:
        return Finding("certificates", "ok", Sentence("{name}, until {last:day}.", name=name, last=last))
    message = Sentence("{name} expires on {last:day}, in {days} days.", name=name, last=last, days=days)
    if is_development(certificate):
        return Finding("certificates", "warning", message)
    hint = Sentence("Ask for a new one now, and name it behind this one: docs/how-to/renew-a-seal.md.")
    if days > ENDS_SOONER:
        hint = Sentence("Ask for a new one, and name it behind this one: docs/how-to/renew-a-seal.md.")
    elif days > ENDS_NOW:
        hint = Sentence(
            "Ask for a new one this week, and name it behind this one: docs/how-to/renew-a-seal.md."
        )
    return Finding("certificates", "warning", message, hint)


def sample(today: date) -> bytes:
    """A declaration with sample data, to be signed on trial."""
    from documents.render import SignatureSlot, render  # noqa: PLC0415  where it draws: takes long to import

    kind = KINDS["employer_declaration"]
    return render(
        kind.name,
        kind.json_of(kind.parse(kind.example())),
        number="0000-000000",
        verification_code="SAMPLE",
        issued_on=today,
        valid_until=None,
        slots=[SignatureSlot("employer")],
        archive_timestamp=True,
        verify_url=None,
        note=None,
    )


# What workers keep of it


def run_when_due(office: "Office", seen: SeenFiles) -> None:
    """What a worker does every few minutes: look at the profiles whose time has come, and keep what came.

    `seen` are the files that they name, as this process knows them.
    """
    with office.store.read() as session:
        kept = {row.profile: row for row in session.scalars(select(ProfileCheck))}
        signing = [one for one in office.profiles.values() if one.signs]
        due = [
            one
            for one in signing
            if seen.have_changed(office.signing, one) or _is_due(office, one, kept.get(one.name))
        ]
    for one in due:
        seen.look(office.signing, one)
    if due:
        asyncio.run(_look_and_keep(office, due))


def run_at_start(office: "Office") -> list[Looked]:
    """Look at every profile that signs, keep what came of it, and give those under which nobody can sign."""
    looked = asyncio.run(_look_and_keep(office, [one for one in office.profiles.values() if one.signs]))
    return [one for one in looked if one.trouble is not None]


def _is_due(office: "Office", profile: Profile, row: ProfileCheck | None) -> bool:
    if row is None or row.code or row.settings_sha256 != settings_sha256(office.signing, profile):
        return True
    return office.clock() - row.checked_at >= EVERY


async def _look_and_keep(office: "Office", due: Sequence[Profile]) -> list[Looked]:
    async with office.desk() as desk:
        looked = [await look(office, desk, profile) for profile in due]
    now = office.clock()
    for one in looked:
        _note(one, now)
    rows = [
        {
            "profile": one.profile.name,
            "settings_sha256": settings_sha256(office.signing, one.profile),
            "checked_at": now,
            "code": one.trouble.code if one.trouble else "",
            "message": one.trouble.impersonal_text if one.trouble else "",
            "may_pass": one.passing,
            "ends_at": one.ends_at,
        }
        for one in looked
    ]
    table = ProfileCheck.table()
    names = [one.profile.name for one in looked]
    with suppress(IntegrityError), office.store.write() as session:  # another worker looked just now, too
        session.execute(delete(table).where(table.c.profile.in_(names)))
        session.execute(insert(table), rows)
    return looked


def _note(looked: Looked, now: datetime) -> None:
    """Say in the log what somebody has to do something about."""
    name = looked.profile.name
    if looked.trouble is not None:
        level = logging.WARNING if looked.passing else logging.ERROR
        note(log, level, "profile_check_failed", error=looked.trouble, profile=name)
    elif looked.ends_at is not None and (days := (looked.ends_at - now).days) <= ENDS_SOON:
        level = logging.ERROR if days <= ENDS_NOW else logging.WARNING
        note(log, level, "certificate_ends", profile=name, days=days)


def settings_sha256(signing: Organisation, profile: Profile) -> str:
    """A digest over all that is said of a profile, and who is trusted: when it changes, what was found before
    counts no more.

    What is in the files of keys is not in it: each host has its own (`SeenFiles`).
    """
    usages = sorted(profile.key_usage)  # a set has another order in each process
    said = (
        replace(profile, key_usage=frozenset()),
        usages,
        [signing.signers[name] for name in profile.all_signers],
        signing.timestampers,
        [one.fingerprint(SHA256()) for one in (*signing.trust.anchors, *signing.trust.intermediates)],
        [hashlib.sha256(crl).digest() for crl in signing.trust.crls],
    )
    return hashlib.sha256(repr(said).encode()).hexdigest()


# Who may begin

_NO_LEVEL = mark("no level")


def why_not_offered(session: Session, definition: Definition, signing: Organisation) -> Reason | None:
    """Why no new request may begin with a process; None when one may."""
    profile = signing.profiles[definition.signing]
    # what comes back from elsewhere is held to the kind's lowest level, whatever the profile expects
    kinds = [one.kind for one in definition.documents.values() if profile.kind != "elsewhere"]
    for kind in kinds:
        if profile.is_unsigned and kind not in signing.unsigned and kind not in signing.minimum:
            return Reason(
                "signature-not-waived",
                Sentence(
                    "{process:process} bears no signature, and this office has not said that a document of"
                    " the kind {kind:kind} needs none.",
                    process=definition.label,
                    kind=kind,
                ),
                "variant",
            )
        lowest = signing.minimum.get(kind)
        if lowest is not None and not (profile.level and profile.level.reaches(lowest)):
            return Reason(
                "below-minimum-level",
                Sentence(
                    "{process:process} is signed at {level:word}, and this office asks for {lowest} at"
                    " least.",
                    process=definition.label,
                    level=str(profile.level or _NO_LEVEL),
                    lowest=str(lowest),
                ),
                "variant",
            )
    if signing.forgets(profile):
        return Reason(
            "development-keys",
            Sentence(
                "{process:process} would be signed with keys of the development authority, which prove"
                " nothing, and this office has signers of its own. Its profile '{profile}' names none of"
                " them.",
                process=definition.label,
                profile=profile.name,
            ),
            "variant",
        )
    row = session.get(ProfileCheck, profile.name)
    if row is None or not row.code or row.may_pass:
        return None
    if row.settings_sha256 != settings_sha256(signing, profile):
        return None  # said anew since
    return Reason(
        "profile-not-ready",
        Sentence.for_both(
            "{process:process} is not offered now: nothing can be signed under its profile '{profile}'"
            " ({code}). Whoever runs the office sees why with `paraaf check`.",
            "{process:process} is not offered now: nothing can be signed under its profile '{profile}'"
            " ({code}). Whoever runs the office can see why.",
            process=definition.label,
            profile=profile.name,
            code=row.code,
        ),
        "variant",
    )
