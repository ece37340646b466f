"""Renewed files, of either layout, as EU DSS, Poppler, OpenSSL, qpdf and veraPDF see them."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from certs.authority import DevelopmentAuthority
from certs.loopback import free_base_url
from signing.profile import Level
from signing.verify.verdict import verify_pdf
from tests.earlier import signed_before
from tests.eudss import Asked, Said, eudss
from tests.renewal_office import DAY, Clock, answering, new_stamper
from tests.signing_samples import open_desk, profile, signed
from tests.witness_files import rendered
from tests.witnesses import POPPLER_VALID, OpenSsl, poppler, qpdf_faults, verapdf

pytestmark = [pytest.mark.witness, pytest.mark.slow]


@dataclass(frozen=True)
class Renewed:
    """A file before and after its renewal."""

    before: Path
    after: Path


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> DevelopmentAuthority:
    """A PKI of its own: its timestamp authority gets new certificates."""
    clock = Clock(timedelta(hours=-1))
    return DevelopmentAuthority.create(
        tmp_path_factory.mktemp("pki") / "authority", base_url=free_base_url(), now=clock()
    )


@pytest.fixture(scope="module")
def renewed(authority: DevelopmentAuthority, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Renewed]:
    folder, clock = tmp_path_factory.mktemp("renewed"), Clock()
    person = authority.person("r-1", "Zoë Voorbeeld", now=clock())
    paper = rendered("declaration", archive_timestamp=True)

    async def sign() -> dict[str, bytes]:
        async with open_desk(authority) as desk:
            return {
                "now": await signed(desk, person, Level.B_LTA, pdf=paper),
                "before": await signed_before(desk, paper, person, Level.B_LTA),
            }

    async def renew(pdf: bytes) -> bytes:
        async with open_desk(authority) as desk:
            return (await desk.renew(pdf, profile=profile(Level.B_LTA))).pdf

    new_stamper(authority.folder, clock, days=30)
    with answering(authority.folder, clock):
        files = asyncio.run(sign())
    new_stamper(authority.folder, clock, days=3000)
    made = {}
    with answering(authority.folder, clock):
        for name, pdf in files.items():
            made[name] = Renewed(folder / f"{name}.pdf", folder / f"{name}-renewed.pdf")
            made[name].before.write_bytes(pdf)
            made[name].after.write_bytes(asyncio.run(renew(pdf)))
    (folder / "trust").mkdir()
    (folder / "trust" / "root.pem").write_bytes(authority.root_pem)
    return made


def test_eu_dss_calls_renewed_files_b_lta_and_passes_them_for_years(
    renewed: dict[str, Renewed], tmp_path: Path
) -> None:
    """Also those of the layout before, which are B-T to it without."""
    trust = renewed["now"].before.parent / "trust"
    paths = [path for each in renewed.values() for path in (each.before, each.after)]
    clock = Clock()

    def said(at_day: int) -> dict[str, Said]:
        return {
            path.stem: word
            for path, word in eudss([Asked(trust, clock() + at_day * DAY, paths)], tmp_path).items()
        }

    today, later = said(0), said(40)
    assert {name: (word.indication, word.signatures[0].level) for name, word in today.items()} == {
        "now": ("TOTAL-PASSED", "B-LTA"),
        "now-renewed": ("TOTAL-PASSED", "B-LTA"),
        "before": ("TOTAL-PASSED", "B-T"),
        "before-renewed": ("TOTAL-PASSED", "B-LTA"),
    }
    # by its default policy it doesn't mind that an archive timestamp's authority has ended meanwhile; we do
    assert {word.indication for name, word in later.items() if "renewed" in name} == {"TOTAL-PASSED"}


def test_we_say_the_same_for_years(renewed: dict[str, Renewed], authority: DevelopmentAuthority) -> None:
    for each in renewed.values():
        for at_day, before in ((0, True), (40, False)):
            at = Clock()() + at_day * DAY
            assert verify_pdf(each.before.read_bytes(), trust=authority.trust, now=at).passed is before
            assert verify_pdf(each.after.read_bytes(), trust=authority.trust, now=at).passed


def test_poppler_openssl_qpdf_and_verapdf_find_nothing_wrong(
    renewed: dict[str, Renewed], authority: DevelopmentAuthority, tmp_path: Path
) -> None:
    root = renewed["now"].before.parent / "trust" / "root.pem"
    for each in renewed.values():
        seen = poppler(each.after)
        assert [one.field for one in seen] == ["employer", "archive-timestamp", "archive-timestamp-2"]
        assert seen[0].validation == POPPLER_VALID
        assert [one.whole_file for one in seen] == [False, False, True]
        assert OpenSsl(tmp_path, root).faults(each.after.read_bytes()) == []
        assert qpdf_faults(each.after) == ""
    verdicts = verapdf([each.after for each in renewed.values()])
    assert [verdict for verdict in verdicts.values() if not verdict["passed"]] == []
