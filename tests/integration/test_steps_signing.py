"""The signing protocol: who signs when tries are broken off, revisions, batches, levels."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from io import BytesIO
from time import monotonic_ns
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from pyhanko.pdf_utils.reader import PdfFileReader
from sqlalchemy import select, update

from certs.serve_authority import AuthorityServer
from fonts import regular
from signing.errors import UnsupportedKeyError
from signing.profile import Level
from signing.signers import Signer, SoftwareSigner
from signing.verify.register import Standing
from tests.databases import KINDS, fresh, intruder
from tests.steps_office import (
    CLERK,
    MANAGER,
    OTHER_SIGNER,
    SIGNER,
    Sample,
    level_of,
)
from workflow import evidence, issued, step_sign
from workflow.commands import StepRef
from workflow.evidence_check import _Story
from workflow.issued import IssuedRegister
from workflow.logexport import event_line
from workflow.outcomes import Verdict
from workflow.tables import Delivery, Event, SignatureRow

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=KINDS)
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sample]:
    folder = tmp_path_factory.mktemp("office")
    with fresh(request.param, folder, request) as database:
        sample = Sample.open(folder, database.environ)
        with AuthorityServer(sample.office.authority.folder):
            yield sample
        sample.office.close()


@pytest.fixture
def sample(shared: Sample) -> Iterator[Sample]:
    """One office for all tests: each looks at requests of its own."""
    usual = shared.office
    yield shared
    shared.office, shared.signer = usual, SIGNER
    shared.office.special.clear()


def at_sealing(sample: Sample, variant: str = "A3", *, signer: str = SIGNER, **more: Any) -> int:
    number = sample.submit(variant, **more)
    asyncio.run(sample.run_until("sign", number))
    sample.signer = signer
    sample.act([number])
    sample.signer = SIGNER
    return number


def run(sample: Sample, *requests: int) -> list[Any]:
    return asyncio.run(sample.run_steps(sample.waiting(*requests)))


def finish(sample: Sample, *requests: int) -> None:
    for _ in range(10):
        if sample.waiting(*requests):
            run(sample, *requests)
        elif not sample.act(requests):
            break
    sample.require_sound(requests)
    assert {sample.request(number).state for number in requests} <= {"delivered", "running"}


@pytest.mark.parametrize("variant", ["A1", "A3", "A4"])
def test_a_substitutes_stamp_says_on_whose_behalf(sample: Sample, variant: str) -> None:
    principal = sample.register.person(SIGNER).name
    said = regular().hex(f"On behalf of {principal}").encode()
    for signer, stands_in in ((OTHER_SIGNER, True), (SIGNER, False)):
        number = at_sealing(sample, variant, signer=signer)
        finish(sample, number)
        [document] = sample.documents(number)
        assert (said in sample.office.blobs.get(document.current_sha256)) is stands_in


@dataclass(frozen=True)
class BrokenSigner:
    """Somebody whose key can't be used: prepared for, and then refused."""

    usual: SoftwareSigner

    @property
    def certificate(self) -> x509.Certificate:
        return self.usual.certificate

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        return self.usual.chain

    async def sign(self, signed_attributes: bytes, digest_algorithm: str) -> bytes:
        raise UnsupportedKeyError("The card is of the wrong kind.", hint="Use another.")


@dataclass(frozen=True)
class LyingSigner(BrokenSigner):
    """A device that gives a value over something else."""

    async def sign(self, signed_attributes: bytes, digest_algorithm: str) -> bytes:
        return await self.usual.sign(signed_attributes + b"!", digest_algorithm)


class BrokenOff(Exception):
    """The step ends here, as if the process had."""


def broken_off(sample: Sample, at: str, *requests: int) -> None:
    """Run the signing step up to a point."""

    def point(name: str) -> None:
        if name == at:
            raise BrokenOff

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(step_sign, "point", point)
        with pytest.raises(BrokenOff):
            run(sample, *requests)


def send_back(sample: Sample, number: int) -> None:
    """The step fails for good: the person is asked again."""
    (ref,) = sample.waiting(number)
    with sample.office.store.write() as session:
        sample.office.engine.finish_step(session, ref, "failed", record={"code": "test"}, body={})


def personal_signer(sample: Sample, person: str) -> Signer:
    name, now = sample.register.person(person).name, sample.office.clock()
    return SoftwareSigner(sample.office.authority.person(person, name, now=now))


def row_facts(rows: Sequence[SignatureRow]) -> list[tuple[Any, ...]]:
    columns = SignatureRow.table().c
    return [tuple(getattr(row, column.name) for column in columns) for row in rows]


# --- tries that were broken off


@pytest.mark.parametrize("at", ["sign.intended", "sign.key-used"])
def test_before_the_value_is_kept_the_next_try_signs_the_same_bytes(sample: Sample, at: str) -> None:
    number = at_sealing(sample)
    broken_off(sample, at, number)
    (intent,) = sample.signatures(number)
    assert (intent.value, intent.attempts) == (None, 1)
    sample.require_sound([number])
    finish(sample, number)
    (row,) = sample.signatures(number)
    assert row.attempts == 2
    assert (row.signed_attributes, row.revision) == (intent.signed_attributes, intent.revision)


@pytest.mark.parametrize("at", ["sign.value-kept", "sign.finished", "sign.stored"])
def test_after_the_value_is_kept_no_key_is_needed_any_more(sample: Sample, at: str) -> None:
    number = at_sealing(sample)
    broken_off(sample, at, number)
    (kept,) = sample.signatures(number)
    assert kept.value is not None
    assert sample.documents(number)[-1].level_reached is None
    sample.office.special[SIGNER] = BrokenSigner(personal_signer(sample, SIGNER))  # type: ignore[arg-type]
    finish(sample, number)
    (row,) = sample.signatures(number)
    assert (row.value, row.attempts) == (kept.value, 1)


def test_a_value_that_does_not_verify_is_never_kept(sample: Sample) -> None:
    """It could not be replaced any more."""
    number = at_sealing(sample)
    sample.office.special[SIGNER] = LyingSigner(personal_signer(sample, SIGNER))  # type: ignore[arg-type]
    (outcome,) = run(sample, number)
    assert (outcome.verdict, outcome.code) == (Verdict.RETRY, "signing-signer")
    assert [row.value for row in sample.signatures(number)] == [None]
    sample.office.special.clear()
    finish(sample, number)


def test_a_renewed_certificate_before_the_value_prepares_anew_and_after_it_changes_nothing(
    sample: Sample,
) -> None:
    early, late = at_sealing(sample), at_sealing(sample)
    broken_off(sample, "sign.intended", early)
    broken_off(sample, "sign.value-kept", late)
    (intent,), (kept,) = sample.signatures(early), sample.signatures(late)
    renewed = sample.office.authority.issue("A renewed signer", now=sample.office.clock())
    sample.office.special[SIGNER] = SoftwareSigner(renewed)
    finish(sample, early, late)
    (row,) = sample.signatures(early)
    assert row.certificate_sha256 != intent.certificate_sha256
    (row,) = sample.signatures(late)
    assert (row.certificate_sha256, row.value) == (kept.certificate_sha256, kept.value)


def test_signers_who_swap_between_tries_each_sign_their_own(sample: Sample) -> None:
    """In one batch, each with the certificate that the other's row was prepared for."""
    one, two = at_sealing(sample, signer=SIGNER), at_sealing(sample, signer=OTHER_SIGNER)
    for person in (SIGNER, OTHER_SIGNER):
        usual = personal_signer(sample, person)
        sample.office.special[person] = BrokenSigner(usual)  # type: ignore[arg-type]
    run(sample, one, two)
    assert {sample.request(number).state for number in (one, two)} == {"sign"}
    assert [row.value for number in (one, two) for row in sample.signatures(number)] == [None, None]
    sample.office.special.clear()
    for number, person in ((one, OTHER_SIGNER), (two, SIGNER)):
        sample.signer = person
        sample.act([number])
    finish(sample, one, two)
    for number, person in ((one, OTHER_SIGNER), (two, SIGNER)):
        (row,) = sample.signatures(number)
        (event,) = sample.records(number, "document_signed")
        certificate = personal_signer(sample, person).certificate
        assert row.signer_id == person
        assert row.certificate_sha256 == _sha256(certificate)
        assert row.certificate_sha256 not in json.dumps(event)


def _sha256(certificate: x509.Certificate) -> str:
    return certificate.fingerprint(hashes.SHA256()).hex()


def test_a_seal_released_by_another_bears_the_others_name(sample: Sample) -> None:
    """The seal's key is the same, but the stamp names who released it."""
    number = at_sealing(sample, "A4")
    broken_off(sample, "sign.intended", number)
    (intent,) = sample.signatures(number)
    send_back(sample, number)
    sample.signer = OTHER_SIGNER
    sample.act([number])
    finish(sample, number)
    (row,) = sample.signatures(number)
    assert (intent.signer_id, row.signer_id) == (SIGNER, OTHER_SIGNER)
    assert row.certificate_sha256 == intent.certificate_sha256
    assert row.signed_attributes != intent.signed_attributes


@pytest.mark.parametrize("variant", ["A3", "A4"])
def test_once_a_key_was_used_nobody_else_signs_that_field_of_that_revision(
    sample: Sample, variant: str
) -> None:
    number = at_sealing(sample, variant)
    broken_off(sample, "sign.value-kept", number)
    (kept,) = sample.signatures(number)
    send_back(sample, number)
    sample.signer = OTHER_SIGNER
    sample.act([number])
    run(sample, number)
    assert sample.request(number).state == "sign"
    assert "return the request" in sample.failures(number)[-1]
    assert row_facts(sample.signatures(number)) == row_facts([kept])
    # the first signer may finish
    sample.signer = SIGNER
    sample.act([number])
    finish(sample, number)
    assert [row.value for row in sample.signatures(number)] == [kept.value]


def test_or_the_document_is_made_anew_and_the_old_rows_stay(sample: Sample) -> None:
    number = at_sealing(sample)
    broken_off(sample, "sign.value-kept", number)
    before = row_facts(sample.signatures(number))
    send_back(sample, number)
    sample.do("return", OTHER_SIGNER, number, remark="She has left.")
    sample.signer = OTHER_SIGNER
    finish(sample, number)
    first, second = sample.documents(number)
    assert (first.level_reached, second.level_reached) == (None, "B-LTA")
    assert row_facts(sample.signatures(number))[:1] == before
    assert [row.signer_id for row in sample.signatures(number)] == [SIGNER, OTHER_SIGNER]


def test_a_profile_that_asks_for_more_between_tries_gets_more(sample: Sample) -> None:
    number = at_sealing(sample, "A1")
    broken_off(sample, "sign.intended", number)
    assert [row.level_asked for row in sample.signatures(number)] == ["B-LT"]
    sample.office = with_level(sample, Level.B_LTA)
    finish(sample, number)
    assert [row.level_reached for row in sample.signatures(number)] == ["B-LTA"]


def with_level(sample: Sample, level: Level) -> Any:
    profiles = {
        name: replace(profile, level=level) if profile.signs else profile
        for name, profile in sample.office.profiles.items()
    }
    return replace(sample.office, signing=replace(sample.office.signing, profiles=profiles))


@pytest.mark.parametrize("at", ["sign.intended", "sign.value-kept"])
def test_a_row_that_this_release_cant_read(sample: Sample, at: str) -> None:
    """Without a value it is prepared anew; with one a person has to look, and nothing is overwritten."""
    number = at_sealing(sample)
    broken_off(sample, at, number)
    with intruder(sample.office.store, guarded=False) as other:
        spoil = "UPDATE signatures SET prepared = '{}' WHERE document_id = ?"
        other.execute(spoil, (sample.documents(number)[-1].id,))
    if at == "sign.intended":
        finish(sample, number)
        return
    before = row_facts(sample.signatures(number))
    (outcome,) = run(sample, number)
    assert (outcome.verdict, outcome.code) == (Verdict.GAVE_UP, "signing-prepared-mismatch")
    assert row_facts(sample.signatures(number)) == before


def test_a_row_that_somebody_changed_is_no_order_to_the_key(sample: Sample) -> None:
    number, other = at_sealing(sample), at_sealing(sample)
    broken_off(sample, "sign.intended", number, other)
    (row,), (strange,) = sample.signatures(number), sample.signatures(other)
    with sample.office.store.write() as session:
        session.execute(
            update(SignatureRow)
            .where(SignatureRow.id == row.id)
            .values(signed_attributes=strange.signed_attributes)
        )
    outcomes = {outcome.ref.request_id: outcome for outcome in run(sample, number, other)}
    assert outcomes[other].verdict is Verdict.DONE
    assert (outcomes[number].verdict, outcomes[number].code) == (
        Verdict.GAVE_UP,
        "signing-prepared-mismatch",
    )
    assert sample.signatures(number)[0].value is None
    finish(sample, other)


def test_two_workers_at_the_same_field_at_the_same_time_make_one_signature(sample: Sample) -> None:
    numbers = [at_sealing(sample, variant) for variant in ("A1", "A3", "A4") for _ in range(2)]
    refs = sample.waiting(*numbers)

    async def both() -> None:
        async with sample.office.steps() as one, sample.office.steps() as other:
            await asyncio.gather(one.run(refs), other.run(list(reversed(refs))))

    asyncio.run(both())
    for number in numbers:
        assert len(sample.records(number, "document_signed")) == 1
    finish(sample, *numbers)


def test_a_worker_that_slept_does_not_replace_what_was_prepared_meanwhile(sample: Sample) -> None:
    """It prepared for one signer; before it could keep that, another was asked and prepared for."""
    number = at_sealing(sample)

    def meanwhile() -> None:
        send_back(sample, number)
        sample.signer = OTHER_SIGNER
        sample.act([number])
        broken_off(sample, "sign.intended", number)

    def point(name: str) -> None:
        if name == "sign.prepared":
            with ThreadPoolExecutor() as thread:  # an event loop of its own
                thread.submit(meanwhile).result()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(step_sign, "point", point)
        (outcome,) = run(sample, number)
    assert outcome.verdict is Verdict.DONE
    (row,) = sample.signatures(number)
    assert (row.signer_id, row.attempts, row.value) == (OTHER_SIGNER, 1, None)
    finish(sample, number)


# --- revisions


def test_returned_after_rendering_makes_a_new_revision_with_a_number_and_code_of_its_own(
    sample: Sample,
) -> None:
    number = sample.submit("A3")
    asyncio.run(sample.run_until("sign", number))
    sample.do("return", SIGNER, number, remark="The place is wrong.")
    finish(sample, number)
    first, second = sample.documents(number)
    assert (first.revision_no, second.revision_no) == (1, 2)
    assert second.number == f"{first.number}-2"
    assert first.verification_code != second.verification_code
    assert (first.level_reached, first.current_sha256) == (None, first.rendered_sha256)
    assert [row.document_id for row in sample.signatures(number)] == [second.id]


def test_a_temporary_contract_is_signed_twice_each_by_its_own_person(sample: Sample) -> None:
    number = sample.submit("A3", temporary=True)
    finish(sample, number)
    signed = {row.field: row.signer_id for row in sample.signatures(number)}
    assert signed == {"employer": SIGNER, "manager": MANAGER}
    events = sample.records(number, "document_signed")
    assert [event.get("mark") for event in events] == [None, "signed"]
    assert [event["level_reached"] for event in events] == ["B-LTA", "B-LTA"]


def test_a_plan_revised_after_delivery_is_signed_anew_and_the_first_stays_as_it_was(sample: Sample) -> None:
    number = sample.submit_plan()
    finish(sample, number)
    first, rows = sample.documents(number)[0], row_facts(sample.signatures(number))
    author = sample.request(number).requester_id
    sample.do("revise", author, number, remark="One action more.")
    sample.do("submit", author, number)
    finish(sample, number)
    again, second = sample.documents(number)
    assert (again.current_sha256, again.level_reached) == (first.current_sha256, "B-LT")
    assert second.level_reached == "B-LT"
    assert second.current_sha256 != first.current_sha256
    assert row_facts(sample.signatures(number))[:1] == rows
    assert len(sample.signatures(number)) == 2


def test_a_revision_that_is_given_up_leaves_the_plan_that_was_delivered_as_evidence(sample: Sample) -> None:
    number = sample.submit_plan()
    finish(sample, number)
    author = sample.request(number).requester_id
    sample.do("revise", author, number, remark="One action more.")
    sample.do("submit", author, number)
    asyncio.run(sample.run_until("sign", number))
    sample.do("withdraw", author, number)
    first, second = sample.documents(number)
    assert (sample.request(number).state, second.level_reached) == ("running", None)
    with sample.office.store.read() as session:
        [shown] = evidence._documents(session, sample.office.blobs, number)
        register = IssuedRegister(sample.office.store, sample.office.clock)
        found = issued._by_digests(session, [first.current_sha256])[first.current_sha256]
        assert register._told(session, found).standing is Standing.ISSUED
        query = select(Event.record).where(Event.request_id == number).order_by(Event.seq)
        lines = [event_line(record) for record in session.scalars(query)]
    assert (shown.revision, shown.sha256, shown.delivered) == (1, first.current_sha256, True)
    story = _Story(number)
    assert len(list(story.heard(lines))) == len(lines)
    assert story.signed == {"plan": (1, first.current_sha256)}


def test_paper_has_neither_signature_fields_nor_rows(sample: Sample) -> None:
    number = sample.submit("A0")
    asyncio.run(sample.run_until("printing", number))
    (document,) = sample.documents(number)
    assert b"/FT/Sig" not in sample.office.blobs.get(document.current_sha256).replace(b" ", b"")
    assert sample.signatures(number) == []


# --- batches


def test_a_bad_document_stops_no_other_of_its_batch(sample: Sample) -> None:
    """Of 20: one file is lost, one signer's card is broken; 18 are signed in the same run."""
    numbers = [at_sealing(sample) for _ in range(19)]
    broken = at_sealing(sample, signer=OTHER_SIGNER)
    lost = numbers.pop(7)
    sample.office.blobs.inner.path(sample.documents(lost)[-1].current_sha256).unlink()
    usual = personal_signer(sample, OTHER_SIGNER)
    sample.office.special[OTHER_SIGNER] = BrokenSigner(usual)  # type: ignore[arg-type]
    begun = monotonic_ns()
    outcomes = run(sample, *numbers, lost, broken)
    wall_us = (monotonic_ns() - begun) // 1000
    assert {outcome.ref.request_id for outcome in outcomes if outcome.verdict is not Verdict.DONE} == {lost}
    assert len(outcomes) == 20
    assert {sample.request(number).state for number in numbers} == {"delivering"}
    assert sample.request(broken).state == "sign"
    assert sample.request(lost).state == "sealing"  # until the file is back, and it is repaired
    measured = [event["durations_us"] for n in numbers for event in sample.records(n, "document_signed")]
    assert len(measured) == 18
    assert all({"prepare", "sign", "timestamp", "validate", "store"} <= set(parts) for parts in measured)
    # waiting for timestamps together is counted once: the parts add up to no more than the wall
    assert sum(sum(parts.values()) for parts in measured) <= wall_us
    finish(sample, *numbers)


def test_alone_or_in_a_batch_the_result_is_the_same(sample: Sample) -> None:
    alone, *batch = numbers = [at_sealing(sample, "A4") for _ in range(4)]
    run(sample, alone)
    run(sample, *batch)
    told = []
    for number in numbers:
        (event,) = sample.records(number, "document_signed")
        (row,) = sample.signatures(number)
        fixed = {name: event[name] for name in ("document", "revision", "field", "profile", "level_reached")}
        lengths = {len(row.signed_attributes), row.attempts, tuple(sorted(event)), row.signer_kind}
        told.append((fixed, lengths, level_of(sample.office.blobs.get(event["sha256"]))))
    assert all(each == told[0] for each in told)
    finish(sample, *numbers)


def test_the_same_step_named_twice_or_done_before_is_done_once(sample: Sample) -> None:
    number = at_sealing(sample)
    (ref,) = sample.waiting(number)
    gone = StepRef(number, "sealing", ref.step_seq - 1)
    (outcome, *rest) = asyncio.run(sample.run_steps([ref, ref, gone, StepRef(99_999, "sealing", 1)]))
    assert {o.verdict for o in (outcome, *rest)} == {Verdict.DONE}
    assert {o.verdict for o in asyncio.run(sample.run_steps([ref]))} == {Verdict.DONE}
    assert len(sample.records(number, "document_signed")) == 1
    finish(sample, number)


# --- levels


@pytest.mark.parametrize("level", list(Level))
def test_the_level_reached_is_the_level_asked_in_event_row_document_and_file(
    sample: Sample, level: Level
) -> None:
    sample.office = with_level(sample, level)
    numbers = [sample.submit(variant, temporary=True) for variant in ("A1", "A3", "A4")]
    numbers.append(sample.submit_plan())
    finish(sample, *numbers)  # require_sound compares event, row and document
    for number in numbers:
        document = sample.documents(number)[-1]
        assert document.level_reached == level
        assert level_of(sample.office.blobs.get(document.current_sha256)) is level


def test_the_packaged_profiles_reach_what_they_promise(sample: Sample) -> None:
    promised = {"A1": "B-LT", "A3": "B-LTA", "A4": "B-LTA"}
    numbers = {sample.submit(variant): level for variant, level in promised.items()}
    numbers[sample.submit_plan()] = "B-LT"
    finish(sample, *numbers)
    assert {number: sample.documents(number)[-1].level_reached for number in numbers} == numbers


def test_a_half_signed_document_can_be_returned_and_is_made_anew(sample: Sample) -> None:
    """The manager sees a mistake: what was signed is given up, and nothing of it delivered."""
    number = sample.submit("A3", temporary=True)
    asyncio.run(sample.run_until("countersign", number))
    (first,) = sample.documents(number)
    assert [row.field for row in sample.signatures(number)] == ["employer"]
    sample.do("return", MANAGER, number, remark="The salary is last year's.")
    assert sample.request(number).state == "review"
    asyncio.run(sample.run_until("delivered", number))
    again, second = sample.documents(number)
    assert again.current_sha256 == first.current_sha256, "the half-signed file stays as it was"
    assert second.revision_no == 2
    assert second.number == f"{first.number}-2"
    assert second.verification_code != first.verification_code
    (delivery,) = sample.rows(Delivery, Delivery.request_id == number)
    assert delivery.document_id == second.id
    sample.require_sound([number])


@pytest.mark.parametrize(("language", "said"), [("nl", "Gezegeld door"), ("en", "Sealed by")])
def test_the_reason_and_the_consent_are_in_the_requests_language(
    sample: Sample, language: str, said: str
) -> None:
    number = sample.submit("A1", language=language)
    finish(sample, number)
    pdf = sample.office.blobs.get(sample.documents(number)[-1].current_sha256)
    (signature,) = PdfFileReader(BytesIO(pdf)).embedded_regular_signatures
    assert str(signature.sig_object["/Reason"]).startswith(said)
    bodies = [one.body or {} for one in sample.office.engine.show(number, CLERK).history]
    accepted = [(one["consent"], one["consent_language"]) for one in bodies if "consent" in one]
    assert accepted == [("click", language)]
