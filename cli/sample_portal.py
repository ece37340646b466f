"""A provider's portal as `paraaf demo` plays it: it gets a prepared file, and gives it back signed.

It signs with the sample people's development keys, and knows of the office nothing but the file.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from signing.pades import sign_pdf
from signing.profile import Profile

if TYPE_CHECKING:
    from workflow.office import Office  # a second to import, which help and wrong calls need not wait for


@dataclass(frozen=True)
class PortalUser:
    """Somebody with an account there, and the field that they sign."""

    field: str
    person_id: str
    name: str


async def signed_at_portal(
    office: "Office", pdf: bytes, users: Sequence[PortalUser], *, profile: Profile, at: datetime
) -> bytes:
    """The file with everybody's signature, one after another, at the profile's level."""
    async with office.desk() as desk:
        for user in users:
            signer = office.keys().signer(
                profile, person_id=user.person_id, person_name=user.name, organisation=None
            )
            finished = await sign_pdf(
                desk, pdf, signer=signer, profile=profile, claimed_at=at, field=user.field
            )
            pdf = finished.pdf
    return pdf
