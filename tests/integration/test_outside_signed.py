"""A2: the prepared file goes out, is signed elsewhere, and comes back; nothing else is taken for it."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO
from typing import Any

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigFieldSpec, append_signature_field

from certs.authority import DevelopmentAuthority
from certs.serve_authority import AuthorityServer
from cli.sample_exchange import signed_at_portal
from documents.errors import BlobError
from signing.outside import ExpectedSigner, judge_signed_elsewhere
from signing.outside_errors import ForeignSignatureRefusedError
from signing.profile import Level
from signing.stamp import Appearance
from signing.verify.bulk import verify_sources
from signing.verify.register import Standing
from signing.verify.sources import sources
from tests.databases import KINDS, fresh
from tests.steps_office import CLERK, MANAGER, OTHER_SIGNER, SIGNER, Sample
from throughput.compare import Comparison
from throughput.kept import Keeper
from throughput.spans import cases_of
from workflow import evidence, outside_given, outside_signed
from workflow.errors import KeyReused, NotFound, Refused
from workflow.issued import IssuedRegister
from workflow.logcheck import verify
from workflow.outside import By, NothingOutside
from workflow.tables import Body, Delivery, Event

pytestmark = pytest.mark.slow
EMPLOYER = "employer"


@pytest.fixture(scope="module")
def sample(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sample]:
    folder = tmp_path_factory.mktemp("office")
    with fresh(KINDS[0], folder, request) as database:
        made = Sample.open(folder, database.environ)
        with AuthorityServer(made.office.authority.folder):
            yield made
        made.office.close()


def exported(sample: Sample, *, temporary: bool = False) -> tuple[int, bytes]:
    """A request whose file was given out, and the file."""
    number = sample.submit("A2", temporary=temporary)
    asyncio.run(sample.run_until("export", number))
    given = outside_given.give(sample.office, number, By(CLERK))
    return number, given.pdf


def portal(sample: Sample, pdf: bytes, *people: str, level: Level = Level.B_LT) -> bytes:
    """Signed by these people in their fields: the employer's, then the manager's."""
    profile = replace(sample.office.profiles["qualified-remote"], level=level)
    users = [
        ExpectedSigner(field, person, sample.register.person(person).name)
        for field, person in zip((EMPLOYER, "manager"), people, strict=False)
    ]
    return asyncio.run(signed_at_portal(sample.office, pdf, users, profile=profile, at=datetime.now(UTC)))


def test_it_goes_out_comes_back_and_is_the_documents_file(sample: Sample) -> None:
    office = sample.office
    number, prepared = exported(sample)
    [told] = sample.records(number, "document_exported")
    assert (told["sha256"], told["bytes"]) == (sha256(prepared).hexdigest(), len(prepared))
    assert (
        outside_given.given_out(office, number, By(SIGNER)).pdf == prepared
    )  # again, for who brings it back
    again = outside_given.give(office, number, By(CLERK)).answer  # and for who gave it out, who is told so
    assert again is not None
    assert again.repeated
    with pytest.raises(Refused, match="paraaf exchange take"):
        sample.do("imported", SIGNER, number, facts={"signed_by": "Me", "signed_on": f"{sample.today}"})
    signed = portal(sample, prepared, SIGNER, level=Level.B_LTA)
    answer = outside_signed.take_signed(office, number, signed, By(SIGNER))
    [document] = sample.documents(number)
    digest = sha256(signed).hexdigest()
    assert (document.current_sha256, document.level_reached) == (digest, "B-LTA")
    assert document.rendered_sha256 == sha256(prepared).hexdigest()
    [row] = sample.signatures(number)
    assert (row.field, row.signer_id, row.signed_sha256) == (EMPLOYER, SIGNER, digest)
    [told] = sample.records(number, "document_imported")
    assert (told["fields"], told["level_asked"], told["level_reached"]) == ([EMPLOYER], "B-LT", "B-LTA")
    assert (told["indication"], told["signed_on"]) == ("TOTAL-PASSED", f"{sample.today}")
    body = json.loads(sample.rows(Body, Body.seq == told["seq"])[0].body)
    assert body["facts"]["signed_by"].startswith(sample.register.person(SIGNER).name)
    retaken = outside_signed.take_signed(office, number, signed, By(SIGNER))
    assert (retaken.event_seq, retaken.repeated, answer.repeated) == (answer.event_seq, True, False)
    asyncio.run(sample.run_steps(sample.waiting(number)))
    assert sample.request(number).state == "delivered"
    assert sample.rows(Delivery, Delivery.sha256 == digest)
    require_whole_log(sample)
    path = office.folder / "signed.pdf"
    path.write_bytes(signed)
    [report] = verify_sources(sources([path]), office.trust, now=office.clock(), traces=True)
    word = IssuedRegister(office.store, office.clock).word(report)
    assert word.standing is Standing.ISSUED
    assert [(each.field, each.kind, each.certificate_sha256) for each in word.expected] == [
        (EMPLOYER, "elsewhere", row.certificate_sha256)
    ]
    with office.store.read() as session:
        [shown] = evidence._documents(session, office.blobs, number)
    assert (shown.pdf, shown.delivered) == (signed, True)
    [case] = [
        case
        for case in cases_of(json.loads(each.record) for each in sample.rows(Event))
        if case.request == number
    ]
    assert case.documents_signed == 1
    Keeper(office.store).catch_up()
    with office.store.read() as session:
        [row] = Comparison.of(session, now=office.clock()).rows
    assert set(row.system_ms) == {"render", "export", "prepare", "validate", "store", "deliver"}
    assert (row.documents_per_s, row.lead_driven_by_program) == (None, True)  # none was signed here


def require_whole_log(sample: Sample) -> None:
    with sample.office.store.read() as session:
        report = verify(session)
    assert report.ok, report


def test_both_sign_a_temporary_contracts(sample: Sample) -> None:
    number, prepared = exported(sample, temporary=True)
    alone = portal(sample, prepared, SIGNER)
    with pytest.raises(ForeignSignatureRefusedError, match="'manager' is empty"):
        outside_signed.take_signed(sample.office, number, alone, By(SIGNER))
    swapped = portal(sample, prepared, MANAGER, SIGNER)
    with pytest.raises(ForeignSignatureRefusedError, match="not by") as caught:
        outside_signed.take_signed(sample.office, number, swapped, By(SIGNER))
    assert len(caught.value.differences) == 2
    both, by = portal(sample, prepared, SIGNER, MANAGER), By(SIGNER, key="ours")
    outside_signed.take_signed(sample.office, number, both, by)
    assert outside_signed.take_signed(sample.office, number, both, by).repeated
    with pytest.raises(KeyReused):  # another file under the same key was not taken in
        outside_signed.take_signed(sample.office, number, alone, by)
    rows = {row.field: row for row in sample.signatures(number)}
    assert {field: row.signer_id for field, row in rows.items()} == {EMPLOYER: SIGNER, "manager": MANAGER}
    assert rows[EMPLOYER].certificate_sha256 != rows["manager"].certificate_sha256
    require_whole_log(sample)


@dataclass(frozen=True)
class Out:
    """A request whose file is out, with what an honest portal made of it at B-LT."""

    number: int
    prepared: bytes
    honest: bytes


@pytest.fixture(scope="module")
def out(sample: Sample) -> Out:
    number, prepared = exported(sample)
    return Out(number, prepared, portal(sample, prepared, SIGNER))


def refused(sample: Sample, out: Out, pdf: bytes) -> tuple[str, ...]:
    """The differences that are told; and nothing has happened."""
    stored = len(list(sample.office.blobs.stored()))
    before = (sample.request(out.number).version, sample.documents(out.number)[0].current_sha256)
    with pytest.raises(ForeignSignatureRefusedError) as caught:
        outside_signed.take_signed(sample.office, out.number, pdf, By(SIGNER))
    after = (sample.request(out.number).version, sample.documents(out.number)[0].current_sha256)
    assert after == before
    assert not sample.signatures(out.number)
    assert len(list(sample.office.blobs.stored())) == stored
    return caught.value.differences


def test_bytes_of_another_file(sample: Sample, out: Out) -> None:
    number, other = exported(sample)
    [difference] = refused(sample, out, portal(sample, other, SIGNER))
    assert "not the file that was given out" in difference
    outside_signed.take_signed(sample.office, number, portal(sample, other, SIGNER), By(SIGNER))
    [replayed] = refused(sample, out, sample.office.blobs.get(sample.documents(number)[0].current_sha256))
    assert "not the file that was given out" in replayed
    changed = bytearray(out.honest)
    changed[len(out.prepared) // 2] ^= 1
    [difference] = refused(sample, out, bytes(changed))
    assert f"byte {len(out.prepared) // 2} is another one, and 1 of" in difference
    [difference] = refused(sample, out, out.prepared[:-1])
    assert "ends at byte" in difference


def test_an_earlier_version_of_the_same_document(sample: Sample) -> None:
    """Signed at the portal already when the signer returned it: what was corrected since is another file."""
    number, earlier = exported(sample)
    signed = portal(sample, earlier, SIGNER)
    sample.do("return", SIGNER, number, remark="The place is wrong.")
    with pytest.raises(NothingOutside):
        outside_signed.take_signed(sample.office, number, signed, By(SIGNER))
    asyncio.run(sample.run_until("export", number))
    later = outside_given.give(sample.office, number, By(CLERK)).pdf
    [difference] = refused(sample, Out(number, later, b""), signed)
    assert "not the file that was given out" in difference


def test_nobody_signed_it(sample: Sample, out: Out) -> None:
    [difference] = refused(sample, out, out.prepared)
    assert "nobody signed it" in difference
    assert len(refused(sample, out, out.prepared + b"\n")) >= 1


def test_one_byte_of_the_signature(sample: Sample, out: Out) -> None:
    broken = bytearray(out.honest)
    at = out.honest.index(b"/Contents <", len(out.prepared)) + 2_000
    broken[at] = ord("0") if broken[at] != ord("0") else ord("1")
    assert refused(sample, out, bytes(broken))


def edited(pdf: bytes, change: Any) -> bytes:
    """With one more revision, which changes what a function changes."""
    writer = IncrementalPdfFileWriter(BytesIO(pdf))
    change(writer)
    made = BytesIO()
    writer.write(made)
    return made.getvalue()


def another_text(writer: IncrementalPdfFileWriter) -> None:
    page = writer.root["/Pages"]["/Kids"][0].get_object()
    more = writer.add_object(generic.StreamObject(stream_data=b"BT /F1 12 Tf 72 72 Td (more) Tj ET"))
    there = page.raw_get("/Contents")
    page["/Contents"] = generic.ArrayObject([*(there if isinstance(there, list) else [there]), more])
    writer.update_container(page)


def another_title(writer: IncrementalPdfFileWriter) -> None:
    info = generic.DictionaryObject({generic.pdf_name("/Title"): generic.pdf_string("Other")})
    writer.set_info(writer.add_object(info))


def another_field(writer: IncrementalPdfFileWriter) -> None:
    append_signature_field(writer, SigFieldSpec("beside"))


def carelessly(sample: Sample, pdf: bytes, *fields: str) -> bytes:
    """Signed by a program that does not look what it signs."""
    profile = replace(sample.office.profiles["qualified-remote"], level=Level.B_LT)
    name = sample.register.person(SIGNER).name

    async def signed(pdf: bytes) -> bytes:
        async with sample.office.desk() as desk:
            for field in fields:
                signer = sample.office.keys().signer(
                    profile, person_id=SIGNER, person_name=name, organisation=None
                )
                finished = await desk.sign_document(
                    pdf,
                    field=field,
                    signer=signer,
                    profile=profile,
                    appearance=Appearance((name,)),
                    claimed_at=sample.office.clock(),
                )
                pdf = finished.pdf
        return pdf

    return asyncio.run(signed(pdf))


@pytest.mark.parametrize("change", [another_text, another_title])
def test_more_than_signatures_under_the_signature_or_behind_it(sample: Sample, out: Out, change: Any) -> None:
    """The signature under which a text was changed is a good one: it vouches for the changed text."""
    below = carelessly(sample, edited(out.prepared, change), EMPLOYER)
    assert below.startswith(out.prepared)
    assert any("changed" in one or "update_malformed" in one for one in refused(sample, out, below))
    behind = edited(out.honest, change)
    assert refused(sample, out, behind)


def test_who_how_and_where(sample: Sample, out: Out) -> None:
    [other] = refused(sample, out, portal(sample, out.prepared, OTHER_SIGNER))
    assert "not by" in other
    assert sample.register.person(OTHER_SIGNER).name in other
    [low] = refused(sample, out, portal(sample, out.prepared, SIGNER, level=Level.B_B))[-1:]
    assert "B-LT is asked" in low
    twice = carelessly(sample, edited(out.prepared, another_field), EMPLOYER, "beside")
    assert any("'beside', where nobody" in one for one in refused(sample, out, twice))
    beside = carelessly(sample, edited(out.prepared, another_field), "beside")
    assert any("'employer' is empty" in one for one in refused(sample, out, beside))


def with_profile(sample: Sample, **said: Any) -> Any:
    """The office under another profile for what is signed elsewhere."""
    office = sample.office
    profile = replace(office.profiles["elsewhere"], **said)
    signing = replace(office.signing, profiles={**office.signing.profiles, "elsewhere": profile})
    return replace(office, signing=signing)


def test_a_pinned_certificate_counts_and_the_name_no_more(sample: Sample, out: Out) -> None:
    office = with_profile(sample, pinned={SIGNER: frozenset(["0" * 64])})
    with pytest.raises(ForeignSignatureRefusedError, match="pinned"):
        outside_signed.take_signed(office, out.number, out.honest, By(SIGNER))


def test_namesakes_do_not_lose_the_certificates_that_are_pinned(
    sample: Sample, out: Out, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = sample.register.person(SIGNER).name
    monkeypatch.setattr(
        outside_signed, "_person", lambda *_: ("", name)
    )  # of several nobody can tell who it is
    office = with_profile(sample, pinned={SIGNER: frozenset(["0" * 64])})
    with pytest.raises(ForeignSignatureRefusedError, match="pinned"):
        outside_signed.take_signed(office, out.number, out.honest, By(SIGNER))


def test_a_minimum_of_the_kind_above_what_the_profile_expects(sample: Sample, out: Out) -> None:
    signing = replace(sample.office.signing, minimum={"employer_declaration": Level.B_LTA})
    with pytest.raises(ForeignSignatureRefusedError, match="B-LTA is asked"):
        outside_signed.take_signed(
            replace(sample.office, signing=signing), out.number, out.honest, By(SIGNER)
        )


def test_not_trusted(sample: Sample, out: Out, authority: DevelopmentAuthority) -> None:
    with pytest.raises(ForeignSignatureRefusedError, match="chain_unknown"):
        judge_signed_elsewhere(
            out.prepared,
            out.honest,
            expected=[ExpectedSigner(EMPLOYER, SIGNER, sample.register.person(SIGNER).name)],
            least=Level.B_LT,
            trust=authority.trust,
            now=sample.office.clock(),
        )


def test_who_may_not_bring_it(sample: Sample, out: Out) -> None:
    for who in (CLERK, MANAGER, OTHER_SIGNER):
        with pytest.raises(Refused):
            outside_signed.take_signed(sample.office, out.number, out.honest, By(who))
    requester = sample.request(out.number).requester_id
    people = (one for one in sample.register.people() if not one.duties and one.person_id != requester)
    stranger = next(one.person_id for one in people if one.manager_id not in (None, MANAGER))
    with pytest.raises(NotFound):
        outside_signed.take_signed(sample.office, out.number, out.honest, By(stranger))


def test_a_stop_before_the_transaction_leaves_it_as_it_was(
    sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that was removed meanwhile is not named; sent again, it is taken in."""
    number, prepared = exported(sample)
    out = Out(number, prepared, portal(sample, prepared, SIGNER))
    office, digest = sample.office, sha256(out.honest).hexdigest()
    before = sample.request(out.number).version
    with monkeypatch.context() as patch:
        patch.setattr(type(office.blobs), "put", lambda *_: digest)
        with pytest.raises(BlobError):
            outside_signed.take_signed(office, out.number, out.honest, By(SIGNER))
    assert sample.request(out.number).version == before
    assert not sample.signatures(out.number)
    assert not sample.records(out.number, "document_imported")
    require_whole_log(sample)
    substitute = By(OTHER_SIGNER, on_behalf_of=SIGNER)  # brings what the named one signed
    assert outside_signed.take_signed(office, out.number, out.honest, substitute).state == "delivering"
