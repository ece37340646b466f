"""What the sample people give out and take in: the provider's portal between is played here, too.

The portal signs with the people's development keys, and knows of the office nothing but the file.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from io import BytesIO
from typing import TYPE_CHECKING

from pypdfium2 import PdfDocument  # type: ignore[import-untyped]

from cli.sample_office import SampleOffice
from signing.outside import ExpectedSigner
from signing.pades import sign_pdf
from signing.profile import Level, Profile
from signing.scans import matched, read_scan
from workflow import outside_given, outside_scans, outside_signed
from workflow.outside import By

if TYPE_CHECKING:
    from workflow.office import Office  # a second to import, which help and wrong calls need not wait for

AT_PORTAL = "qualified-remote"


async def exchange(office: "Office", sample: SampleOffice) -> None:
    """Give out what waits to go out, have signed and take in what waits to come back."""
    for who, item, file in sample.to_exchange:
        by = By(who, item.on_behalf_of, channel="program")
        if file == "scan":
            pdf = outside_given.given_out(office, item.request_id, by).pdf
            [scan], _ = matched(await asyncio.to_thread(read_scan, scanned_in(pdf)))
            await asyncio.to_thread(outside_scans.take_scan, office, scan, by)
            continue
        if file == "given":
            outside_given.give(office, item.request_id, by)
            continue
        prepared = outside_given.given_out(office, item.request_id, by).pdf
        people = outside_signed.who_signs(office, item.request_id, by)
        profile = replace(office.profiles[AT_PORTAL], level=Level.B_LTA)
        signed = await signed_at_portal(office, prepared, people, profile=profile, at=office.clock())
        outside_signed.take_signed(office, item.request_id, signed, by)


def scanned_in(pdf: bytes) -> bytes:
    """The printed and signed pages as a scanner gives them: pictures, a little askew."""
    pages = [
        page.render(scale=2.1).to_pil().convert("L").rotate(0.6, expand=True, fillcolor=255)
        for page in PdfDocument(pdf)
    ]
    made = BytesIO()
    pages[0].save(made, "TIFF", save_all=True, append_images=pages[1:], compression="tiff_lzw")
    return made.getvalue()


async def signed_at_portal(
    office: "Office", pdf: bytes, people: Sequence[ExpectedSigner], *, profile: Profile, at: datetime
) -> bytes:
    """The file with everybody's signature, one after another, at the profile's level."""
    keys, theirs = office.keys(), replace(profile, signers={})  # the portal has keys of its own
    async with office.desk() as desk:
        for one in people:
            signer = keys.signer(theirs, person_id=one.person, person_name=one.name, organisation=None)
            finished = await sign_pdf(
                desk, pdf, signer=signer, profile=profile, claimed_at=at, field=one.field
            )
            pdf = finished.pdf
    return pdf
