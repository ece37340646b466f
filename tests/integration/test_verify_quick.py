"""The quick look clears what the whole validation calls authentic, says the same of it, and nothing else.

PARAAF_CAMPAIGN multiplies the number of changes of single bytes.
"""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.generic import pdf_name, pdf_string
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from certs import der
from certs.authority import DevelopmentAuthority
from certs.hosts import AllowedHosts
from certs.serve_authority import AuthorityServer
from certs.trust import TrustStore, load_trust
from certs.trusted_lists import load_trusted_lists
from documents.kinds import KINDS
from documents.render import SAMPLE_NOTE, SignatureSlot, render
from signing.pades import SigningDesk
from signing.profile import Level
from signing.verify import quick as quick_look
from signing.verify.bulk import verify_paths
from signing.verify.limits import Limits
from signing.verify.quick import Quick
from signing.verify.report import Report, Verdict
from signing.verify.seams import cut
from signing.verify.shapes import Stamp
from signing.verify.trust import Trust, TrustMaterial
from signing.verify.verdict import EMPTY, verify_pdf
from tests.campaign import times
from tests.earlier import FOLDER as LAYOUTS
from tests.integration.test_verify_hostile import field_tree
from tests.signing_samples import open_desk, signed
from tests.trusted_lists import WITHDRAWN, Entry, Lists, Sample, issued_with, statements
from tests.vectors.catalogue import trust_of
from tests.vectors.pki import Branch
from tests.vectors.rawupdates import (
    FORGED_TEXT,
    Place,
    Shape,
    appended,
    content_number,
    other_document,
    stream,
)
from tests.vectors.stock import update

pytestmark = pytest.mark.slow
SEED = 20261125


class Looks:
    """A quick look and the whole validation under one trust at one time."""

    def __init__(self, store: TrustStore, at: datetime) -> None:
        self.at = at
        self.material = TrustMaterial.of(store)
        self.trust = Trust(self.material)
        self.quick = Quick(self.material, at)

    def whole(self, pdf: bytes) -> Report:
        return verify_pdf(pdf, trust=self.trust, now=self.at)

    def learn(self, pdf: bytes) -> Report:
        report = self.whole(pdf)
        self.quick.learn(pdf, report)
        return report

    def clears(self, pdf: bytes) -> Report | None:
        """What the quick look says; where it clears, the whole validation says the same."""
        report = self.quick.clear(pdf, "")
        if report is not None:
            assert not report.whole
            assert same(report) == same(self.whole(pdf))
        return report


def same(report: Report) -> Report:
    """What both say: the quick look draws no pages."""
    return replace(report, duration_us=0, whole=True, pages_compared=None)


def declaration(name: str, *, slots: int = 1) -> bytes:
    kind = KINDS["employer_declaration"]
    return render(
        kind.name,
        kind.example(),
        number=f"2026-{name}",
        verification_code="AAAA-BBBB",
        issued_on=date(2026, 11, 20),
        valid_until=None,
        slots=[SignatureSlot(each) for each in ("employer", "manager")[:slots]],
        archive_timestamp=True,
        verify_url=None,
        note=SAMPLE_NOTE,
    )


@pytest.fixture(scope="module")
def papers(authority: DevelopmentAuthority, authority_server: AuthorityServer) -> dict[str, list[bytes]]:
    """Two files of each level, of different people; and two that two people signed."""

    async def made() -> dict[str, list[bytes]]:
        found: dict[str, list[bytes]] = {}
        async with open_desk(authority) as desk:
            people = [
                authority.person(f"q-{number}", name, now=datetime.now(UTC))
                for number, name in enumerate(("Anna Voorbeeld", "Bram Verzonnen"))
            ]
            for level in Level:
                found[level.value] = [
                    await signed(desk, who, level, pdf=declaration(f"00000{number}"))
                    for number, who in enumerate(people)
                ]
            twice = []
            for number in range(2):
                once = await signed(
                    desk, people[number], Level.B_LT, pdf=declaration(f"00001{number}", slots=2)
                )
                twice.append(await signed(desk, people[1 - number], Level.B_LTA, pdf=once, field="manager"))
            found["two signers"] = twice
        return found

    return asyncio.run(made())


@pytest.fixture(scope="module")
def looks(authority: DevelopmentAuthority, papers: dict[str, list[bytes]]) -> Looks:
    at = datetime.now(UTC)
    looks = Looks(trust_of(authority, at), at)
    for first, _ in papers.values():
        assert looks.learn(first).verdict is Verdict.AUTHENTIC
    return looks


KINDS_OF_PAPERS = (*(level.value for level in Level), "two signers")


@pytest.mark.parametrize("kind", KINDS_OF_PAPERS)
def test_the_next_file_of_a_form_is_cleared_with_the_same_report(
    kind: str, looks: Looks, papers: dict[str, list[bytes]]
) -> None:
    report = looks.clears(papers[kind][1])
    assert report is not None
    assert report.verdict is Verdict.AUTHENTIC
    first = looks.clears(papers[kind][0])
    assert first is not None
    assert first.signatures[0].signer != report.signatures[0].signer


def test_a_certificate_of_a_shorter_serial_number_makes_no_other_form(
    authority: DevelopmentAuthority, papers: dict[str, list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One in 128 serial numbers of 159 random bits takes a byte less."""

    async def made() -> bytes:
        async with open_desk(authority) as desk:
            return await signed(desk, who, Level.B_B, pdf=declaration("000009"))

    with monkeypatch.context() as patched:
        patched.setattr(x509, "random_serial_number", lambda: int.from_bytes(b"\x51" * 19))
        who = authority.person("q-short", "Cora Kortgetal", now=datetime.now(UTC))
    pdf, at = asyncio.run(made()), datetime.now(UTC)
    looks = Looks(trust_of(authority, at), at)
    looks.learn(papers["B-B"][0])
    assert looks.clears(pdf) is not None


def attacked(pdf: bytes) -> dict[str, bytes]:
    """A signed file of ours after attacks: within the slots of the quick look, and outside of them."""
    first, content = Place.behind(pdf).size, content_number(pdf)
    begin = pdf.index(b"stream\n", pdf.index(b"\n%d 0 obj\n" % content)) + len(b"stream\n")
    value = pdf.index(b"/Contents <") + len(b"/Contents <")
    day = pdf.index(b"/M (D:") + len(b"/M (D:")
    shadow = b"%d 0 obj\n%b\nendobj\n" % (content, stream(FORGED_TEXT))
    return {
        "the page's content": _with(pdf, begin + 30, b"\x55"),
        "the page's content, all of it": _with(pdf, begin, bytes(40)),
        "the signature": _with(pdf, value, pdf[value + 8000 : value + 8064]),
        "when it says that it was signed": _with(pdf, day, b"2025"),
        "another catalog": appended(pdf, other_document(first), Shape(root=first)),
        "another content for the page": appended(pdf, {content: stream(FORGED_TEXT)}),
        "an object that nothing lists": appended(pdf, {first: b"<< /A 1 >>"}, Shape(hidden=shadow)),
        "without the signatures": pdf[: pdf.index(b"%%EOF") + len(b"%%EOF\n")],
    }


def _with(pdf: bytes, place: int, other: bytes) -> bytes:
    return pdf[:place] + other + pdf[place + len(other) :]


def test_no_attack_on_a_file_whose_form_is_known_is_cleared() -> None:
    """The vectors themselves have no form: libraries write them in ways that the quick look leaves alone."""
    looks = Looks(
        load_trust([LAYOUTS / "trust"]), datetime.fromisoformat((LAYOUTS / "at").read_text().strip())
    )
    files = {path.stem: path.read_bytes() for path in LAYOUTS.glob("*.pdf")}
    for pdf in files.values():
        assert looks.learn(pdf).verdict is Verdict.AUTHENTIC
        assert looks.quick.clear(pdf, "") is not None
    cleared = [
        (name, attack)
        for name, pdf in files.items()
        for attack, forged in attacked(pdf).items()
        if looks.quick.clear(forged, "") is not None
    ]
    assert cleared == []
    for attack, forged in attacked(files["now_b_lt"]).items():
        assert looks.whole(forged).verdict is not Verdict.AUTHENTIC, attack


@pytest.mark.parametrize(
    "earlier_by",
    [
        (timedelta(0), timedelta(minutes=2)),  # the archive timestamp is older than the signature's own
        (timedelta(hours=2), timedelta(0)),  # the signature's own is older than the authority
    ],
)
def test_timestamps_out_of_order_are_not_cleared(
    earlier_by: tuple[timedelta, timedelta],
    looks: Looks,
    papers: dict[str, list[bytes]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pdf = papers["B-LTA"][1]
    assert looks.quick.clear(pdf, "") is not None
    real, left = quick_look.cut_stamp, list(earlier_by)

    def moved(content: bytes) -> Stamp:
        stamp = real(content)
        return replace(stamp, at=stamp.at - left.pop(0))

    monkeypatch.setattr(quick_look, "cut_stamp", moved)
    assert looks.quick.clear(pdf, "") is None
    assert left == []


def test_a_file_that_says_it_was_signed_later_is_not_cleared(
    looks: Looks, papers: dict[str, list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing proves the time of a B-B file; that of the others is proven."""
    monkeypatch.setattr("signing.verify.inspection.CLAIMED_AHEAD", timedelta(days=-1))
    assert looks.quick.clear(papers["B-B"][1], "") is None
    assert looks.quick.clear(papers["B-T"][1], "") is not None


@pytest.mark.parametrize("kind", KINDS_OF_PAPERS)
def test_a_file_with_another_byte_is_not_cleared(
    kind: str, looks: Looks, papers: dict[str, list[bytes]]
) -> None:
    pdf = papers[kind][1]
    assert looks.quick.clear(pdf, "") is not None
    beginnings = [each for each in looks.quick._beginnings if pdf.startswith(each.data)]
    assert cut(pdf, beginnings[0]) == cut(pdf)
    chance = random.Random(f"{SEED} {kind}")  # noqa: S311 (repeatable places, no secret)
    signed_end = pdf.rfind(b"/ByteRange")
    places = [chance.randrange(len(pdf)) for _ in range(times(300))]
    places += [chance.randrange(pdf.find(b"%%EOF"), signed_end) for _ in range(times(300))]
    places += [chance.randrange(signed_end, len(pdf)) for _ in range(times(300))]
    cleared = []
    for place in places:
        changed = bytes([pdf[place] ^ (1 << chance.randrange(8))])
        if looks.quick.clear(pdf[:place] + changed + pdf[place + 1 :], "") is not None:
            cleared.append((place, changed))
    assert cleared == [], f"seed {SEED}"


def swapped(here: bytes, there: bytes, mark: bytes) -> bytes:
    """A file with the last container of another one."""
    begin, end = here.rfind(mark), here.find(b">", here.rfind(mark))
    other, stop = there.rfind(mark), there.find(b">", there.rfind(mark))
    return here[:begin] + there[other:stop].ljust(end - begin, b"0")[: end - begin] + here[end:]


def _retitled(writer: IncrementalPdfFileWriter) -> None:
    info = writer.trailer["/Info"]
    info[pdf_name("/Title")] = pdf_string("Another title")
    writer.update_container(info)


FORGED: dict[str, Callable[[list[bytes]], bytes]] = {
    "another file's signature": lambda files: swapped(files[1], files[0], b"/Contents <"),
    "a title changed afterwards": lambda files: update(files[1], _retitled),
    "white space and an object": lambda files: files[1] + b"\n99 0 obj\n<<>>\nendobj\n",
    "a byte behind the end": lambda files: files[1] + b"x",
    "cut off": lambda files: files[1][:-40],
}


@pytest.mark.parametrize("forgery", FORGED)
@pytest.mark.parametrize("kind", KINDS_OF_PAPERS)
def test_a_forgery_is_not_cleared(
    kind: str, forgery: str, looks: Looks, papers: dict[str, list[bytes]]
) -> None:
    assert looks.quick.clear(FORGED[forgery](papers[kind]), "") is None


def test_nobody_is_cleared_whose_certificate_was_revoked(
    authority: DevelopmentAuthority, papers: dict[str, list[bytes]], tmp_path: Path
) -> None:
    """A revocation list that came after the answer in the file, given with --trust."""

    async def made() -> list[bytes]:
        async with open_desk(authority) as desk:
            return [
                await signed(desk, who, Level.B_LT, pdf=declaration(f"00002{number}"))
                for number, who in enumerate((good, gone))
            ]

    good = authority.person("q-good", "Cleo Voorbeeld", now=datetime.now(UTC))
    gone = authority.person("q-gone", "Dirk Voorbeeld", now=datetime.now(UTC))
    files = asyncio.run(made())
    at = datetime.now(UTC)
    authority.revoke(gone.certificate.serial_number, at=at - timedelta(minutes=30))
    looks = Looks(trust_of(authority, at), at)
    assert looks.learn(files[0]).verdict is Verdict.AUTHENTIC
    assert looks.clears(files[0]) is not None
    assert looks.quick.clear(files[1], "") is None
    assert looks.whole(files[1]).verdict is not Verdict.AUTHENTIC


def without(pdf: bytes, certificate: x509.Certificate) -> bytes:
    """A signed file whose container leaves a certificate out, which nothing signs."""
    begin = pdf.rfind(b"/Contents <") + len(b"/Contents <")
    end = pdf.index(b">", begin)
    raw = bytes.fromhex(pdf[begin:end].decode())
    kind, wrapped = der.children(raw, der.node(raw))
    (signed_data,) = der.children(raw, wrapped)
    *before, enclosed, behind = der.children(raw, signed_data)
    kept = [der.whole(raw, each) for each in der.children(raw, enclosed)]
    kept.remove(certificate.public_bytes(Encoding.DER))
    parts = [*(der.whole(raw, each) for each in before), der.tlv(0xA0, *kept), der.whole(raw, behind)]
    info = der.sequence(der.whole(raw, kind), der.tlv(0xA0, der.sequence(*parts)))
    return pdf[:begin] + info.hex().encode().ljust(end - begin, b"0") + pdf[end:]


def test_nobody_is_cleared_whose_issuer_came_with_another_file() -> None:
    """Near's certificate is at hand; Far's came with the first of Bram's two files, and not with the next."""
    at = datetime.now(UTC)
    root = Branch.root("Root", at - timedelta(days=30))
    near, far = root.below("Near"), root.below("Far")
    lists = tuple(each.crl(at) for each in (root, near, far))
    store = TrustStore((root.authority.certificate,), (near.authority.certificate,), lists)

    async def made() -> list[bytes]:
        async with SigningDesk.open(trust=store, clock=lambda: at, timestamp_authorities=[]) as desk:
            people = near.issue("Anna Voorbeeld"), near.issue("Cleo Voorbeeld"), far.issue("Bram Verzonnen")
            return [await signed(desk, who, Level.B_B, pdf=declaration("000030")) for who in people]

    annas, cleos, brams = asyncio.run(made())
    looks = Looks(store, at)
    assert looks.learn(brams).verdict is Verdict.AUTHENTIC
    assert looks.learn(without(annas, near.authority.certificate)).verdict is Verdict.AUTHENTIC
    assert looks.clears(without(cleos, near.authority.certificate)) is not None
    alone = without(brams, far.authority.certificate)
    assert looks.whole(alone).verdict is not Verdict.AUTHENTIC
    assert looks.quick.clear(alone, "") is None


def test_after_a_certificate_ended_nothing_is_cleared(
    authority: DevelopmentAuthority, papers: dict[str, list[bytes]]
) -> None:
    at = datetime.now(UTC) + timedelta(days=4000)
    looks = Looks(trust_of(authority, datetime.now(UTC)), at)
    looks.learn(papers["B-LT"][0])
    assert looks.quick.clear(papers["B-LT"][1], "") is None


def test_a_form_that_would_be_told_otherwise_is_forgotten(
    authority: DevelopmentAuthority, papers: dict[str, list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    at = datetime.now(UTC)
    looks = Looks(trust_of(authority, at), at)
    monkeypatch.setattr(quick_look, "_text", lambda _text: "something else")
    looks.learn(papers["B-LT"][0])
    monkeypatch.undo()
    assert looks.quick.clear(papers["B-LT"][1], "") is None
    looks.learn(papers["B-LT"][0])
    assert looks.quick.clear(papers["B-LT"][1], "") is None


def test_in_the_fence_the_report_says_which_was_done(
    authority: DevelopmentAuthority, papers: dict[str, list[bytes]], tmp_path: Path
) -> None:
    paths = []
    for number, pdf in enumerate([*papers["B-LTA"], *papers["B-LTA"]]):
        paths.append(tmp_path / f"{number}.pdf")
        paths[-1].write_bytes(pdf)
    at = datetime.now(UTC)
    trust = trust_of(authority, at)
    found = list(verify_paths(paths, trust, now=at, quick=True))
    assert [report.whole for report in found] == [True, False, False, False]
    assert [same(report) for report in found] == [
        same(report) for report in verify_paths(paths, trust, now=at)
    ]


def test_a_file_that_ends_the_process_costs_those_handed_over_with_it_nothing(
    authority: DevelopmentAuthority, papers: dict[str, list[bytes]], tmp_path: Path
) -> None:
    """It takes two processes to their ends, of up to two seconds each: once among others, once by itself."""
    for number, pdf in enumerate([*papers["B-B"] * 2, field_tree(), *papers["B-B"] * 2]):
        (tmp_path / f"{number}.pdf").write_bytes(pdf)
    at = datetime.now(UTC)
    trust, limits = trust_of(authority, at), Limits(cpu_s=2)
    found = list(verify_paths([tmp_path], trust, now=at, quick=True, limits=limits))
    assert [Path(report.name).stem for report in found] == [str(number) for number in range(9)]
    assert [finding.code for finding in found.pop(4).findings] == ["reading_stopped"]
    assert {report.verdict for report in found} == {Verdict.AUTHENTIC}
    (first, second) = ({same(replace(report, name="")) for report in found[start::2]} for start in (0, 1))
    assert len(first) == len(second) == 1


def test_what_only_proof_of_existence_keeps_is_not_cleared(
    authority: DevelopmentAuthority, papers: dict[str, list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    at = datetime.now(UTC)
    looks = Looks(trust_of(authority, at), at)
    looks.learn(papers["B-LT"][0])
    for known in looks.quick._certificates.values():
        known.strengths.clear()
    monkeypatch.setattr(quick_look, "ends_at", lambda means, path: at)
    assert looks.quick.clear(papers["B-LT"][0], "") is None


def test_with_somebody_to_ask_every_file_gets_the_whole_validation(
    authority: DevelopmentAuthority, papers: dict[str, list[bytes]], tmp_path: Path
) -> None:
    paths = [tmp_path / f"{number}.pdf" for number in range(2)]
    for path, pdf in zip(paths, papers["B-LT"], strict=True):
        path.write_bytes(pdf)
    at = datetime.now(UTC)
    nobody = AllowedHosts.parse(["ocsp.example"])  # whom these files do not name
    found = verify_paths(paths, trust_of(authority, at), now=at, quick=True, online=nobody)
    assert {report.whole for report in found} == {True}


def listed(
    authority: DevelopmentAuthority, folder: Path, at: datetime, *services: Sample, missing: str = ""
) -> TrustStore:
    """Nobody is trusted by name, but by a trusted list."""
    lists = Lists.make(at).of("XA", *services)
    written = lists.write(folder, lambda files: files.pop(missing, None) and None)
    return TrustStore(crls=trust_of(authority, at).crls, lists=load_trusted_lists(written, now=at))


@pytest.mark.parametrize("kind", ["B-B", "B-LT", "two signers"])
def test_who_is_trusted_by_a_list_is_cleared_with_the_same_report(
    kind: str, authority: DevelopmentAuthority, papers: dict[str, list[bytes]], tmp_path: Path
) -> None:
    """Of one country no list can be used."""
    at = datetime.now(UTC)
    service = Sample(authority.root, (Entry(at - timedelta(days=400)),))
    looks = Looks(listed(authority, tmp_path, at, service, missing="xb.xml"), at)
    first, second = papers[kind]
    assert looks.learn(first).verdict is Verdict.AUTHENTIC
    report = looks.clears(second)
    assert report is not None
    assert {finding.code for finding in report.findings} - {EMPTY} == {"trusted_lists_unused"}


def test_each_certificate_gets_its_own_qualified_status(
    authority: DevelopmentAuthority, authority_server: AuthorityServer, tmp_path: Path
) -> None:
    """Alike but for their dates: the service was granted between the two."""
    at = datetime.now(UTC)

    async def made() -> list[bytes]:
        async with open_desk(authority) as desk:
            return [
                await signed(
                    desk,
                    issued_with(
                        authority, "Quirijn Voorbeeld", now=at - timedelta(days=days), qc=statements()
                    ),
                    Level.B_B,
                    pdf=declaration("000040"),
                )
                for days in (1, 30)
            ]

    new, old = asyncio.run(made())
    service = Sample(
        authority.root, (Entry(at - timedelta(days=9)), Entry(at - timedelta(days=99), WITHDRAWN))
    )
    looks = Looks(listed(authority, tmp_path, at, service), at)
    assert looks.learn(new).verdict is Verdict.AUTHENTIC
    found = [looks.clears(pdf) for pdf in (new, old)]
    assert [report and report.signatures[0].qualified.qualified for report in found] == ["QES", "AdES"]


def test_nobody_is_cleared_whose_listed_issuer_had_lost_its_standing(
    authority: DevelopmentAuthority, papers: dict[str, list[bytes]], tmp_path: Path
) -> None:
    """The service was withdrawn at the very moment that the second file's timestamp states."""

    async def made() -> bytes:
        async with open_desk(authority) as desk:
            who = authority.person("q-0", "Anna Voorbeeld", now=datetime.now(UTC))
            return await signed(desk, who, Level.B_T, pdf=declaration("000001"))

    def stamped_at(pdf: bytes) -> datetime:
        now = datetime.now(UTC)
        moment = Looks(trust_of(authority, now), now).whole(pdf).signatures[0].proven_at
        assert moment is not None
        return moment

    earlier = papers["B-T"][0]
    while datetime.now(UTC) < stamped_at(earlier) + timedelta(seconds=1):
        time.sleep(0.1)  # timestamps state whole seconds
    later, at = asyncio.run(made()), datetime.now(UTC)
    withdrawn_at = stamped_at(later)
    entries = (Entry(withdrawn_at, WITHDRAWN), Entry(at - timedelta(days=400)))
    looks = Looks(listed(authority, tmp_path, at, Sample(authority.root, entries)), at)
    assert looks.learn(earlier).verdict is Verdict.AUTHENTIC
    assert looks.clears(earlier) is not None
    assert looks.whole(later).sub_indication == "NO_CERTIFICATE_CHAIN_FOUND_NO_POE"
    assert looks.quick.clear(later, "") is None
