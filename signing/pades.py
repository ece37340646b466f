"""Sign PDFs as PAdES: prepare → sign → finish, each safe to repeat after a crash.

`prepare` yields everything that must be on disk before the key is used; `sign` uses the key over exactly
those bytes; `finish` embeds the value, adds timestamps and validation data, checks the finished file and says
which level was reached: the one that was asked, or it is an error. Source: ETSI EN 319 142-1.
"""

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from time import monotonic_ns

import aiohttp
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certs.der import DerError
from certs.errors import CertsProblem
from certs.keystore import common_name, require_usable
from certs.revocation import RevocationSource
from certs.trust import TrustStore
from signing.admission import check_may_sign
from signing.authorities import TimestampAuthority
from signing.belonging import require_belongs, require_value
from signing.chains import Path, PinnedChains
from signing.cms import CmsTemplate, template_for
from signing.composition import (
    TIMESTAMP_ENTRIES,
    Composed,
    Composer,
    NewField,
    signature_entries,
    with_validation_data,
)
from signing.errors import (
    CertificateUnusableError,
    FieldError,
    LevelNotReachedError,
    PreparedMismatchError,
    ProfileError,
    RenewalPointlessError,
    RevocationUnavailableError,
    SelfCheckError,
    TimestampError,
    TimestamperUnknownError,
)
from signing.foreign import require_readable
from signing.health import Health
from signing.longterm import LongTermData, collect
from signing.opened import OpenedPdf
from signing.permits import SOMEBODY, Gate, OpenGate, Permits
from signing.placeholder import Gap, Placeholder, fill_contents, pdf_date, placeholder
from signing.prepared import Prepared
from signing.profile import Level, Profile
from signing.renewal import Archive, archive_of, holds_until, newest_archive
from signing.revision import digest_around
from signing.revocation_check import CarriedAnswers
from signing.selfcheck import carried_data, check_document_timestamp, check_finished
from signing.signed_data import parse_signed_data, verify_signed_data
from signing.signers import Signer, mechanism_for
from signing.stamp import Appearance
from signing.timestamps import Timestamper
from signing.tokens import Token
from watching.meters import Meters

ARCHIVE_FIELD = "archive-timestamp"
_ARCHIVE_DIGEST = "sha256"
# An authority that answers from several machines may have as many certificates.
_MOST_REVISIONS = 5


@dataclass(frozen=True)
class Finished:
    """A signed file, the level it reached, and how many microseconds the steps took (monotonic clock)."""

    pdf: bytes
    level_reached: Level
    durations_us: Mapping[str, int]


@dataclass(frozen=True)
class Renewed:
    """A file with one more archive timestamp, and that timestamp."""

    pdf: bytes
    archive: Archive


class SigningDesk:
    """Where documents are signed: keeps one HTTP session, the timestampers, revocation answers and templates.

    One for each worker process; its methods may run concurrently. `revocation` None is for B-B and B-T only,
    and then nobody looks whether the signer's certificate is revoked.
    """

    def __init__(
        self,
        *,
        http: aiohttp.ClientSession,
        trust: TrustStore,
        revocation: RevocationSource | None,
        clock: Callable[[], datetime],
        timestamp_authorities: Sequence[TimestampAuthority] = (),
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
        timeout_s: float = 10.0,
        requests_in_flight: int = 64,
        gate: Gate | None = None,
        health: Health | None = None,
        meters: Meters | None = None,
    ) -> None:
        self._gate = gate or OpenGate()
        self._health = health
        self._meters = meters or Meters()
        self.chains = PinnedChains(trust)
        self._answers = CarriedAnswers()
        self._http = http
        self._revocation = revocation
        self._clock = clock
        self._authorities = {authority.name: authority for authority in timestamp_authorities}
        self._random_bytes = random_bytes
        self._timeout_s = timeout_s
        self._in_flight = asyncio.Semaphore(requests_in_flight)
        self._timestampers: dict[tuple[str, ...], Timestamper] = {}

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        *,
        trust: TrustStore,
        clock: Callable[[], datetime],
        timestamp_authorities: Sequence[TimestampAuthority] = (),
        timeout_s: float = 10.0,
        gate: Gate | None = None,
        health: Health | None = None,
        meters: Meters | None = None,
    ) -> AsyncIterator["SigningDesk"]:
        """Open a desk with its own HTTP session, closed at the end."""
        # limit=0: aiohttp's default of 100 connections makes the rest queue until they time out.
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
            yield cls(
                http=http,
                trust=trust,
                revocation=RevocationSource(http, clock=clock, timeout_s=timeout_s, crls=trust.crls),
                clock=clock,
                timestamp_authorities=timestamp_authorities,
                timeout_s=timeout_s,
                gate=gate,
                health=health,
                meters=meters,
            )

    async def prepare(
        self,
        source: bytes,
        *,
        field: str,
        signer: Signer,
        profile: Profile,
        appearance: Appearance | None,
        claimed_at: datetime,
        new_fields: Sequence[NewField] = (),
        reserve_bytes: int = 0,
        turn: str = SOMEBODY,
    ) -> Prepared:
        """Compose the signature's revision and the attributes to sign; the key is not used.

        (1) certificate: valid now, right key usage, leading to a pinned anchor, not revoked; (2) document:
        the field is there and free, nothing forbids signing; (3) how much room a timestamp will take, of an
        authority that answers; (4) the revision. `new_fields` are made in the same revision, only before
        the first signature. `reserve_bytes` keeps at least this much room for the CMS object. `turn` says
        whose signature it is to an authority's gate, which keeps their place. Raises TimestampLimitError.
        """
        level = _level_of(profile)
        # (1) certificate and key
        now = self._clock()
        _require_usable(signer.certificate, profile, now)
        mechanism = mechanism_for(signer.certificate, profile.digest)
        path = self._signer_path(signer, now)
        await self._evidence(level, [path])
        # (2) the document
        opened = OpenedPdf(source)
        check_may_sign(opened, field, adding_fields=bool(new_fields))
        # (3) room for a timestamp
        room = 0
        if level.reaches(Level.B_T):
            timestamper = self._timestamper(profile)
            await timestamper.known(revocation=self._revocation_for(level), turn=turn)
            room = timestamper.room_bytes
        # (4) the revision
        template = template_for(path.certificates, mechanism)
        entries = signature_entries(
            name=common_name(signer.certificate),
            reason=profile.reason,
            location=profile.location,
            date=pdf_date(claimed_at),
        )
        composed = _with_signature(
            opened,
            field,
            placeholder(entries, max(reserve_bytes, template.longest(room))),
            appearance=appearance if profile.visible else None,
            new_fields=new_fields,
        )
        return Prepared(
            source_sha256=hashlib.sha256(source).hexdigest(),
            field=field,
            level=level,
            revision=composed.data,
            gap=composed.gap,
            signed_attributes=_attributes(source, composed, template),
            digest_algorithm=mechanism.digest_algorithm,
            certificates=path.certificates,
        )

    async def sign(self, source: bytes, prepared: Prepared, signer: Signer) -> bytes:
        """Use the key over what was prepared for this source, and nothing else.

        What is signed is worked out again before the key is used. Raises SignerError, PreparedMismatchError.
        """
        if signer.certificate.public_bytes(Encoding.DER) != prepared.signer_cert_der:
            raise PreparedMismatchError(
                f"The signature of {prepared.field!r} was prepared for another certificate.",
                hint="Prepare it again for this one, if nothing has been recorded yet.",
            )
        require_belongs(source, prepared)
        return await signer.sign(prepared.signed_attributes, prepared.digest_algorithm)

    async def finish(
        self,
        source: bytes,
        prepared: Prepared,
        signature_value: bytes,
        *,
        profile: Profile,
        turn: str = SOMEBODY,
    ) -> Finished:
        """Make the signed file and check it; the level reached is the level prepared for, or an error.

        (1) the value belongs to what was prepared; (2) timestamp over the value; (3) embed both;
        (4) validation data of both: at B-LT in a revision of their own behind the signature, (5) at B-LTA in
        the revision of the archive timestamp, which covers them; (6) check.
        May be repeated: nothing is kept here, only new timestamps are taken. Raises TimestampLimitError when
        they can't be asked yet, and then none was asked.
        """
        clock = _Stopwatch()
        level = prepared.level
        # (1) does the value belong here?
        template = require_belongs(source, prepared)
        require_value(prepared, signature_value)
        # (2) signature timestamp
        token = None
        permits = Permits(self._gate, turn=turn, count=2 if level is Level.B_LTA else 1)
        if level.reaches(Level.B_T):
            digest = hashlib.new(prepared.digest_algorithm, signature_value).digest()
            token = await self._timestamper(profile).timestamp(
                digest, prepared.digest_algorithm, revocation=self._revocation_for(level), permits=permits
            )
        clock.lap("timestamp")
        # (3) embed
        cms = template.content_info(
            prepared.signed_attributes, signature_value, timestamp_token=token.token_der if token else None
        )
        revision = fill_contents(prepared.revision, len(source), prepared.gap, cms)
        pdf = source + revision
        clock.lap("embed")
        # (4) and (5) validation data, archive timestamp
        archive: Gap | None = None
        if token is not None and level.reaches(Level.B_LT):
            signer = self.chains.path(
                prepared.signer_cert_der, extra=prepared.certificates, at=token.gen_time, whose="the signer"
            )
            if level is Level.B_LTA:
                pdf, archive = await self._with_archive_timestamp(
                    pdf,
                    [signer],
                    authorities=[token.path],
                    timestamper=self._timestamper(profile),
                    permits=permits,
                )
            else:
                pdf = with_validation_data(pdf, await self._evidence(level, [signer, token.path]))
        clock.lap("timestamp")
        # (6) check
        reached = check_finished(
            pdf,
            signature=prepared.gap,
            archive=archive,
            asked=level,
            chains=self.chains,
            answers=self._answers,
            now=self._clock(),
        )
        clock.lap("validate")
        if not reached.reaches(level):
            raise LevelNotReachedError(
                f"The signature reached {reached} where {level} was asked.",
                hint="Nothing has been recorded. Look at timestampers and revocation sources, then retry.",
            )
        return Finished(pdf, level, clock.laps_us)

    async def sign_document(
        self,
        source: bytes,
        *,
        field: str,
        signer: Signer,
        profile: Profile,
        appearance: Appearance | None,
        claimed_at: datetime,
        new_fields: Sequence[NewField] = (),
    ) -> Finished:
        """Prepare, sign and finish in one go, for callers that keep nothing between the steps."""
        clock = _Stopwatch()
        prepared = await self.prepare(
            source,
            field=field,
            signer=signer,
            profile=profile,
            appearance=appearance,
            claimed_at=claimed_at,
            new_fields=new_fields,
        )
        clock.lap("prepare")
        value = await self.sign(source, prepared, signer)
        clock.lap("sign")
        finished = await self.finish(source, prepared, value, profile=profile)
        return replace(finished, durations_us={**clock.laps_us, **finished.durations_us})

    async def timestamp(self, data: bytes, *, profile: Profile) -> Token:
        """Have bytes timestamped, over their SHA-256, by the first of the profile's authorities that can.

        With every check that a signature's timestamp gets. Raises TimestampError.
        """
        digest = hashlib.sha256(data).digest()
        return await self._timestamper(profile).timestamp(digest, "sha256", revocation=self._revocation)

    async def renew(self, pdf: bytes, *, profile: Profile, turn: str = SOMEBODY) -> Renewed:
        """Append one revision: validation data about the newest archive timestamp, and a new one over all.

        (1) the one that is there; (2) authorities whose proof holds longer; (3) the revision; (4) check.
        May be repeated: nothing is kept here. Raises ArchiveMissingError, RenewalPointlessError,
        TimestampError, RevocationUnavailableError, CertificateRevokedError, SelfCheckError.
        """
        # (1) what is there
        old = newest_archive(pdf, self.chains)
        # (2) who can give more
        timestamper = self._timestamper(profile)
        known = await timestamper.known(revocation=self._revocation, turn=turn)
        longer = [token.path for token in known if holds_until(token) > old.holds_until]
        if not longer:
            raise RenewalPointlessError(
                "No timestamp authority gives proof that would hold beyond"
                f" {old.holds_until:%Y-%m-%d %H:%M} UTC, until when the archive timestamp holds.",
                hint="Ask the authority when its next certificate comes, or name another one in the profile.",
            )
        # (3) one revision
        renewed, gap = await self._with_archive_timestamp(
            pdf,
            [old.path],
            authorities=longer,
            timestamper=timestamper,
            permits=Permits(self._gate, turn=turn),
            holds_beyond=old.holds_until,
        )
        # (4) what came out
        return Renewed(renewed, self._checked_renewal(renewed, gap, old))

    def _checked_renewal(self, renewed: bytes, gap: Gap, old: Archive) -> Archive:
        try:
            stamp = check_document_timestamp(renewed, gap, self.chains)
            carried = carried_data(renewed)
        except (DerError, TimestampError) as error:
            raise SelfCheckError(
                f"The renewed file did not pass the check: {error}",
                hint="Nothing has been recorded. Try again; if it stays, report it.",
            ) from error
        if any(self._answers.missing(path, carried, stamp.gen_time) for path in (old.path, stamp.path)):
            raise LevelNotReachedError(
                "The renewed file lacks revocation answers about an archive timestamp.",
                hint="Nothing has been recorded. Look at timestampers and revocation sources, then retry.",
            )
        return archive_of(stamp)

    async def seal(self, data: bytes, *, signer: Signer, profile: Profile) -> bytes:
        """Sign bytes as they are: a detached CMS signature in DER, without a timestamp, checked at the end.

        The certificate has to be fit, as for a document. Raises CertificateUnusableError, ChainError,
        SignerError, SelfCheckError.
        """
        now = self._clock()
        _require_usable(signer.certificate, profile, now)
        mechanism = mechanism_for(signer.certificate, profile.digest)
        path = self._signer_path(signer, now)
        await self._evidence(Level.B_B, [path])
        template = template_for(path.certificates, mechanism)
        digest = hashlib.new(mechanism.digest_algorithm, data).digest()
        attributes = template.signed_attributes(digest)
        value = await signer.sign(attributes, mechanism.digest_algorithm)
        signature = template.content_info(attributes, value, timestamp_token=None)
        try:
            verify_signed_data(parse_signed_data(signature), path.certificates[0], digest)
        except DerError as error:
            raise SelfCheckError(f"The seal that was made does not verify: {error}.") from error
        return signature

    def _revocation_for(self, level: Level) -> RevocationSource | None:
        """Where to ask whether a timestamp authority is revoked: its answers are embedded from B-LT on."""
        return self._revocation if level.reaches(Level.B_LT) else None

    def _signer_path(self, signer: Signer, now: datetime) -> Path:
        extra = [above.public_bytes(Encoding.DER) for above in signer.chain]
        cert_der = signer.certificate.public_bytes(Encoding.DER)
        return self.chains.path(cert_der, extra=extra, at=now, whose=common_name(signer.certificate))

    async def _evidence(self, level: Level, paths: list[Path]) -> LongTermData:
        if self._revocation is not None:
            return await collect(paths, self._revocation)
        if level.reaches(Level.B_LT):
            raise RevocationUnavailableError(
                f"There is no source of revocation answers, and {level} needs them.", hint="Configure one."
            )
        return LongTermData()

    async def _with_archive_timestamp(
        self,
        pdf: bytes,
        paths: Sequence[Path],
        *,
        authorities: Sequence[Path],
        timestamper: Timestamper,
        permits: Permits,
        holds_beyond: datetime | None = None,
    ) -> tuple[bytes, Gap]:
        """Append one revision: validation data about these paths, and an archive timestamp over them.

        The document has to carry answers about the authority that stamps it. `authorities` are asked first;
        when another one answers in their place, the revision is made anew with answers about that one too.
        What stamps has to hold beyond `holds_beyond`. Raises TimestampError.
        """
        carried = list(authorities)
        for _ in range(_MOST_REVISIONS):
            evidence = await self._evidence(Level.B_LTA, [*paths, *carried])
            made = placeholder(TIMESTAMP_ENTRIES, timestamper.room_bytes)
            composed = _with_archive(OpenedPdf(pdf), evidence, made)
            digest = digest_around(
                (pdf, composed.data), composed.gap.start, composed.gap.end, _ARCHIVE_DIGEST
            )
            known = frozenset(map(_leaf_sha256, carried))
            token = await timestamper.timestamp(
                digest, _ARCHIVE_DIGEST, revocation=self._revocation, permits=permits, first=known
            )
            if holds_beyond is not None and holds_until(token) <= holds_beyond:
                raise TimestampError(
                    f"Only an authority answered whose proof holds no longer than {holds_beyond:%Y-%m-%d}.",
                    hint="It is tried again later; `paraaf check` tells which authority does not answer.",
                )
            if _leaf_sha256(token.path) in known:
                revision = fill_contents(composed.data, len(pdf), composed.gap, token.token_der)
                return pdf + revision, composed.gap
            carried.append(token.path)
        raise TimestampError(
            "The timestamp authorities answered with another certificate each time.",
            hint="It is tried again later; `paraaf check` tells which authority does not answer.",
        )

    def _timestamper(self, profile: Profile) -> Timestamper:
        if profile.timestampers not in self._timestampers:
            authorities = [self._authority(name, profile) for name in profile.timestampers]
            self._timestampers[profile.timestampers] = Timestamper(
                authorities,
                http=self._http,
                chains=self.chains,
                clock=self._clock,
                random_bytes=self._random_bytes,
                timeout_s=self._timeout_s,
                in_flight=self._in_flight,
                gate=self._gate,
                health=self._health,
                meters=self._meters,
            )
        return self._timestampers[profile.timestampers]

    def _authority(self, name: str, profile: Profile) -> TimestampAuthority:
        if name.startswith(("http://", "https://")):
            return TimestampAuthority(name, name)
        if name not in self._authorities:
            known = ", ".join(self._authorities) or "none"
            raise TimestamperUnknownError(
                f"The profile {profile.name!r} asks for the timestamper {name!r}; configured are: {known}.",
                hint="Configure it, or write its URL into the profile.",
            )
        return self._authorities[name]


class _Stopwatch:
    """Adds up the microseconds between laps."""

    def __init__(self) -> None:
        self.laps_us: dict[str, int] = {}
        self._last = monotonic_ns()

    def lap(self, name: str) -> None:
        now = monotonic_ns()
        self.laps_us[name] = self.laps_us.get(name, 0) + (now - self._last) // 1000
        self._last = now


def _level_of(profile: Profile) -> Level:
    if profile.level is None:
        raise ProfileError(
            f"Under the profile {profile.name!r} ({profile.kind}) nothing is signed here.",
            hint="Use a profile with a level.",
        )
    return profile.level


def _require_usable(certificate: x509.Certificate, profile: Profile, now: datetime) -> None:
    try:
        require_usable(certificate, now=now, accepted_usages=frozenset(profile.key_usage))
    except CertsProblem as error:
        raise CertificateUnusableError(str(error), hint=error.hint) from error


def _leaf_sha256(path: Path) -> bytes:
    return hashlib.sha256(path.certificates[0]).digest()


def _with_signature(
    opened: OpenedPdf,
    field: str,
    signature: Placeholder,
    *,
    appearance: Appearance | None,
    new_fields: Sequence[NewField],
) -> Composed:
    """Compose new fields, and the signature in its field."""
    composer = Composer(opened)
    for new_field in new_fields:
        composer.add_field(new_field)
    return composer.build((composer.sign(field, signature, appearance), signature))


def _attributes(source: bytes, composed: Composed, template: CmsTemplate) -> bytes:
    gap = composed.gap
    digest = digest_around((source, composed.data), gap.start, gap.end, template.mechanism.digest_algorithm)
    return template.signed_attributes(digest)


def _with_archive(opened: OpenedPdf, evidence: LongTermData, timestamp: Placeholder) -> Composed:
    """Compose validation data and the archive timestamp over them, in the field that waits or a new one."""
    composer = Composer(opened)
    composer.embed(evidence)
    taken = [name for name in opened.field_names() if name.startswith(ARCHIVE_FIELD)]
    name = next((each for each in taken if not opened.is_signed(each)), None)
    if name is None:
        name = f"{ARCHIVE_FIELD}-{len(taken) + 1}" if taken else ARCHIVE_FIELD
        composer.add_field(NewField(name, label="Archive timestamp"))
    return composer.build((composer.sign(name, timestamp, None), timestamp))


async def sign_pdf(
    desk: SigningDesk,
    source: bytes,
    *,
    signer: Signer,
    profile: Profile,
    claimed_at: datetime,
    field: str | None = None,
    role: str = "",
    new_field: NewField | None = None,
    appearance: Appearance | None = None,
) -> Finished:
    """Sign any PDF: look whether it is fit for signing, find or make the field, sign at the profile's level.

    `field` None takes the only empty signature field, or makes one: `new_field`, else an invisible one named
    "signature". Without an `appearance` the stamp has the usual lines, in English. The file is read in a
    fenced child before it is read here. Raises DocumentRefusedError for what must not be signed, or takes too
    much to read, FieldError when in doubt.
    """
    await asyncio.to_thread(require_readable, source)
    opened = OpenedPdf(source)
    name, new_fields = _chosen_field(opened, field, new_field)
    level = _level_of(profile)
    if level is Level.B_LTA and not opened.any_signed:
        waiting = [each for each in opened.field_names() if each.startswith(ARCHIVE_FIELD)]
        if not waiting:
            new_fields = (*new_fields, NewField(ARCHIVE_FIELD, label="Archive timestamp"))
    return await desk.sign_document(
        source,
        field=name,
        signer=signer,
        profile=profile,
        appearance=appearance
        or Appearance.of(
            name=common_name(signer.certificate),
            role=role,
            claimed_at=claimed_at,
            level=level,
            certificate=signer.certificate,
            sealed=profile.kind in ("seal", "click"),
        ),
        claimed_at=claimed_at,
        new_fields=new_fields,
    )


def _chosen_field(
    opened: OpenedPdf, field: str | None, new_field: NewField | None
) -> tuple[str, tuple[NewField, ...]]:
    if field is not None and (opened.has_field(field) or new_field is None):
        return field, ()
    if new_field is not None:
        return new_field.name, (new_field,)
    free = [
        name
        for name in opened.field_names()
        if not name.startswith(ARCHIVE_FIELD) and not opened.is_signed(name)
    ]
    if len(free) > 1:
        raise FieldError(
            f"The document has several empty signature fields: {', '.join(free)}.",
            hint="Say which one to sign.",
        )
    if free:
        return free[0], ()
    return "signature", (NewField("signature", label="Signature"),)
