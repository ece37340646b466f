"""An office whose seal is in a token: a step waits for a token that is out, and for whoever mends a PIN."""

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from certs.authority import DevelopmentAuthority
from certs.serve_authority import AuthorityServer
from tests.softhsm import SoftHsm, SoftToken, end_module
from tests.steps_office import CLERK, Sample
from workflow.outcomes import Verdict

pytestmark = pytest.mark.slow
SECRET = "00-geheim-00"


SIGNING = """
trust = ["root.pem"]
[signers.seal]
type = "pkcs11"
uri = "{uri}"
chain = "chain.pem"
[profiles.organisation-seal]
kind = "seal"
level = "B-LTA"
timestampers = ["development"]
signer = "seal"
"""


@pytest.fixture
def token(softhsm: SoftHsm, authority: DevelopmentAuthority) -> SoftToken:
    """A token with the office's seal."""
    made = softhsm.token("seal")
    made.key_of_kind("P-256", authority)
    return made


@pytest.fixture
def sample(
    tmp_path: Path, token: SoftToken, authority: DevelopmentAuthority, authority_server: AuthorityServer
) -> Iterator[Sample]:
    """An office whose `signing.toml` names that seal."""
    (tmp_path / "root.pem").write_bytes(authority.root_pem)
    (tmp_path / "chain.pem").write_bytes(token.chain_file(authority).read_bytes())
    (tmp_path / "signing.toml").write_text(SIGNING.format(uri=token.uri("P-256")))
    sample = Sample.open(tmp_path)
    with AuthorityServer(sample.office.authority.folder):
        yield sample
    sample.office.close()


@pytest.fixture
def number(sample: Sample) -> int:
    """A request whose next step is to seal."""
    return at_sealing(sample)


def finish(sample: Sample, number: int) -> None:
    asyncio.run(sample.work())
    sample.require_finished([number])
    [signature] = sample.signatures(number)
    assert signature.value is not None


def at_sealing(sample: Sample) -> int:
    number = sample.submit("A4")
    asyncio.run(sample.run_until("sealing", number))
    return number


@contextmanager
def removed(token: SoftToken) -> Iterator[None]:
    away = token.folder / "away"
    shutil.move(token.store, away)
    try:
        yield
    finally:
        shutil.move(away, token.store)


def test_a_step_waits_for_a_token_that_is_out(sample: Sample, number: int, token: SoftToken) -> None:
    """Out when the worker begins, and out when it has signed with it before."""
    second = at_sealing(sample)

    async def run() -> None:
        async with sample.office.steps() as steps:
            with removed(token):
                [outcome] = await steps.run(sample.waiting(number))
            assert (outcome.verdict, outcome.code) == (Verdict.RETRY, "signing-token-unavailable")
            assert sample.signatures(number) == []
            [outcome] = await steps.run(sample.waiting(number))
            assert outcome.verdict is Verdict.DONE
            with removed(token):
                [outcome] = await steps.run(sample.waiting(second))
            assert (outcome.verdict, outcome.code) == (Verdict.RETRY, "signing-token-unavailable")
            assert [row.value for row in sample.signatures(second)] == [None]

    asyncio.run(run())
    sample.require_sound([number, second])
    finish(sample, second)


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
