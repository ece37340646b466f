"""Sign: the crash-safe protocol, for a batch at a time.

  (1) find who signs, and what was prepared before, if anything
  (2) prepare; commit the intent: the bytes to append and the attributes to sign, a row per document and field
  (3) use the key over exactly those; commit the value; from here on the row's value is the only one
  (4) finish: embed, timestamp, long-term data, re-validation; store the file
  (5) one transaction: the file's digest, the level reached, the state change and the event

A crash anywhere leads back to (1), and then to the same attributes under the same key. So a field never gets
a second signature; the key may be used again over identical bytes.
"""

import asyncio
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import monotonic_ns
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import delete, or_, select, tuple_, update
from sqlalchemy.orm import Session

from certs.keystore import common_name, is_development
from documents.stamp import stamp_lines
from problem import Problem
from signing.errors import SigningError
from signing.pades import Finished
from signing.prepared import Prepared
from signing.signers import Signer
from signing.stamp import Appearance
from workflow.errors import WorkflowError
from workflow.faults import point
from workflow.outcomes import StepOutcome
from workflow.tables import DocumentRow, Person, SignatureRow, Task
from workflow.workbench import Work, Workbench, refused, result, share_time, store_all, timed


class NobodySigned(WorkflowError):
    """The definition names a state whose person signs, and nobody acted there."""

    code = "workflow-nobody-signed"


class AnotherSignerBegan(WorkflowError):
    """Another key has already been used on this field of this revision of the document."""

    code = "workflow-another-signer-began"


@dataclass
class _Signing:
    """One signature on its way through the protocol."""

    work: Work
    document: DocumentRow
    slot: str
    source: bytes
    signer: Signer
    person_id: str
    person_name: str
    prepared: Prepared | None = None
    value: bytes | None = None
    finished: Finished | None = None
    us: dict[str, int] = field(default_factory=dict)
    """What the phase in hand took, by part, before it is charged."""

    @property
    def certificate_sha256(self) -> str:
        return hashlib.sha256(self.signer.certificate.public_bytes(Encoding.DER)).hexdigest()


class _Batch:
    """The signatures that are still on their way, and what became of the others."""

    def __init__(self, bench: Workbench) -> None:
        self.bench = bench
        self.signings: list[_Signing] = []
        self.outcomes: list[StepOutcome] = []

    def drop(self, work: Work, error: Exception) -> None:
        """Take a signature out: for a later try, or back to a person."""
        if isinstance(error, SigningError) and error.retryable:
            self.outcomes.append(StepOutcome.retry(work.ref, error.code, str(error)))
        elif isinstance(error, Problem):
            self.outcomes.append(refused(self.bench, work, error))
        else:
            self.outcomes.append(
                StepOutcome.retry(work.ref, "step-crashed", f"{type(error).__name__}: {error}")
            )

    def keep(self, results: Sequence[Exception | None]) -> None:
        """Go on with those that went well; `results` is in the order of `signings`."""
        signings, self.signings = self.signings, []
        for signing, error in zip(signings, results, strict=True):
            if error is None:
                self.signings.append(signing)
            else:
                self.drop(signing.work, error)


async def run(bench: Workbench, works: Sequence[Work]) -> list[StepOutcome]:
    """Sign each field; see the steps above."""
    point("sign.begun")
    batch = _Batch(bench)
    _find_signers(batch, works)  # (1)
    _recall(batch)
    batch.keep(await _each(_prepare, batch))  # (2)
    point("sign.prepared")
    _commit_intents(batch)
    point("sign.intended")
    batch.keep(await _each(_use_key, batch))  # (3)
    point("sign.key-used")
    _commit_values(batch)
    point("sign.value-kept")
    batch.keep(await _each(_finish, batch))  # (4)
    point("sign.finished")
    files = [signing.finished.pdf for signing in batch.signings if signing.finished]
    digests = store_all(bench, [signing.work for signing in batch.signings], files)
    point("sign.stored")
    _record(batch, digests)  # (5)
    point("sign.recorded")
    return batch.outcomes + [StepOutcome.done(signing.work.ref) for signing in batch.signings]


async def _each(step: Any, batch: _Batch) -> list[Exception | None]:
    """Run a step for every signature at once: a timestamp's latency is waited for together."""
    begun = monotonic_ns()
    told = await asyncio.gather(
        *(step(batch.bench, signing) for signing in batch.signings), return_exceptions=True
    )
    wall_us = (monotonic_ns() - begun) // 1000
    parts = [signing.us for signing in batch.signings]
    share_time([signing.work for signing in batch.signings], parts, wall_us)
    for signing in batch.signings:
        signing.us = {}
    for error in told:
        if isinstance(error, BaseException) and not isinstance(error, Exception):
            raise error
    return [error if isinstance(error, Exception) else None for error in told]


# (1) who signs, and what was prepared before


def _find_signers(batch: _Batch, works: Sequence[Work]) -> None:
    with batch.bench.store.read() as session:
        acted = _acted(session, works)
    for work in works:
        try:
            batch.signings.append(_signing(batch.bench, work, acted))
        except (Problem, OSError) as error:
            batch.drop(work, error)


def _acted(session: Session, works: Sequence[Work]) -> dict[tuple[int, str], tuple[str, str]]:
    """Who last acted in the states that the works sign as: (request, state) → (id, name)."""
    wanted = [(work.request.id, work.state.signs_as) for work in works]
    rows = session.execute(
        select(Task.request_id, Task.state, Person.id, Person.name)
        .join(Person, Person.id == Task.done_by)
        .where(tuple_(Task.request_id, Task.state).in_(wanted))
        .order_by(Task.id)
    )
    return {(request, state): (person, name) for request, state, person, name in rows}


def _signing(bench: Workbench, work: Work, acted: dict[tuple[int, str], tuple[str, str]]) -> _Signing:
    state, document = work.state, work.document
    person = acted.get((work.request.id, state.signs_as or ""))
    if person is None or document is None or state.field is None:
        raise NobodySigned(
            f"Nobody has acted in the state {state.signs_as!r}, so there is no signer.",
            hint="Return the request, so that the step before is done again.",
        )
    signer = bench.keys.signer(work.profile, person_id=person[0], person_name=person[1])
    source = bench.blobs.get(document.current_sha256)
    return _Signing(work, document, state.field, source, signer, *person)


def _recall(batch: _Batch) -> None:
    """Take up what was prepared, and maybe signed, before a crash or a failure."""
    with batch.bench.store.read() as session:
        _adopt(session, batch)


def _adopt(session: Session, batch: _Batch) -> None:
    """Give each signature its row's prepared bytes and value, where there is a row.

    A row prepared for another certificate is left aside while its key was not used; after that it is too late.
    """
    wanted = [(signing.document.id, signing.slot) for signing in batch.signings]
    rows = session.scalars(
        select(SignatureRow).where(tuple_(SignatureRow.document_id, SignatureRow.field).in_(wanted))
    )
    known = {(row.document_id, row.field): row for row in rows}
    told: list[Exception | None] = []
    for signing in batch.signings:
        row = known.get((signing.document.id, signing.slot))
        told.append(None)
        if row is None:
            continue
        if row.certificate_sha256 == signing.certificate_sha256:
            signing.prepared, signing.value = _prepared_of(row), row.value
        elif row.value is not None:
            told[-1] = AnotherSignerBegan(
                "Another key has been used on this field already.",
                hint="Let the same signer finish, or return the request so that the document is made anew.",
            )
    batch.keep(told)


# (2) prepare, and commit the intent


async def _prepare(bench: Workbench, signing: _Signing) -> None:
    if signing.prepared is not None:
        return
    work, now = signing.work, bench.clock()
    with timed(signing.us, "prepare"):
        signing.prepared = await bench.desk.prepare(
            signing.source,
            field=signing.slot,
            signer=signing.signer,
            profile=work.profile,
            appearance=_appearance(signing, now),
            claimed_at=now,
        )


def _appearance(signing: _Signing, now: Any) -> Appearance:
    work, certificate = signing.work, signing.signer.certificate
    kind = work.profile.kind
    return Appearance(
        stamp_lines(
            work.words,
            signed_as=kind if kind in ("seal", "click") else "person",
            field=signing.slot,
            person=signing.person_name,
            organisation=common_name(certificate),
            at=now,
            level=str(work.profile.level),
            development=is_development(certificate),
        )
    )


def _commit_intents(batch: _Batch) -> None:
    """One row per document and field. Where another worker was faster, its row is the one."""
    fresh = [signing for signing in batch.signings if signing.prepared and signing.value is None]
    if not fresh:
        return
    with batch.bench.store.write() as session:
        table = SignatureRow.table()
        keys = [(signing.document.id, signing.slot) for signing in fresh]
        taken = set(
            session.execute(
                select(table.c.document_id, table.c.field).where(
                    tuple_(table.c.document_id, table.c.field).in_(keys),
                    or_(
                        table.c.value.is_not(None),
                        table.c.certificate_sha256.in_({s.certificate_sha256 for s in fresh}),
                    ),
                )
            ).tuples()
        )
        free = [signing for signing in fresh if (signing.document.id, signing.slot) not in taken]
        # what is left was prepared for a signer who is not the signer any more; its key was never used
        session.execute(
            delete(SignatureRow).where(
                tuple_(table.c.document_id, table.c.field).in_([(s.document.id, s.slot) for s in free]),
                table.c.value.is_(None),
            )
        )
        if free:
            session.execute(table.insert(), [_intent(signing) for signing in free])
        _adopt(session, batch)


def _intent(signing: _Signing) -> dict[str, Any]:
    assert signing.prepared is not None  # noqa: S101 (only prepared signatures come here)
    columns = signing.prepared.to_columns()
    profile = signing.work.profile
    return {
        "document_id": signing.document.id,
        "field": signing.slot,
        "profile": profile.name,
        "level_asked": columns["level"],
        "signer_kind": profile.kind,
        "signer_id": signing.person_id,
        "certificate_sha256": signing.certificate_sha256,
        "source_sha256": columns["source_sha256"],
        "revision": columns["revision"],
        "byte_range": json.loads(columns["byte_range"]),
        "signed_attributes": columns["signed_attributes"],
        "digest_algorithm": columns["digest_algorithm"],
        "prepared": json.loads(columns["rest"]),
        "attempts": 0,
    }


def _prepared_of(row: SignatureRow) -> Prepared:
    return Prepared.from_columns(
        {
            "source_sha256": row.source_sha256,
            "field": row.field,
            "level": row.level_asked,
            "revision": row.revision,
            "byte_range": json.dumps(row.byte_range),
            "signed_attributes": row.signed_attributes,
            "digest_algorithm": row.digest_algorithm,
            "rest": json.dumps(row.prepared),
        }
    )


# (3) use the key, and commit the value


async def _use_key(bench: Workbench, signing: _Signing) -> None:
    if signing.value is None and signing.prepared is not None:
        with timed(signing.us, "sign"):
            signing.value = await bench.desk.sign(signing.prepared, signing.signer)


def _commit_values(batch: _Batch) -> None:
    """Keep the first value of each row: where another worker was faster, its value is the one."""
    if not batch.signings:
        return
    with batch.bench.store.write() as session:
        for signing in batch.signings:
            session.execute(
                update(SignatureRow)
                .where(
                    SignatureRow.document_id == signing.document.id,
                    SignatureRow.field == signing.slot,
                    SignatureRow.certificate_sha256 == signing.certificate_sha256,
                    SignatureRow.value.is_(None),
                )
                .values(value=signing.value, attempts=SignatureRow.attempts + 1)
                .execution_options(synchronize_session=False)
            )
        _adopt(session, batch)


# (4) finish


async def _finish(bench: Workbench, signing: _Signing) -> None:
    if signing.prepared is None or signing.value is None:
        raise AnotherSignerBegan("The signature's row was replaced meanwhile.", hint="It is tried again.")
    signing.finished = await bench.desk.finish(
        signing.source, signing.prepared, signing.value, profile=signing.work.profile
    )
    signing.us = dict(signing.finished.durations_us)


# (5) record


def _record(batch: _Batch, digests: Sequence[str]) -> None:
    bench = batch.bench
    ready = [(s, s.finished, sha256) for s, sha256 in zip(batch.signings, digests, strict=True) if s.finished]
    with bench.store.write() as session:
        results = [
            result(
                signing.work,
                "signed",
                body={"signer": signing.person_id, "name": signing.person_name},
                document=signing.document.name,
                revision=signing.document.revision_no,
                field=signing.slot,
                profile=signing.work.profile.name,
                level_asked=str(signing.work.profile.level),
                level_reached=str(finished.level_reached),
                certificate_sha256=signing.certificate_sha256,
                sha256=sha256,
                bytes=len(finished.pdf),
            )
            for signing, finished, sha256 in ready
        ]
        sequences = bench.engine.finish_steps(session, results)
        for (signing, finished, sha256), seq in zip(ready, sequences, strict=True):
            if seq is not None:
                _keep(session, signing, finished, sha256, seq)


def _keep(session: Session, signing: _Signing, finished: Finished, sha256: str, seq: int) -> None:
    level = str(finished.level_reached)
    session.execute(
        update(SignatureRow)
        .where(SignatureRow.document_id == signing.document.id, SignatureRow.field == signing.slot)
        .values(signed_sha256=sha256, level_reached=level, event_seq=seq)
        .execution_options(synchronize_session=False)
    )
    session.execute(
        update(DocumentRow)
        .where(DocumentRow.id == signing.document.id)
        .values(current_sha256=sha256, level_reached=level)
        .execution_options(synchronize_session=False)
    )
