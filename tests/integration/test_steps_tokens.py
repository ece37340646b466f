"""An office whose seal is in a token: a step waits for a token that is out, and for whoever mends a PIN."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from certs.serve_authority import AuthorityServer
from signing.pkcs11 import open_signer
from tests.softhsm import SoftHsm, SoftToken, end_module
from tests.steps_office import CLERK, Sample
from workflow.outcomes import Verdict

pytestmark = pytest.mark.slow
SECRET = "00-geheim-00"


@pytest.fixture
def sample(tmp_path: Path) -> Iterator[Sample]:
    sample = Sample.open(tmp_path)
    with AuthorityServer(sample.office.authority.folder):
        yield sample
    sample.office.close()


@pytest.fixture
def token(sample: Sample, softhsm: SoftHsm) -> SoftToken:
    """A token with the office's seal, in use."""
    made = softhsm.token("seal")
    uri = made.uri(made.key_of_kind("P-256", sample.office.authority))
    sample.office.special["seal"] = open_signer(uri, chain=made.chain_file(sample.office.authority))
    return made


@pytest.fixture
def number(sample: Sample, token: SoftToken) -> int:
    """A request whose next step is to seal."""
    number = sample.submit("A4")
    asyncio.run(sample.run_until("sealing", number))
    return number


def finish(sample: Sample, number: int) -> None:
    asyncio.run(sample.work())
    sample.require_finished([number])
    [signature] = sample.signatures(number)
    assert signature.value is not None


def test_a_step_waits_for_a_token_that_is_out(sample: Sample, number: int, token: SoftToken) -> None:
    away = token.folder / "away"
    shutil.move(token.store, away)
    try:
        [outcome] = asyncio.run(sample.run_steps())
    finally:
        shutil.move(away, token.store)
    assert (outcome.verdict, outcome.code) == (Verdict.RETRY, "signing-token-unavailable")
    assert [row.value for row in sample.signatures(number)] == [None]
    sample.require_sound([number])
    finish(sample, number)


def test_a_wrong_pin_waits_for_a_repair_and_is_kept_nowhere(
    sample: Sample, number: int, token: SoftToken, tmp_path: Path
) -> None:
    token.pin_file.write_text(SECRET)
    end_module()
    asyncio.run(sample.work())
    [incident] = sample.incidents(number)
    assert incident.code == "signing-token-pin"
    assert sample.request(number).state == "sealing"
    kept = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert SECRET.encode() not in kept
    token.pin_file.write_text(token.pin)
    sample.do("repair", CLERK, number)
    finish(sample, number)
