"""docs/how-to/sign-elsewhere.md and sign-on-paper.md: what people are told to type works, as it stands there.

The request's number and the days are those of the test; every other word is typed as it stands there.
"""

import asyncio
import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from certs.serve_authority import AuthorityServer
from cli.sample_exchange import AT_PORTAL, scanned_in, signed_at_portal
from signing.outside import ExpectedSigner
from signing.profile import Level
from tests.command_line import Said, Terminal
from tests.steps_office import SIGNER, Sample

pytestmark = pytest.mark.slow
GUIDES = Path(__file__).resolve().parents[2] / "docs" / "how-to"
_TYPED = re.compile(r"(?:^ +|`)(paraaf [a-z]+ [^`\n]+)", re.MULTILINE)
_DAY = re.compile(r"\b20\d\d-\d\d-\d\d\b")


@pytest.fixture
def sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, migrated_file: Path) -> Iterator[Sample]:
    """The office is the folder `data` of the folder in which all is typed."""
    data = tmp_path / "data"
    data.mkdir()
    (data / migrated_file.name).write_bytes(migrated_file.read_bytes())
    monkeypatch.chdir(tmp_path)
    made = Sample.open(data)
    with AuthorityServer(made.office.authority.folder):
        yield made
    made.office.close()


def typed(sample: Sample, terminal: Terminal, guide: str, number: int) -> Iterator[tuple[str, Said]]:
    """Type one command after the other; what was said, before the next is typed."""
    text = (GUIDES / guide).read_text(encoding="utf-8")
    for line in _TYPED.findall(text):
        command = _DAY.sub(sample.today.isoformat(), re.sub(r"\b12\b", str(number), line))
        yield line, terminal(*shlex.split(command)[1:])


def test_what_is_signed_elsewhere(sample: Sample, capsys: pytest.CaptureFixture[str]) -> None:
    number, said = sample.submit("A2"), []
    asyncio.run(sample.run_until("export", number))
    for line, answer in typed(sample, Terminal(Path("data"), capsys), "sign-elsewhere.md", number):
        assert answer.status == 0, (line, answer)
        said.append(answer.out)
        if len(said) == 1:
            Path("declaration-signed.pdf").write_bytes(at_the_portal(sample, Path("declaration.pdf")))
    gave, took, copied = said
    assert gave.startswith("declaration.pdf: document ")
    assert f"Request {number}: the signed file was taken in. State delivering" in took
    assert "the signed file." in copied
    assert Path("signed.pdf").read_bytes() == Path("declaration-signed.pdf").read_bytes()


def at_the_portal(sample: Sample, pdf: Path) -> bytes:
    office, person = sample.office, sample.register.person(SIGNER)
    signer = ExpectedSigner("employer", SIGNER, person.name)
    profile = replace(office.profiles[AT_PORTAL], level=Level.B_LT)
    made = signed_at_portal(office, pdf.read_bytes(), [signer], profile=profile, at=datetime.now(UTC))
    return asyncio.run(made)


def test_what_is_signed_on_paper(sample: Sample, capsys: pytest.CaptureFixture[str]) -> None:
    number, said = sample.submit("A0"), []
    asyncio.run(sample.run_until("printing", number))
    for line, answer in typed(sample, Terminal(Path("data"), capsys), "sign-on-paper.md", number):
        assert answer.status == (2 if line == "paraaf verify copy.pdf" else 0), (line, answer)
        said.append(answer.out)
        if len(said) == 1:
            Path("scans").mkdir()
            Path("scans/a.tiff").write_bytes(scanned_in(Path("declaration.pdf").read_bytes()))
    assert sample.request(number).state == "delivered"
    assert "a sealed copy of the scan is kept." in said[3]
    assert "not an electronic signature of the signer." in said[5]
    assert "In the register: the kept scan, under the office's seal" in said[6]
    assert len(said) == 7
