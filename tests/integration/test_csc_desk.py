"""Documents signed with a key at a remote provider are as good as any other, one by one and as a batch."""

import asyncio
from collections.abc import Sequence

import pytest

from certs.authority import DevelopmentAuthority
from certs.serve_authority import AuthorityServer
from signing.csc import CscSigner, hash_to_sign
from signing.errors import PreparedMismatchError
from signing.pades import SigningDesk
from signing.prepared import Prepared
from signing.profile import Level
from signing.signers import Signer, SoftwareSigner
from signing.verify.verdict import verify_pdf
from tests.csc_office import PERSON, PIN, Office, an_office
from tests.signing_samples import form_pdf, now, open_desk, profile
from tests.vectors.catalogue import trust_of

SOURCE = form_pdf(("employer",), archive=False)


async def prepared(desk: SigningDesk, signer: Signer, level: Level, source: bytes = SOURCE) -> Prepared:
    return await desk.prepare(
        source,
        field="employer",
        signer=signer,
        profile=profile(level),
        appearance=None,
        claimed_at=now(),
    )


async def allowed(office: Office, credential_id: str, wanted: Sequence[Prepared]) -> CscSigner:
    """A signer for all that a person has authorised with one PIN."""
    digest = wanted[0].digest_algorithm
    to_sign = [hash_to_sign(one.signed_attributes, digest) for one in wanted]
    authorisation = await office.client.authorise(credential_id, to_sign, digest=digest, pin=PIN)
    await office.client.sign_hashes(authorisation, to_sign)
    return CscSigner(office.client, authorisation.credential, authorisation)


@pytest.mark.parametrize("credential_id", ["", "pin", "rsa"], ids=["software", "remote-ec", "remote-rsa"])
@pytest.mark.parametrize("level", [Level.B_B, Level.B_LTA])
def test_every_signer_gives_a_signature_that_verifies(
    authority: DevelopmentAuthority, authority_server: AuthorityServer, level: Level, credential_id: str
) -> None:
    source = form_pdf(("employer",), archive=level is Level.B_LTA)

    async def sign() -> bytes:
        async with open_desk(authority) as desk, an_office(authority) as office:
            signer: Signer = SoftwareSigner(authority.person(PERSON, "Bram Voorbeeld", now=now()))
            if credential_id:
                signer = CscSigner(office.client, await office.client.credential(credential_id))
            made = await prepared(desk, signer, level, source)
            if credential_id:
                signer = await allowed(office, credential_id, [made])
            value = await desk.sign(source, made, signer)
            finished = await desk.finish(source, made, value, profile=profile(level))
            assert finished.level_reached is level
            return finished.pdf

    report = verify_pdf(asyncio.run(sign()), trust=trust_of(authority, now()), now=now())
    assert (report.indication, report.findings) == ("TOTAL-PASSED", ())
    assert report.signatures[0].level == level


def test_a_batch_of_documents_takes_one_word_and_one_call(
    authority: DevelopmentAuthority, authority_server: AuthorityServer
) -> None:
    sources = [form_pdf(("employer",), archive=False) for _ in range(3)]

    async def sign() -> list[bytes]:
        async with open_desk(authority) as desk, an_office(authority) as office:
            before = CscSigner(office.client, await office.client.credential("pin"))
            made = [await prepared(desk, before, Level.B_B, source) for source in sources]
            signer = await allowed(office, "pin", made)
            both = list(zip(sources, made, strict=True))
            values = await asyncio.gather(*(desk.sign(source, one, signer) for source, one in both))
            assert len(office.calls("credentials/authorize")) == 1
            assert len(office.calls("signatures/signHash")) == 1
            return [
                (await desk.finish(source, one, value, profile=profile(Level.B_B))).pdf
                for (source, one), value in zip(both, values, strict=True)
            ]

    for pdf in asyncio.run(sign()):
        assert verify_pdf(pdf, trust=trust_of(authority, now()), now=now()).indication == "TOTAL-PASSED"


def test_what_was_prepared_for_another_key_is_not_signed(
    authority: DevelopmentAuthority, authority_server: AuthorityServer
) -> None:
    async def sign() -> None:
        async with open_desk(authority) as desk, an_office(authority) as office:
            made = await prepared(
                desk, CscSigner(office.client, await office.client.credential("pin")), Level.B_B
            )
            other = CscSigner(office.client, await office.client.credential("rsa"))
            with pytest.raises(PreparedMismatchError, match="another certificate"):
                await desk.sign(SOURCE, made, other)

    asyncio.run(sign())
