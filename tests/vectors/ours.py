"""Files signed by our own desk, with the development PKI's server answering on loopback."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from certs.authority import DevelopmentAuthority
from certs.keystore import Credential
from signing.authorities import TimestampAuthority
from signing.composition import NewField
from signing.pades import SigningDesk, sign_pdf
from signing.profile import Level, Profile
from signing.signers import SoftwareSigner
from tests.signing_samples import add_fields


def sign_ours(
    authority: DevelopmentAuthority,
    pdf: bytes,
    signers: Sequence[tuple[str, Credential]],
    *,
    level: str,
    fields_first: bool = True,
) -> bytes:
    """Sign the named fields one after the other at a level; all fields are made before the first
    signature."""

    async def signed() -> bytes:
        profile = Profile(
            name="test",
            title="Test",
            kind="person",
            level=Level(level),
            timestampers=("development",),
            visible=False,
        )
        done = pdf
        if fields_first:
            names = [name for name, _ in signers] + (["archive-timestamp"] if level == "B-LTA" else [])
            done = add_fields(pdf, [NewField(name, label=name) for name in names])
        async with SigningDesk.open(
            trust=authority.trust,
            clock=lambda: datetime.now(UTC),
            timestamp_authorities=[TimestampAuthority("development", authority.tsa_url)],
        ) as desk:
            for name, credential in signers:
                finished = await sign_pdf(
                    desk,
                    done,
                    signer=SoftwareSigner(credential),
                    profile=profile,
                    claimed_at=datetime.now(UTC),
                    field=name,
                )
                done = finished.pdf
        return done

    return asyncio.run(signed())
