"""What every signer keeps to: each level with each kind of key, as we and others see it; many at a time.

The files are made once, and EU DSS is asked about all in one go: `test_witness_eudss`.
"""

import asyncio
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from certs.authority import DevelopmentAuthority
from certs.serve_authority import AuthorityServer
from signing.belonging import require_value
from signing.errors import UnsupportedKeyError
from signing.profile import Level
from signing.verify.report import Indication, Role
from signing.verify.verdict import verify_pdf
from tests.signers import CASES, NAMES, SIGNERS, Case, Holders
from tests.signing_samples import form_pdf, now, open_desk, profile
from tests.witness_files import Matrix
from tests.witnesses import POPPLER_NO_ED25519, POPPLER_VALID, OpenSsl, poppler


@pytest.fixture
def holders(
    request: pytest.FixtureRequest,
    authority: DevelopmentAuthority,
    authority_server: AuthorityServer,
    tmp_path: Path,
) -> Holders:
    return Holders(
        authority,
        tmp_path,
        lambda: request.getfixturevalue("soft_token"),
        lambda: request.getfixturevalue("provider_of_keys"),
    )


@pytest.mark.witness
@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=str)
def test_each_level_is_reached_and_verifies(matrix: Matrix, case: Case, tmp_path: Path) -> None:
    openssl = OpenSsl(tmp_path, matrix.root)
    for file in matrix.signed_by(case):
        report = verify_pdf(file.pdf, trust=matrix.trust, now=now())
        assert report.indication is Indication.PASSED, (file.path.name, report.sentence)
        [ours] = [each for each in report.signatures if each.role is not Role.TIMESTAMP]
        assert ours.level == file.level
        theirs = poppler(file.path)[0]
        assert theirs.validation == (POPPLER_NO_ED25519 if case.key_type == "Ed25519" else POPPLER_VALID)
        assert theirs.signer == f"{NAMES[case.holder]} (development)"
        assert openssl.faults(file.pdf) == []


@pytest.mark.parametrize("name", SIGNERS)
def test_eight_at_a_time_five_times_over(name: str, holders: Holders) -> None:
    signer = holders.open(Case(name))

    async def sign_all() -> None:
        async with open_desk(holders.authority) as desk:
            prepared = await desk.prepare(
                source := form_pdf(),
                field="employer",
                signer=signer,
                profile=profile(Level.B_B),
                appearance=None,
                claimed_at=now(),
            )
            for _ in range(5):
                values = await asyncio.gather(*(desk.sign(source, prepared, signer) for _ in range(8)))
                for value in values:
                    require_value(prepared, value)

    asyncio.run(sign_all())


@pytest.mark.parametrize("name", SIGNERS)
def test_the_chain_leads_to_the_root(name: str, holders: Holders) -> None:
    signer = holders.open(Case(name))
    issuers = [each.public_bytes(Encoding.DER) for each in signer.chain]
    own = [holders.authority.issuing, holders.authority.root]
    assert issuers == [each.public_bytes(Encoding.DER) for each in own]


def test_no_hash_is_sent_to_a_provider_for_a_key_that_signs_none(holders: Holders) -> None:
    """Ed25519 in CMS signs the attributes themselves: `CANT`."""
    signer = holders.open(Case("csc", "Ed25519"))

    async def sign() -> None:
        with pytest.raises(UnsupportedKeyError, match="does not sign as it is signed here"):
            await signer.sign(b"signed attributes", "sha512")

    asyncio.run(sign())
