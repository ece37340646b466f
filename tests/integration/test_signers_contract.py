"""What every signer keeps to: each level with each kind of key, as we and others see it; many at a time."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from certs.authority import DevelopmentAuthority
from certs.serve_authority import AuthorityServer
from certs.trust import TrustStore
from signing.belonging import require_value
from signing.pades import Finished, SigningDesk
from signing.profile import Level
from signing.signers import Signer
from signing.stamp import Appearance
from signing.verify.report import Indication, Role
from signing.verify.verdict import verify_pdf
from tests.signers import CASES, SIGNERS, Holders
from tests.signing_samples import form_pdf, now, open_desk, profile
from tests.witnesses import POPPLER_NO_ED25519, POPPLER_VALID, OpenSsl, poppler


@pytest.fixture
def holders(
    request: pytest.FixtureRequest, authority: DevelopmentAuthority, authority_server: AuthorityServer
) -> Holders:
    return Holders(request, authority)


@pytest.fixture
def signer(request: pytest.FixtureRequest, holders: Holders) -> Signer:
    name, key_type = request.param
    return SIGNERS[name](holders, key_type)


@pytest.fixture(scope="module")
def trust(authority: DevelopmentAuthority) -> TrustStore:
    """The root and both revocation lists, without which B-B and B-T are indeterminate."""
    lists = tuple(authority.crl(issuer, now()) for issuer in ("root", "issuing"))
    return replace(authority.trust, crls=lists)


async def signed(desk: SigningDesk, signer: Signer, level: Level) -> Finished:
    appearance = Appearance.of(
        name="Zoë Voorbeeld", role="Signer", claimed_at=now(), level=level, certificate=signer.certificate
    )
    return await desk.sign_document(
        form_pdf(),
        field="employer",
        signer=signer,
        profile=profile(level),
        appearance=appearance,
        claimed_at=now(),
    )


@pytest.mark.witness
@pytest.mark.slow
@pytest.mark.parametrize("signer", CASES, indirect=True, ids="-".join)
def test_each_level_is_reached_and_verifies(
    signer: Signer,
    authority: DevelopmentAuthority,
    trust: TrustStore,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    async def sign_all() -> list[Finished]:
        async with open_desk(authority) as desk:
            return [await signed(desk, signer, level) for level in Level]

    root, file = tmp_path / "root.pem", tmp_path / "signed.pdf"
    root.write_bytes(authority.root_pem)
    openssl = OpenSsl(tmp_path, root)
    unable = "Ed25519" in request.node.name
    for level, finished in zip(Level, asyncio.run(sign_all()), strict=True):
        assert finished.level_reached is level
        report = verify_pdf(finished.pdf, trust=trust, now=now())
        assert report.indication is Indication.PASSED, (level, report.sentence)
        [ours] = [each for each in report.signatures if each.role is not Role.TIMESTAMP]
        assert ours.level == level
        file.write_bytes(finished.pdf)
        expected = POPPLER_NO_ED25519 if unable else POPPLER_VALID
        assert poppler(file)[0].validation == expected
        assert openssl.faults(finished.pdf) == []


@pytest.mark.parametrize(("name", "key_type"), [(name, "P-256") for name in SIGNERS])
def test_eight_at_a_time_five_times_over(
    name: str, key_type: str, holders: Holders, authority: DevelopmentAuthority
) -> None:
    signer = SIGNERS[name](holders, key_type)

    async def sign_all() -> None:
        async with open_desk(authority) as desk:
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
    signer = SIGNERS[name](holders, "P-256")
    issuers = [each.public_bytes(Encoding.DER) for each in signer.chain]
    own = [holders.authority.issuing, holders.authority.root]
    assert issuers == [each.public_bytes(Encoding.DER) for each in own]
