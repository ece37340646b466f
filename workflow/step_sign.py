"""Sign: the crash-safe protocol, for a batch at a time.

  (1) find who signs, and what was prepared, and maybe signed, by an earlier try
  (2) prepare; commit the intent: the bytes to append and the attributes to sign, a row per document and field
  (3) use the key over exactly those; commit the value; from here on the row's value is the only one, and the
      key is not needed any more
  (4) finish: embed, timestamp, long-term data, re-validation; store the file
  (5) one transaction: the file's digest, the level reached, the state change and the event

A crash anywhere leads back to (1), and there to the row: the same attributes under the same key, or the
value. So a field never gets a second signature; the key may be used again over identical bytes. The rows are
`intents`' affair; what becomes of a signature that can't be made is `step_trouble`'s.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import partial
from time import monotonic_ns
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from sqlalchemy import bindparam, select, tuple_, update
from sqlalchemy.orm import Session, aliased

from certs.keystore import common_name, is_development
from documents.stamp import Consent, reason_in, stamp_lines
from signing.belonging import require_value
from signing.errors import CertificateRevokedError, PreparedMismatchError, SigningError
from signing.pades import Finished
from signing.signers import Signer
from signing.stamp import Appearance
from workflow import intents
from workflow.calendar import CALENDARS
from workflow.commands import StepResult
from workflow.consents import consents
from workflow.faults import point
from workflow.intents import Intent, Kept, Place
from workflow.key_limits import DailyLimit, KeyLimitReached, come_back_after_s, make_row, take, used
from workflow.keys import BelowMinimumLevel
from workflow.outcomes import StepOutcome
from workflow.references import require_stored
from workflow.step_trouble import (
    AnotherSignerBegan,
    NobodySigned,
    RowReplaced,
    SignatureUnfinishable,
    Trouble,
    recorded,
    settled_with_the_rest,
    tried,
)
from workflow.tables import DocumentRow, Person, Task
from workflow.workbench import (
    Work,
    Workbench,
    charge,
    found,
    read_all,
    record,
    result,
    share_time,
    still_current,
    store_all,
    timed,
    written,
)

Actors = dict[tuple[int, str], tuple[str, str, str | None]]
"""Who last acted: (request, state) → (id, name, name of whom they stood in for)."""


@dataclass(eq=False)
class Signing:
    """One signature on its way through the protocol; equal to itself alone."""

    work: Work
    document: DocumentRow
    source: bytes
    person_id: str
    person_name: str
    principal_name: str | None  # whom the person stood in for
    signer: Signer | None  # None when the value is there
    intent: Intent | None
    consent: Consent | None = None  # under a click profile
    finished: Finished | None = None
    us: dict[str, int] = field(default_factory=dict)
    """What the phase in hand took, by part, before it is charged."""

    @property
    def kept(self) -> Intent:
        """The intent, from (2) on."""
        assert self.intent is not None  # noqa: S101 (prepared, or dropped from the batch)
        return self.intent


class _Batch:
    """The signatures that are still on their way, and what the others ran into."""

    def __init__(self, bench: Workbench) -> None:
        self.bench = bench
        self.signings: list[Signing] = []
        self.troubles: list[Trouble] = []

    @property
    def works(self) -> list[Work]:
        return [signing.work for signing in self.signings]

    @property
    def unsigned(self) -> list[Signing]:
        return [
            signing for signing in self.signings if signing.intent is None or signing.intent.value is None
        ]

    def drop(self, signing: Signing, error: Exception) -> None:
        """Take a signature out of the batch."""
        self.signings.remove(signing)
        self.troubles.append(Trouble(signing.work, error))

    async def each(
        self, step: Callable[[Workbench, Signing], Awaitable[None]], signings: Sequence[Signing]
    ) -> None:
        """Run a step for every signature at once: a timestamp's latency is waited for together."""
        begun = monotonic_ns()
        told = await asyncio.gather(
            *(step(self.bench, signing) for signing in signings), return_exceptions=True
        )
        wall_us = (monotonic_ns() - begun) // 1000
        share_time([signing.work for signing in signings], [signing.us for signing in signings], wall_us)
        for signing, error in zip(signings, told, strict=True):
            signing.us = {}
            if isinstance(error, Exception):
                self.drop(signing, error)
            elif error is not None:
                raise error


async def run(bench: Workbench, works: Sequence[Work]) -> list[StepOutcome]:
    """Sign each field; see the steps above."""
    point("sign.begun")
    batch = _Batch(bench)
    await _begin(batch, works)  # (1)
    await written(bench, _put_off_used_up, batch)
    await batch.each(prepare, batch.unsigned)  # (2)
    point("sign.prepared")
    await written(bench, _keep_intents, batch)
    point("sign.intended")
    await batch.each(_use_key, unsigned := batch.unsigned)  # (3)
    point("sign.key-used")
    await written(bench, _keep_values, batch, unsigned)
    point("sign.value-kept")
    await batch.each(_finish, list(batch.signings))  # (4)
    point("sign.finished")
    files = [signing.finished.pdf for signing in batch.signings if signing.finished]
    digests = await store_all(bench, batch.works, files)
    point("sign.stored")
    ready = [(s, s.finished, sha256) for s, sha256 in zip(batch.signings, digests, strict=True) if s.finished]
    batch.troubles += await recorded(
        bench, ready, partial(_record, bench), work_of=lambda each: each[0].work
    )  # (5)
    point("sign.recorded")
    return await settled_with_the_rest(bench, batch.troubles, batch.works)


# (1) who signs, and what there is of an earlier try


async def _begin(batch: _Batch, works: Sequence[Work]) -> None:
    seen = await written(batch.bench, _looked_up, batch.bench, works)
    sources = await read_all(batch.bench, [work.document.current_sha256 for work in works if work.document])
    # in a thread: a key's token may take its time, and a worker whose event loop waits shows no life
    batch.signings, batch.troubles = await written(batch.bench, _found, batch.bench, works, seen, sources)


@dataclass(frozen=True)
class _Seen:
    """What the database knew: who last acted, what they consented to, what an earlier try kept."""

    actors: Actors
    consents: Mapping[tuple[int, str], Consent]
    kept: Mapping[Place, Kept]


def _found(
    bench: Workbench,
    works: Sequence[Work],
    seen: _Seen,
    sources: Mapping[str, bytes | BaseException],
) -> tuple[list[Signing], list[Trouble]]:
    return tried(
        works,
        lambda work: _with_consent(_signing(bench, work, seen.actors, seen.kept, sources), seen.consents),
        work_of=lambda work: work,
    )


def _looked_up(bench: Workbench, works: Sequence[Work]) -> _Seen:
    places = [place for work in works if (place := _place(work))]
    clicked = {_signed_as(work): work.definition for work in works if work.profile.kind == "click"}
    with bench.store.read() as session:
        given = consents(session, clicked) if clicked else {}
        return _Seen(_actors(session, works), given, intents.recall(session, places))


def _signed_as(work: Work) -> tuple[int, str]:
    """The request, and the state whose person signs."""
    return work.request.id, work.state.signs_as or ""


def _with_consent(signing: Signing, given: Mapping[tuple[int, str], Consent]) -> Signing:
    """Under a click profile nothing is sealed but after a consent, of which the page tells."""
    if signing.work.profile.kind == "click":
        signing.consent = given.get(_signed_as(signing.work))
        if signing.consent is None:
            raise NobodySigned(
                f"Nobody has consented in the state {signing.work.state.signs_as!r}, so nothing is sealed.",
                hint="Return the request, so that the step before is done again.",
            )
    return signing


def _place(work: Work) -> Place | None:
    return (work.document.id, work.state.field) if work.document and work.state.field else None


def _actors(session: Session, works: Sequence[Work]) -> Actors:
    """Who last acted in the states that the works sign as; a substitute signs with their own key."""
    wanted = [_signed_as(work) for work in works]
    principal = aliased(Person)
    rows = session.execute(
        select(Task.request_id, Task.state, Person.id, Person.name, principal.name)
        .join(Person, Person.id == Task.done_by)
        .outerjoin(principal, principal.id == Task.done_for)
        .where(tuple_(Task.request_id, Task.state).in_(wanted))
        .order_by(Task.id)
    )
    return {(request, state): (person, name, of) for request, state, person, name, of in rows}


def _signing(
    bench: Workbench,
    work: Work,
    actors: Actors,
    kept: Mapping[Place, Kept],
    sources: Mapping[str, bytes | BaseException],
) -> Signing:
    person, place = actors.get((work.request.id, work.state.signs_as or "")), _place(work)
    if person is None or work.document is None or place is None:
        raise NobodySigned(
            f"Nobody has acted in the state {work.state.signs_as!r}, so there is no signer.",
            hint="Return the request, so that the step before is done again.",
        )
    source = found(sources, work.document.current_sha256)
    intent = by_the_same(kept.get(place), person[0])
    if intent is not None and intent.value is not None:
        if intent.authorised is not None:
            work.us.update(intent.authorised["us"])
        return Signing(work, work.document, source, *person, None, intent)
    require_level(bench, work)
    signer = bench.keys.signer(
        work.profile, person_id=person[0], person_name=person[1], organisation=_employer(bench, work)
    )
    fits = intent is not None and intent.fits(
        profile=work.profile,
        signer_id=person[0],
        certificate_sha256=fingerprint(signer),
        source_sha256=work.document.current_sha256,
    )
    return Signing(work, work.document, source, *person, signer, intent if fits else None)


def require_level(bench: Workbench, work: Work) -> None:
    """Refuse to sign below the lowest level of the document's kind, raised since the request began maybe.

    Raises BelowMinimumLevel.
    """
    lowest = bench.minimum.get(work.document.kind) if work.document is not None else None
    name, level = work.profile.name, work.profile.level
    if lowest is not None and not (level and level.reaches(lowest)):
        raise BelowMinimumLevel(
            f"The profile {name!r} signs at {level}, and at least {lowest} is asked.",
            hint="Raise the profile's level, or lower [minimum], in signing.toml; start the workers anew, and"
            " repair the step.",
        )


def _employer(bench: Workbench, work: Work) -> str | None:
    """In whose name a seal is made: of the employer that the document names, else of the requester's."""
    named = work.request.data.get("employer")
    if isinstance(named, Mapping) and named.get("name"):
        return str(named["name"])
    return bench.employer_of(work.request.requester_id)


def by_the_same(kept: Kept | None, person_id: str) -> Intent | None:
    """The row's intent; raises when somebody else's key has been used on this field."""
    if isinstance(kept, PreparedMismatchError):
        raise kept
    if kept is not None and kept.value is not None and kept.signer_id != person_id:
        raise AnotherSignerBegan(
            "Somebody else has begun to sign this field, and their key has been used.",
            hint="Let them finish it, or return the request so that the document is made anew.",
        )
    return kept


def fingerprint(signer: Signer) -> str:
    """The SHA-256 of a signer's certificate, in hexadecimal digits."""
    return signer.certificate.fingerprint(hashes.SHA256()).hex()


# (2) prepare, and commit the intent


async def prepare(bench: Workbench, signing: Signing) -> None:
    """Prepare a signature, unless there is an intent to go on with."""
    if signing.intent is not None or signing.signer is None:
        return
    work, now = signing.work, bench.clock()
    with timed(signing.us, "prepare"):
        prepared = await bench.desk.prepare(
            signing.source,
            field=work.state.field or "",
            signer=signing.signer,
            profile=replace(work.profile, reason=reason_in(work.words, work.profile.reason)),
            appearance=_appearance(signing, signing.signer, now),
            claimed_at=now,
            turn=_turn(work),
        )
    signing.intent = Intent(
        place=(signing.document.id, prepared.field),
        profile=work.profile.name,
        signer_kind=work.profile.kind,
        signer_id=signing.person_id,
        certificate_sha256=hashlib.sha256(prepared.signer_cert_der).hexdigest(),
        prepared=prepared,
    )


def _turn(work: Work) -> str:
    """Who waits at an authority's gate: the same at every try of a step."""
    return f"{work.ref.request_id}:{work.ref.step_seq}"


def _appearance(signing: Signing, signer: Signer, now: datetime) -> Appearance:
    work, kind = signing.work, signing.work.profile.kind
    return Appearance(
        stamp_lines(
            work.words,
            signed_as=kind if kind in ("seal", "click") else "person",
            field=work.state.field or "",
            person=signing.person_name,
            principal=signing.principal_name,
            organisation=common_name(signer.certificate),
            at=now,
            level=str(work.profile.level),
            development=is_development(signer.certificate),
            consent=signing.consent,
        )
    )


def _keep_intents(batch: _Batch) -> None:
    """From here on the row is what is signed; where another worker was faster, its row."""
    begun, unsigned = monotonic_ns(), batch.unsigned
    if not unsigned:
        return
    for limit, day in {
        (limit, batch.bench.today(each.work.definition))
        for each, limit in _limits(batch.bench, unsigned).items()
    }:
        make_row(batch.bench.store, limit, day)
    with batch.bench.store.write() as session:
        # a worker that was stopped for a while must not replace the row of whoever signs now
        current = still_current(session, [signing.work for signing in unsigned])
        still = [signing for signing in unsigned if signing.work.ref in current]
        counted, over = _within_limits(batch.bench, session, still)
        still = [signing for signing in still if signing not in over]
        held = intents.keep(session, [signing.kept for signing in still]) if still else []
        intents.count_on(session, counted)
    batch.signings = [each for each in batch.signings if each not in unsigned or each in (*still, *over)]
    _put_off(batch, over)
    for signing, kept in zip(still, held, strict=True):
        try:
            signing.intent = by_the_same(kept, signing.person_id)
        except (AnotherSignerBegan, PreparedMismatchError) as error:
            batch.drop(signing, error)
    charge([signing.work for signing in still], "store", begun)


def _put_off_used_up(batch: _Batch) -> None:
    """Before anything is prepared: it would ask authorities for what is not signed today."""
    anew = [
        each
        for each in batch.unsigned
        if each.intent is None or each.intent.counted_on != batch.bench.today(each.work.definition)
    ]
    limits = _limits(batch.bench, anew)
    if limits:
        with batch.bench.store.read() as session:
            days = {batch.bench.today(each.work.definition) for each in limits}
            keys = {limit.key_sha256 for limit in limits.values()}
            made = {day: used(session, keys, day) for day in days}
        over = {
            each: limit
            for each, limit in limits.items()
            if made[batch.bench.today(each.work.definition)].get(limit.key_sha256, 0) >= limit.a_day
        }
        _put_off(batch, over)


def _put_off(batch: _Batch, over: Mapping[Signing, DailyLimit]) -> None:
    for signing, limit in over.items():
        zone = CALENDARS[signing.work.definition.calendar].zone
        batch.drop(signing, KeyLimitReached(limit, after_s=come_back_after_s(batch.bench.clock(), zone)))


def _limits(bench: Workbench, signings: Sequence[Signing]) -> dict[Signing, DailyLimit]:
    """Those of the signatures whose keys have a limit, with it."""
    return {each: limit for each in signings if each.signer and (limit := bench.keys.limit_of(each.signer))}


def _within_limits(
    bench: Workbench, session: Session, signings: Sequence[Signing]
) -> tuple[dict[Place, date], dict[Signing, DailyLimit]]:
    """Count those whose keys have a limit: which are counted on which day; and those that are over it."""
    limits = _limits(bench, signings)
    if not limits:
        return {}, {}
    there = intents.recall(session, [each.kept.place for each in limits], to_change=True)
    wanted: dict[tuple[DailyLimit, date], list[Signing]] = {}
    for each, limit in limits.items():
        kept, day = there.get(each.kept.place), bench.today(each.work.definition)
        valued = kept is not None and (not isinstance(kept, Intent) or kept.value is not None)
        if not (valued or _is_counted(kept, each.kept, day)):
            wanted.setdefault((limit, day), []).append(each)
    counted: dict[Place, date] = {}
    over: dict[Signing, DailyLimit] = {}
    for (limit, day), asking in sorted(wanted.items(), key=lambda one: (one[0][0].key_sha256, one[0][1])):
        given = take(session, limit, day, len(asking))
        counted |= dict.fromkeys((each.kept.place for each in asking[:given]), day)
        over |= dict.fromkeys(asking[given:], limit)
    return counted, over


def _is_counted(kept: Kept | None, wanted: Intent, day: date) -> bool:
    """Whether what is kept will be used as it is, and was counted today."""
    return isinstance(kept, Intent) and kept.same_wish(wanted) and kept.counted_on == day


# (3) use the key, and commit the value


async def _use_key(bench: Workbench, signing: Signing) -> None:
    if signing.signer is not None:
        with timed(signing.us, "sign"):
            value = await bench.desk.sign(signing.source, signing.kept.prepared, signing.signer)
            # a value that does not verify must not be kept: it could never be replaced
            require_value(signing.kept.prepared, value)
        signing.intent = replace(signing.kept, value=value)


def _keep_values(batch: _Batch, signed: Sequence[Signing]) -> None:
    """From here on the row's value is the only one; where another worker was faster, its value."""
    begun = monotonic_ns()
    ours = [signing for signing in signed if signing.kept.value is not None and signing in batch.signings]
    if not ours:
        return
    with batch.bench.store.write() as session:
        held = intents.keep_values(session, [signing.kept for signing in ours])
    for signing, kept in zip(ours, held, strict=True):
        if kept is None:
            batch.drop(signing, RowReplaced("The signature was prepared anew by another worker."))
        else:
            signing.intent = kept
    charge([signing.work for signing in ours], "store", begun)


# (4) finish


async def _finish(bench: Workbench, signing: Signing) -> None:
    value = signing.kept.value
    assert value is not None  # noqa: S101 (kept in (3), or dropped from the batch)
    prepared = signing.kept.prepared
    try:
        signing.finished = await bench.desk.finish(
            signing.source, prepared, value, profile=signing.work.profile, turn=_turn(signing.work)
        )
    except SigningError as error:
        if why := _over(prepared.certificates, error, bench.clock()):
            raise SignatureUnfinishable(
                f"The signature was made, but it can't be finished any more: {why}.",
                hint="Return the request: the document is made anew, and signed anew.",
            ) from error
        raise
    signing.us = dict(signing.finished.durations_us)


def _over(path_der: Sequence[bytes], error: SigningError, now: datetime) -> str:
    """Why a committed value can never be finished after this error; "" when a later try may do it.

    A timestamp that is still to come can't show that the value was made while the certificate held.
    """
    if isinstance(error, CertificateRevokedError):
        return "the certificate was revoked"
    ends = min(x509.load_der_x509_certificate(der).not_valid_after_utc for der in path_der)
    return f"a certificate ended at {ends:%Y-%m-%d %H:%M} UTC" if ends < now else ""


# (5) record


def _record(bench: Workbench, ready: Sequence[tuple[Signing, Finished, str]]) -> None:
    with bench.store.write() as session:
        sequences = record(bench, session, [_result(*each) for each in ready])
        rows = [
            {
                "b_document": signing.document.id,
                "b_field": signing.kept.place[1],
                "b_sha256": sha256,
                "b_level": str(finished.level_reached),
                "b_seq": seq,
            }
            for (signing, finished, sha256), seq in zip(ready, sequences, strict=True)
            if seq is not None
        ]
        if rows:
            require_stored(bench.blobs, [str(row["b_sha256"]) for row in rows])
            intents.close(session, rows)
            session.connection().execute(_SIGNED_DOCUMENT, rows)


def _result(signing: Signing, finished: Finished, sha256: str) -> StepResult:
    intent = signing.kept
    return result(
        signing.work,
        "signed",
        # a person's certificate names the person: its digest is erased with the rest
        body={
            "signer": signing.person_id,
            "name": signing.person_name,
            "certificate_sha256": intent.certificate_sha256,
        },
        document=signing.document.name,
        revision=signing.document.revision_no,
        field=intent.place[1],
        profile=intent.profile,
        level_asked=str(intent.prepared.level),
        level_reached=str(finished.level_reached),
        sha256=sha256,
        bytes=len(finished.pdf),
        **({} if intent.authorised is None else _how_authorised(intent.authorised, intent.attempts)),
    )


def _how_authorised(authorised: Mapping[str, Any], attempts: int) -> dict[str, Any]:
    """What the log says of it: the provider, how it was told that the person wants it, and of a repeat.

    Of two who had the key used at the same time, the first whose value is kept knows of no repeat.
    """
    told = {name: authorised[name] for name in ("provider", "way", "provider_us")}
    return {**told, "repeated": authorised["repeated"] or attempts > 1}


_documents = DocumentRow.table()
_SIGNED_DOCUMENT = (
    update(_documents)
    .where(_documents.c.id == bindparam("b_document"))
    .values(current_sha256=bindparam("b_sha256"), level_reached=bindparam("b_level"))
)
