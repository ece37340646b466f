"""`sign_pdf` on PDFs from elsewhere: it finds or makes the field, and refuses what must not be signed."""

import asyncio
from io import BytesIO
from typing import Any

import pypdfium2
import pytest
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from certs.authority import DevelopmentAuthority
from certs.serve_authority import AuthorityServer
from signing.composition import NewField
from signing.errors import DocumentRefusedError, FieldError
from signing.pades import Finished, sign_pdf
from signing.profile import Level
from signing.signers import SoftwareSigner
from tests.integration.test_signing_stock import loaded
from tests.signing_samples import (
    add_fields,
    form_pdf,
    now,
    open_desk,
    plain_pdf,
    profile,
    signature_fields,
    writer_of,
    written,
)


def sign(authority: DevelopmentAuthority, pdf: bytes, level: Level = Level.B_B, **more: Any) -> Finished:
    credential = authority.person("e-13", "Zoë Voorbeeld", now=now())

    async def opened() -> Finished:
        async with open_desk(authority) as desk:
            return await sign_pdf(
                desk,
                pdf,
                signer=SoftwareSigner(credential),
                profile=profile(level),
                claimed_at=now(),
                role="Signer",
                **more,
            )

    return asyncio.run(opened())


SOURCES = {
    "plain": plain_pdf(),
    "with a form": form_pdf(("employer",), archive=False),
    "cross-reference streams": form_pdf(("employer",), archive=False, stream_xrefs=True),
    "no form, cross-reference streams": written(writer_of(plain_pdf(), stream_xrefs=True)),
}


@pytest.mark.parametrize("level", list(Level))
@pytest.mark.parametrize("name", SOURCES)
def test_any_ordinary_pdf_is_signed_at_every_level(
    authority: DevelopmentAuthority, authority_server: AuthorityServer, name: str, level: Level
) -> None:
    source = SOURCES[name]
    finished = sign(authority, source, level)
    assert finished.level_reached is level
    assert finished.pdf.startswith(source)
    reader = PdfFileReader(BytesIO(finished.pdf))
    (signature,) = reader.embedded_regular_signatures
    status = asyncio.run(
        async_validate_pdf_signature(signature, ValidationContext(trust_roots=[loaded(authority.root)]))
    )
    assert status.bottom_line
    assert len(reader.embedded_timestamp_signatures) == (1 if level is Level.B_LTA else 0)


def test_a_visible_field_is_made_and_its_stamp_is_seen(
    authority: DevelopmentAuthority, authority_server: AuthorityServer
) -> None:
    source = plain_pdf()
    field = NewField("board", page=1, box=(72, 72, 300, 150), label="The board")
    pdf = sign(authority, source, new_field=field).pdf
    (found,) = signature_fields(pdf)
    assert (found.name, found.page, found.signed, found.visible) == ("board", 1, True, True)
    assert ink(pdf, field.box) > 500
    assert ink(source, field.box) == 0


def ink(pdf: bytes, box: tuple[float, float, float, float] | None) -> int:
    """How many pixels of the second page are not white within the box."""
    assert box is not None
    document = pypdfium2.PdfDocument(pdf)
    document.init_forms()
    image = document[1].render(scale=2, may_draw_forms=True).to_pil().convert("L")
    left, bottom, right, top = (int(2 * value) for value in box)
    part = image.crop((left, image.height - top, right, image.height - bottom))
    document.close()
    return sum(part.histogram()[:200])


def test_the_field_may_be_named_and_must_be_when_there_are_several(
    authority: DevelopmentAuthority, authority_server: AuthorityServer
) -> None:
    with pytest.raises(FieldError, match="several empty signature fields: employer, manager"):
        sign(authority, form_pdf())
    once = sign(authority, form_pdf(), field="manager").pdf
    twice = sign(authority, once).pdf
    assert {field.name: field.signed for field in signature_fields(twice)} == {
        "employer": True,
        "manager": True,
        "archive-timestamp": False,
    }
    with pytest.raises(FieldError, match="no signature field 'boss'"):
        sign(authority, form_pdf(), field="boss")


def test_a_signed_pdf_without_a_free_field_is_not_signed_again(
    authority: DevelopmentAuthority, authority_server: AuthorityServer
) -> None:
    once = sign(authority, plain_pdf()).pdf
    with pytest.raises(DocumentRefusedError, match="signed already"):
        sign(authority, once)


def test_fields_added_beforehand_are_signed_one_after_the_other(
    authority: DevelopmentAuthority, authority_server: AuthorityServer
) -> None:
    prepared = add_fields(plain_pdf(), [NewField("first"), NewField("second"), NewField("archive-timestamp")])
    once = sign(authority, prepared, Level.B_LTA, field="first").pdf
    twice = sign(authority, once, Level.B_LTA, field="second").pdf
    reader = PdfFileReader(BytesIO(twice))
    root = loaded(authority.root)
    for signature in reader.embedded_regular_signatures:
        status = asyncio.run(async_validate_pdf_signature(signature, ValidationContext(trust_roots=[root])))
        assert status.bottom_line
        assert status.docmdp_ok
    assert len(reader.embedded_timestamp_signatures) == 2
