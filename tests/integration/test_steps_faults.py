"""What fails around a step: nothing is half-signed, the request waits with a reason, and it recovers."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader
from sqlalchemy import update

from certs.serve_authority import AuthorityServer
from documents.blobs import BlobStore
from documents.errors import BlobCorrupt, BlobError, BlobMissing
from signing.errors import TimestampError
from signing.pades import SigningDesk
from signing.signers import SoftwareSigner
from tests.steps_office import CLERK, MANAGER, OTHER_SIGNER, QUICK, SIGNER, KeyedOffice, Sample
from workflow.office import REGISTER_FILE
from workflow.outcomes import StepOutcome, Verdict
from workflow.tables import Body, Request

pytestmark = pytest.mark.slow


@pytest.fixture
def sample(tmp_path: Path) -> Iterator[Sample]:
    sample = Sample.open(tmp_path)
    yield sample
    sample.office.close()


def served(sample: Sample, *faults: str) -> AuthorityServer:
    return AuthorityServer(sample.office.authority.folder, faults=faults)


def at_sealing(sample: Sample, variant: str = "A3", **more: Any) -> int:
    """A request whose next step is to sign its first field."""
    number = sample.submit(variant, **more)
    asyncio.run(sample.run_until("sealing", number))
    return number


def run_once(sample: Sample) -> StepOutcome:
    (outcome,) = asyncio.run(sample.run_steps())
    return outcome


def facts(sample: Sample, number: int) -> tuple[Any, ...]:
    """What must not change while a step fails."""
    request, document = sample.request(number), sample.documents(number)[-1]
    told = (document.current_sha256, document.rendered_sha256, document.level_reached)
    return request.state, request.version, request.step_seq, told, len(sample.documents(number))


def sign_everything(sample: Sample, number: int) -> None:
    """Whatever is left to do, done."""
    for _ in range(10):
        asyncio.run(sample.work())
        if not sample.act([number]):
            break
    sample.require_finished([number])


def signer_for(sample: Sample, span: timedelta) -> SoftwareSigner:
    """A signer whose certificate ends so long from now."""
    now = sample.office.clock()
    return SoftwareSigner(
        sample.office.authority.issue(
            "Brief (sample)", now=now, not_before=now - timedelta(hours=1), not_after=now + span
        )
    )


@contextmanager
def cut_off() -> Iterator[None]:
    """The timestamp authority goes down between the use of the key and the finish."""

    async def finish(*_: object, **__: object) -> None:
        raise TimestampError("The authority is down.")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SigningDesk, "finish", finish)
        yield


def facts_of_rows(sample: Sample, number: int) -> list[tuple[Any, ...]]:
    """What must stay of the rows of signatures."""
    return [
        (row.document_id, row.field, row.signed_attributes, row.value, row.event_seq)
        for row in sample.signatures(number)
    ]


# --- authorities


@pytest.mark.parametrize(
    ("faults", "code"),
    [
        (("tsa-rejects",), "signing-timestamp"),
        (("tsa-garbage",), "signing-timestamp"),
        (("tsa-wrong-nonce",), "signing-timestamp"),
        (("ocsp-try-later", "crl-stale"), "signing-revocation-unavailable"),
    ],
)
def test_a_wrong_authority_is_a_retry_that_leaves_nothing_behind(
    sample: Sample, faults: Sequence[str], code: str
) -> None:
    """Some that test_signing_fault_matrix.py does not have; and it shows that no bad answer is kept."""
    number = at_sealing(sample)
    before = facts(sample, number)
    with served(sample, *faults):
        outcome = run_once(sample)
    assert (outcome.verdict, outcome.code) == (Verdict.RETRY, code)
    assert facts(sample, number) == before
    assert sample.signatures(number) == []
    assert not sample.records(number, "document_signed")
    sample.require_sound([number])
    with served(sample):
        sign_everything(sample, number)


@pytest.mark.parametrize("fault", ["tsa-down", "tsa-wrong-imprint", "tsa-rejects"])
def test_a_timestamp_that_fails_after_the_key_was_used_is_waited_for_with_the_same_value(
    sample: Sample, fault: str
) -> None:
    async def run(first: int, number: int) -> None:
        async with sample.office.steps() as steps:
            with served(sample):
                await steps.run(sample.waiting(first))
            with served(sample, fault):
                (outcome,) = await steps.run(sample.waiting(number))
            assert (outcome.verdict, outcome.code) == (Verdict.RETRY, "signing-timestamp")
            (kept,) = sample.signatures(number)
            assert kept.value is not None
            assert (kept.signed_sha256, kept.level_reached, kept.event_seq) == (None, None, None)
            assert facts(sample, number) == before
            sample.require_sound([number])
            with served(sample):
                for _ in range(20):  # the first meets the kept connection, which has died with the server
                    (outcome,) = await steps.run(sample.waiting(number))
                    if outcome.verdict is Verdict.DONE:
                        break
                    await asyncio.sleep(max(outcome.after_s, 0.05))  # the authority is left alone meanwhile
            (row,) = sample.signatures(number)
            assert (row.value, row.attempts) == (kept.value, 1)  # the key was not used again
            assert row.event_seq is not None

    first = at_sealing(sample)  # at whose timestamp the desk learns the authority
    number = at_sealing(sample)
    before = facts(sample, number)
    asyncio.run(run(first, number))
    with served(sample):
        sign_everything(sample, number)


@pytest.mark.parametrize(
    ("variant", "temporary", "holder"), [("A3", False, SIGNER), ("A3", True, MANAGER), ("A4", False, "seal")]
)
def test_a_value_that_can_never_be_finished_leads_back_and_a_new_revision_is_signed(
    sample: Sample, variant: str, temporary: bool, holder: str
) -> None:
    """The authority was down until the certificate had ended: no repair could help."""
    number = at_sealing(sample, variant, temporary=temporary)
    step, signs = ("sealing_second", "countersign") if temporary else ("sealing", "sign")
    with served(sample):
        if temporary:
            asyncio.run(sample.run_until(step, number))
        sample.office.special[holder] = brief = signer_for(sample, timedelta(minutes=10))
    with served(sample), cut_off():
        assert run_once(sample).verdict is Verdict.RETRY
    assert sample.signatures(number)[-1].value is not None
    later = replace(sample.office, clock=lambda: brief.certificate.not_valid_after_utc + timedelta(minutes=1))
    with served(sample):
        (outcome,) = asyncio.run(Sample(later).run_steps())
    assert (outcome.verdict, sample.request(number).state) == (Verdict.DONE, signs)
    assert sample.records(number, "step_failed")[-1]["code"] == "workflow-signature-unfinishable"
    before = facts_of_rows(sample, number)
    person = MANAGER if temporary else SIGNER
    sample.do("return", person, number, remark="The certificate has ended.")
    del sample.office.special[holder]
    with served(sample):
        sign_everything(sample, number)
    assert facts_of_rows(sample, number)[: len(before)] == before
    assert len(sample.documents(number)) == 2


def test_the_queue_tries_again_until_the_authority_is_back(sample: Sample) -> None:
    """In one run of a worker, without anybody's help."""
    number = at_sealing(sample)

    async def run() -> None:
        with served(sample, "tsa-down"):
            working = asyncio.create_task(sample.work())
            await asyncio.sleep(1.0)
            assert not working.done()
            assert sample.request(number).state == "sealing"
        with served(sample):
            await asyncio.wait_for(working, 180)

    asyncio.run(run())
    sample.require_finished([number])
    assert sample.incidents(number) == []


def test_tries_used_up_wait_for_a_repair_that_anybody_with_a_role_can_give(tmp_path: Path) -> None:
    sample = Sample.open(tmp_path, patience=replace(QUICK, tries=2))
    number = at_sealing(sample, "A4")
    before = facts(sample, number)
    with served(sample, "ocsp-down", "crl-down"):
        asyncio.run(sample.work())
    (incident,) = sample.incidents(number)
    assert (incident.code, incident.state, incident.resolved_at) == (
        "signing-revocation-unavailable",
        "sealing",
        None,
    )
    assert incident.message.startswith("No usable revocation answer could be had")  # and whose, is not said
    (event,) = sample.records(number, "incident_opened")
    assert "revoked" in json.loads(sample.rows(Body, Body.seq == event["seq"])[0].body)["message"]
    assert sample.jobs() == 0
    assert facts(sample, number)[3:] == before[3:]
    with served(sample):
        asyncio.run(sample.work())  # no reconcile brings it back: it waits for a person
        assert sample.request(number).state == "sealing"
        sample.do("repair", CLERK, number)
        sign_everything(sample, number)
    (incident,) = sample.incidents(number)
    assert incident.resolved_by == CLERK
    sample.office.close()


# --- certificates


def expired(sample: Sample) -> SoftwareSigner:
    now = sample.office.clock()
    return SoftwareSigner(
        sample.office.authority.issue(
            "An expired signer",
            now=now,
            not_before=now - timedelta(days=9),
            not_after=now - timedelta(days=1),
        )
    )


def revoked(sample: Sample) -> SoftwareSigner:
    now = sample.office.clock()
    credential = sample.office.authority.issue("A revoked signer", now=now)
    sample.office.authority.revoke(credential.certificate.serial_number, at=now)
    return SoftwareSigner(credential)


@pytest.mark.parametrize(
    ("make", "code", "word"),
    [
        (expired, "signing-certificate-unusable", "expired"),
        (revoked, "signing-certificate-revoked", "revoked"),
    ],
)
def test_a_persons_unusable_certificate_goes_back_to_the_person_and_another_may_sign(
    sample: Sample, make: Any, code: str, word: str
) -> None:
    with served(sample):
        number = at_sealing(sample)
        document = facts(sample, number)[3]
        sample.office.special[SIGNER] = make(sample)
        outcome = run_once(sample)
        assert outcome.verdict is Verdict.DONE
        assert sample.request(number).state == "sign"
        assert facts(sample, number)[3] == document
        assert sample.signatures(number) == []
        assert sample.records(number, "step_failed")[-1]["code"] == code
        assert word in sample.failures(number)[-1]
        sample.require_sound([number])
        sample.signer = OTHER_SIGNER
        sample.act([number])
        sign_everything(sample, number)
    assert [row.signer_id for row in sample.signatures(number)] == [OTHER_SIGNER]


@pytest.mark.parametrize("make", [expired, revoked])
def test_the_seals_unusable_certificate_waits_for_whoever_runs_the_office(sample: Sample, make: Any) -> None:
    """The signer who released the seal can do nothing about it."""
    with served(sample):
        number = at_sealing(sample, "A4")
        sample.office.special["seal"] = make(sample)
        asyncio.run(sample.work())
        (incident,) = sample.incidents(number)
        assert incident.code.startswith("signing-certificate-")
        assert sample.request(number).state == "sealing"
        sample.require_sound([number])
        del sample.office.special["seal"]
        sample.do("repair", CLERK, number)
        sign_everything(sample, number)


# --- files


@pytest.mark.parametrize(("harm", "code"), [("lost", BlobMissing.code), ("damaged", BlobCorrupt.code)])
def test_a_lost_or_damaged_file_reaches_whoever_runs_the_office_and_not_the_signer(
    sample: Sample, harm: str, code: str
) -> None:
    with served(sample):
        number = at_sealing(sample)
        path = sample.office.blobs.inner.path(sample.documents(number)[-1].current_sha256)
        whole = path.read_bytes()
        path.chmod(0o600)
        if harm == "lost":
            path.unlink()
        else:
            path.write_bytes(whole.replace(b"%%EOF", b"%%EO!"))
        asyncio.run(sample.work())
        assert sample.request(number).state == "sealing"
        assert sample.records(number, "step_failed") == []
        (incident,) = sample.incidents(number)
        assert (incident.code, incident.step) == (code, "sign")
        assert sample.signatures(number) == []
        path.write_bytes(whole)  # restored from a backup
        sample.do("repair", CLERK, number)
        sign_everything(sample, number)


def test_a_lost_file_that_no_backup_has_leaves_no_request_stuck(sample: Sample) -> None:
    """Repaired while it is still lost, the step goes back to the signer, who has it rendered anew."""
    with served(sample):
        number = at_sealing(sample)
        lost = sample.documents(number)[-1].current_sha256
        sample.office.blobs.delete(lost)
        asyncio.run(sample.work())
        assert sample.request(number).state == "sealing"
        sample.do("repair", CLERK, number)
        asyncio.run(sample.work())
        assert sample.request(number).state == "sign"
        (failed,) = sample.records(number, "step_failed")
        assert failed["code"] == BlobMissing.code
        sample.do("claim", SIGNER, number)
        sample.do("return", SIGNER, number, remark="The file is lost: draw it anew.")
        while sample.act([number]) or sample.waiting(number):
            asyncio.run(sample.work())
        assert sample.request(number).outcome == "done"
        assert [document.revision_no for document in sample.documents(number)] == [1, 2]


def test_a_signed_file_that_is_damaged_before_delivery_waits_for_its_restoration(sample: Sample) -> None:
    with served(sample):
        number = sample.submit("A3")
        asyncio.run(sample.run_until("delivering", number))
        path = sample.office.blobs.inner.path(sample.documents(number)[-1].current_sha256)
        whole = path.read_bytes()
        path.chmod(0o600)
        path.write_bytes(whole + b"\n")
        asyncio.run(sample.work())
        assert sample.request(number).state == "delivering"
        (incident,) = sample.incidents(number)
        assert (incident.code, incident.step) == (BlobCorrupt.code, "deliver")
        path.write_bytes(whole)
        sample.do("repair", CLERK, number)
        sign_everything(sample, number)


@dataclass(frozen=True)
class FullDisk:
    """A store that has no room for the first so many batches."""

    store: BlobStore
    full: list[int]

    def put_many(self, contents: Sequence[bytes]) -> list[str]:
        if self.full:
            self.full.pop()
            raise BlobError("A file could not be stored: No space left on device.", hint="Make room.")
        return self.store.put_many(contents)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)


def test_a_full_disk_is_tried_again(sample: Sample) -> None:
    with served(sample):
        numbers = [at_sealing(sample), at_sealing(sample, "A1")]
        usual = sample.office
        sample.office = replace(usual, blobs=FullDisk(usual.blobs, [1]))  # type: ignore[arg-type]
        outcomes = asyncio.run(sample.run_steps())
        assert {(o.verdict, o.code) for o in outcomes} == {(Verdict.RETRY, BlobError.code)}
        assert all(row.event_seq is None for number in numbers for row in sample.signatures(number))
        sample.require_sound(numbers)
        values = [row.value for number in numbers for row in sample.signatures(number)]
        for number in numbers:
            sign_everything(sample, number)
        assert [row.value for number in numbers for row in sample.signatures(number)] == values


@dataclass(frozen=True)
class SlowStorage:
    """A store that gives no file before it is asked for so many at once, and the event loop has gone on."""

    store: BlobStore
    at_once: Barrier

    def get(self, sha256_hex: str) -> bytes:
        self.at_once.wait(5)
        return self.store.get(sha256_hex)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)


def test_a_storage_that_takes_its_time_keeps_no_worker_from_showing_its_life(sample: Sample) -> None:
    async def worked(at_once: Barrier) -> list[StepOutcome]:
        working = asyncio.create_task(sample.run_steps())
        while at_once.n_waiting < at_once.parties - 1 and not working.done():
            await asyncio.sleep(0.01)  # what a heartbeat does
        if not working.done():
            at_once.wait(5)
        return await working

    with served(sample):
        numbers = [at_sealing(sample), at_sealing(sample)]
        usual = sample.office
        stepped: list[str] = []
        while sample.waiting():
            stepped += {ref.state for ref in sample.waiting()}
            at_once = Barrier(len(numbers) + 1)
            sample.office = replace(usual, blobs=SlowStorage(usual.blobs, at_once))  # type: ignore[arg-type]
            outcomes = asyncio.run(worked(at_once))
            sample.office = usual
            assert {outcome.verdict for outcome in outcomes} == {Verdict.DONE}
            sample.act(numbers)
    assert stepped == ["sealing", "delivering"]


# --- data, register


def test_a_character_that_cant_be_printed_goes_back_with_the_fields_name(sample: Sample) -> None:
    """Commands refuse such a character; a request of an earlier release may still hold one."""
    number = sample.submit("A3")
    asyncio.run(sample.run_until("rendering", number))
    data = sample.request(number).data
    data["signing"]["place"] = "Voorbeeldstad \u9e21"
    with sample.office.store.write() as session:
        session.execute(update(Request).where(Request.id == number).values(data=data, data_sha256="0" * 64))
    asyncio.run(sample.work())
    assert sample.request(number).state == "review"
    assert sample.documents(number) == []
    assert "signing.place" in sample.failures(number)[-1]
    with served(sample):
        sample.act([number])  # the clerk writes the place anew
        sign_everything(sample, number)


def test_without_the_register_nobody_seals_under_another_name(tmp_path: Path) -> None:
    sample = Sample.open(tmp_path)
    sealed, personal = at_sealing(sample, "A4"), at_sealing(sample, "A3")
    register = tmp_path / REGISTER_FILE
    content = register.read_bytes()
    register.unlink()
    usual = sample.office
    with served(sample):
        sample.office = KeyedOffice.open(tmp_path, environ={}, patience=QUICK)
        asyncio.run(sample.work())
        sample.require_finished([personal])
        (incident,) = sample.incidents(sealed)
        assert incident.code == "workflow-organisation-unknown"
        assert sample.signatures(sealed) == []
        register.write_bytes(content)
        sample.office.close()
        sample.office = usual
        sample.do("repair", MANAGER, sealed)
        sign_everything(sample, sealed)
    usual.close()


def test_each_document_is_sealed_in_the_name_of_its_own_employer(tmp_path: Path) -> None:
    """Half of the register works elsewhere; a plan is sealed for the requester's employer."""
    sample = Sample.open(tmp_path)
    register, elsewhere = tmp_path / REGISTER_FILE, "Gemeente Elders (sample)"
    sample.office.close()
    ours = sample.register.person(SIGNER).employer_name
    first, second = sample.submit("A4"), sample.submit("A4")
    text = register.read_text().splitlines(keepends=True)
    half = [line.replace(ours, elsewhere) if line.startswith("P1") else line for line in text]
    register.write_text("".join(half))
    sample.office = office = KeyedOffice.open(tmp_path, environ={}, patience=QUICK)
    assert office.employers == (ours, elsewhere)
    assert office.employer_of("P150") == elsewhere
    with served(sample):
        asyncio.run(sample.run_until("rendering", first))
        asyncio.run(sample.run_until("rendering", second))
        with office.store.write() as session:
            data = sample.request(second).data
            data["employer"]["name"] = elsewhere
            session.execute(update(Request).where(Request.id == second).values(data=data))
        for number, name in ((first, ours), (second, elsewhere)):
            asyncio.run(sample.run_until("delivering", number))
            pdf = office.blobs.get(sample.documents(number)[-1].current_sha256)
            (signature,) = PdfFileReader(BytesIO(pdf)).embedded_regular_signatures
            assert name in signature.signer_cert.subject.human_friendly
    office.close()


# --- incidents


def test_an_incident_is_settled_when_another_workers_try_ends_well(sample: Sample) -> None:
    """One worker gave up while another was only slow; what fails later must be able to say so."""

    async def run() -> None:
        async with sample.office.steps() as steps:
            refs = sample.waiting()
            steps.give_up(StepOutcome.gave_up(refs[0], "step-crashed", "It was.").trouble)
            with sample.office.store.read() as session:
                assert steps.waiting(session) == []
            await steps.run(refs)
            with sample.office.store.read() as session:
                (delivering,) = steps.waiting(session)
            assert delivering.state == "delivering"

    with served(sample):
        number = at_sealing(sample)
        asyncio.run(run())
        (incident,) = sample.incidents(number)
        assert incident.resolved_at is not None
        assert incident.resolved_by is None
        sign_everything(sample, number)
