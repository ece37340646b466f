"""Universal forgery, wrapping, stripping, junk and spoofing: the signature's own dictionary and container.

Source: Mladenov and others, CCS 2019 (universal signature forgery, signature wrapping).
"""

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

from asn1crypto import cms, core
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name, pdf_string
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import SigSeedSubFilter

from tests.vectors.catalogue import EMPLOYER, MANAGER, Maker
from tests.vectors.handmade import Hand, by_hand, held_cms, recontained, stamped_by
from tests.vectors.rawupdates import FORGED_TEXT, appended, content_number, stream
from tests.vectors.stock import plain_pdf, update, with_fields
from tests.vectors.two_faced import body
from tests.vectors.vector import Vector, authentic, forged, named, remarked, table, unjudged

usf = table("universal signature forgery")
wrapping = table("signature wrapping")
stripped = table("stripped signature")
junk = table("junk")
spoofed = table("spoofed particulars")
container = table("wrong container")
_RANGE = re.compile(rb"/ByteRange ?\[(\d+) (\d+) (\d+) (\d+) *\]")


def _in_place(name: str, change: Callable[[re.Match[bytes]], bytes]) -> None:
    """A file with its stated byte range rewritten where it stands."""

    def make(maker: Maker) -> Vector:
        pdf = maker.signed("B-B")
        found = _RANGE.search(pdf)
        assert found is not None
        new = change(found)
        room = found.end() - found.start()
        assert len(new) <= room, (new, room)
        return forged(pdf[: found.start()] + new.ljust(room) + pdf[found.end() :])

    usf(named(f"byte_range_{name}", make))


_in_place("renamed", lambda found: found.group().replace(b"/ByteRange", b"/ByteRangX"))
_in_place("null", lambda found: b"/ByteRange null")
_in_place("empty", lambda found: b"/ByteRange []")
_in_place("of_zeros", lambda found: b"/ByteRange [0 0 0 0]")
_in_place("of_three", lambda found: b"/ByteRange [0 %b %b]" % found.group(2, 3))
_in_place("of_two", lambda found: b"/ByteRange [0 %b]" % found.group(2))
_in_place("of_six", lambda found: b"/ByteRange [0 9 9 9 9 9]")
_in_place("negative", lambda found: b"/ByteRange [0 %b %b -9]" % found.group(2, 3))
_in_place("beyond_the_end", lambda found: b"/ByteRange [0 %b %b 9999]" % found.group(2, 3))
_in_place("overlapping", lambda found: b"/ByteRange [0 %b 0 %b]" % found.group(2, 4))
_in_place("not_from_the_start", lambda found: b"/ByteRange [9 %b %b %b]" % found.group(2, 3, 4))
_in_place("of_names", lambda found: b"/ByteRange [/a /b /c /d]")
_in_place("of_reals", lambda found: b"/ByteRange [0 1.5 2.5 3.5]")
_in_place("too_short", lambda found: b"/ByteRange [0 %b %b 1]" % found.group(2, 3))


def _signature(pdf: bytes) -> int:
    """The object number of the first field's signature dictionary."""
    field = next(iter(PdfFileReader(io.BytesIO(pdf)).root["/AcroForm"]["/Fields"])).get_object()
    return int(field.raw_get("/V").idnum)


def _in_update(name: str, old: bytes, new: bytes) -> None:
    """A file whose signature dictionary is written anew behind it, with something missing or empty."""

    def make(maker: Maker) -> Vector:
        signed = maker.signed("B-B")
        written = body(signed, _signature(signed))
        changed = re.sub(old, new, written, flags=re.DOTALL)
        assert changed != written
        pdf = appended(signed, {_signature(signed): changed, content_number(signed): stream(FORGED_TEXT)})
        return forged(pdf)

    usf(named(f"update_{name}", make))


_in_update("without_a_byte_range", rb"/ByteRange ?\[.*?\]", b"")
_in_update("with_a_null_byte_range", rb"/ByteRange ?\[.*?\]", b"/ByteRange null")
_in_update("without_contents", rb"/Contents ?<.*?>", b"")
_in_update("with_null_contents", rb"/Contents ?<.*?>", b"/Contents null")
_in_update("with_empty_contents", rb"/Contents ?<.*?>", b"/Contents <>")
_in_update("with_contents_of_zeros", rb"/Contents ?<.*?>", b"/Contents <0000>")
_in_update("without_a_filter", rb"/Filter ?/[A-Za-z.]+", b"")


def _contents_replaced(name: str, change: Callable[[bytes], bytes], make_vector: Any) -> None:
    def make(maker: Maker) -> Vector:
        pdf = maker.signed("B-B")
        found = re.search(rb"/Contents ?<[0-9a-fA-F]+>", pdf)
        assert found is not None
        new = change(found.group())
        assert len(new) == len(found.group())
        return make_vector(pdf[: found.start()] + new + pdf[found.end() :])

    usf(named(f"contents_{name}", make))


def _unreadable(pdf: bytes) -> Vector:
    return unjudged(pdf, "file_unreadable")


_contents_replaced("renamed", lambda old: old.replace(b"/Contents", b"/Contentz"), forged)
_contents_replaced("of_zeros", lambda old: re.sub(rb"[0-9a-fA-F](?=[0-9a-fA-F]*>)", b"0", old), forged)
_contents_replaced("of_letters", lambda old: re.sub(rb"<..", b"<xy", old), _unreadable)
_contents_replaced("as_text", lambda old: old.replace(b"<", b"(").replace(b">", b")"), forged)


@usf
def update_without_a_format(maker: Maker) -> Vector:
    """Whatever it was, nobody can judge it any more."""
    signed = maker.signed("B-B")
    written = body(signed, _signature(signed)).replace(b"/SubFilter /ETSI.CAdES.detached", b"")
    pdf = appended(signed, {_signature(signed): written, content_number(signed): stream(FORGED_TEXT)})
    return unjudged(pdf, "format_unsupported")


# signature wrapping: a second range that leaves out more than the signature


def _wrapped(pdf: bytes, *, behind: bool = False, forge: bool = True) -> bytes:
    """The file with a replaced page and an index inside the gap, where the end's startxref still leads.

    The range that the covered part states leads to the old place of the second part; another one, in the gap,
    leads to where that was moved. What else is in the gap stands in a string.
    """
    found = _RANGE.search(pdf)
    assert found is not None
    start, end, rest = (int(number) for number in found.group(2, 3, 4))
    index = int(re.findall(rb"startxref\s+(\d+)", pdf)[-1])
    entries = dict(_entries(pdf[index:]))
    gap = b""
    for _ in range(2):  # the first time to learn the size
        size = len(gap)
        wrapper = b"/ByteRange [0 %d %d %d] " % (start, end + size, rest)
        page = end + len(wrapper) + len(b"/Junk (")
        shadow = b"%d 0 obj\n%b\nendobj\n" % (content_number(pdf), stream(FORGED_TEXT)) if forge else b""
        moved = {n: at + size if at >= end else at for n, at in entries.items()}
        moved |= {content_number(pdf): page} if forge else {}
        filling = (b"/Junk (" + shadow).ljust(index - end - (0 if behind else len(wrapper)))
        listed = b"".join(b"%d 1\n%010d 00000 n \n" % each for each in sorted(moved.items()))
        trailer = pdf[pdf.index(b"trailer", index) : pdf.index(b"startxref", index)]
        filling += b"xref\n0 1\n0000000000 65535 f \n" + listed + trailer + b")"
        gap = filling + b" " + wrapper if behind else wrapper + filling
    return pdf[:end] + gap + pdf[end:]


def _entries(table: bytes) -> Iterator[tuple[int, int]]:
    """Numbers and offsets of a cross-reference table's objects."""
    number = 0
    for line in table[: table.index(b"trailer")].splitlines()[1:]:
        words = line.split()
        if len(words) == 2:
            number = int(words[0])
        else:
            if words[2] == b"n":
                yield number, int(words[0])
            number += 1


@wrapping
def wrapped_with_a_second_range(maker: Maker) -> Vector:
    return forged(_wrapped(maker.signed("B-B")))


@wrapping
def wrapped_with_the_range_behind(maker: Maker) -> Vector:
    return forged(_wrapped(maker.signed("B-B"), behind=True))


@wrapping
def wrapped_around_nothing(maker: Maker) -> Vector:
    """The gap holds another index, but nothing is replaced."""
    return forged(_wrapped(maker.signed("B-B"), forge=False))


@wrapping
def gap_widened_over_the_text(maker: Maker) -> Vector:
    """The stated range leaves out what comes before the signature."""
    signed = maker.signed("B-B")
    found = _RANGE.search(signed)
    assert found is not None
    start = int(found.group(2)) - 100
    new = b"/ByteRange [0 %d %b %b]" % (start, *found.group(3, 4))
    return forged(signed[: found.start()] + new.ljust(found.end() - found.start()) + signed[found.end() :])


@wrapping
def attached_content(maker: Maker) -> Vector:
    """The CMS encloses the content that it signs: whatever the file says is not what the value covers."""
    hand = Hand(
        content=b"something else", message_digest=__import__("hashlib").sha256(b"something else").digest()
    )
    return forged(by_hand(plain_pdf(), maker.clerk, hand))


@wrapping
def two_signers_in_one(maker: Maker) -> Vector:
    return forged(by_hand(plain_pdf(), maker.clerk, Hand(signers=2)), "cms_unreadable", "cms_inconsistent")


@wrapping
def signature_of_another_file(maker: Maker) -> Vector:
    other = maker.stock.sign(plain_pdf("The employee earns 9,000 euro a month."), maker.clerk)
    return forged(recontained(other, held_cms(maker.signed("B-B"))), "digest_differs")


@wrapping
def fields_that_share_one_signature(maker: Maker) -> Vector:
    """The second field shows the first one's signature: the manager seems to have signed."""
    signed = maker.stock.sign(with_fields(plain_pdf(), EMPLOYER, MANAGER), maker.clerk)

    def change(writer: IncrementalPdfFileWriter) -> None:
        first, second = (each.get_object() for each in writer.root["/AcroForm"]["/Fields"])
        second[pdf_name("/V")] = first.raw_get("/V")
        writer.update_container(second)

    return forged(update(signed, change))


@wrapping
def signatures_exchanged(maker: Maker) -> Vector:
    made = with_fields(plain_pdf(), EMPLOYER, MANAGER)
    signed = maker.stock.sign(maker.stock.sign(made, maker.clerk), maker.manager, field="manager")

    def change(writer: IncrementalPdfFileWriter) -> None:
        first, second = (each.get_object() for each in writer.root["/AcroForm"]["/Fields"])
        there, here = first.raw_get("/V"), second.raw_get("/V")
        first[pdf_name("/V")], second[pdf_name("/V")] = here, there
        writer.update_container(first)
        writer.update_container(second)

    return forged(update(signed, change))


# stripped


def _fields(pdf: bytes, change: Callable[[Any, Any], None]) -> bytes:
    def changed(writer: IncrementalPdfFileWriter) -> None:
        form = writer.root["/AcroForm"]
        change(form, writer)
        writer.update_container(form)
        writer.update_container(form["/Fields"])

    return update(pdf, changed)


@stripped
def last_signature_cut_off(maker: Maker) -> Vector:
    """A shorter, valid file: what was left is what its signer signed; a register alone knows of the other."""
    made = with_fields(plain_pdf(), EMPLOYER, MANAGER)
    once = maker.stock.sign(made, maker.clerk)
    twice = maker.stock.sign(once, maker.manager, field="manager")
    return authentic(twice[: len(once)], "signature_field_empty")


@stripped
def last_signature_cut_in_half(maker: Maker) -> Vector:
    made = with_fields(plain_pdf(), EMPLOYER, MANAGER)
    once = maker.stock.sign(made, maker.clerk)
    twice = maker.stock.sign(once, maker.manager, field="manager")
    return unjudged(twice[: (len(once) + len(twice)) // 2], "file_truncated")


def _without_value(form: Any, writer: IncrementalPdfFileWriter) -> None:
    field = next(iter(form["/Fields"])).get_object()
    del field["/V"]
    writer.update_container(field)


@stripped
def value_taken_out(maker: Maker) -> Vector:
    pdf = _fields(maker.signed("B-B"), _without_value)
    return unjudged(pdf, "signature_unreachable", "signature_field_empty")


@stripped
def value_nulled(maker: Maker) -> Vector:
    def change(form: Any, writer: IncrementalPdfFileWriter) -> None:
        field = next(iter(form["/Fields"])).get_object()
        field[pdf_name("/V")] = generic.NullObject()
        writer.update_container(field)

    pdf = _fields(maker.signed("B-B"), change)
    return unjudged(pdf, "signature_unreachable", "signature_field_empty")


@stripped
def field_taken_out(maker: Maker) -> Vector:
    def change(form: Any, writer: IncrementalPdfFileWriter) -> None:
        form["/Fields"].clear()

    return unjudged(_fields(maker.signed("B-B"), change), "signature_unreachable")


@stripped
def field_made_a_button(maker: Maker) -> Vector:
    def change(form: Any, writer: IncrementalPdfFileWriter) -> None:
        field = next(iter(form["/Fields"])).get_object()
        field[pdf_name("/FT")] = pdf_name("/Btn")
        writer.update_container(field)

    return unjudged(_fields(maker.signed("B-B"), change), "signature_unreachable")


@stripped
def one_of_two_taken_out(maker: Maker) -> Vector:
    made = with_fields(plain_pdf(), EMPLOYER, MANAGER)
    twice = maker.stock.sign(maker.stock.sign(made, maker.clerk), maker.manager, field="manager")
    return forged(_fields(twice, _without_value), "signature_unreachable")


@stripped
def taken_out_and_signed_again(maker: Maker) -> Vector:
    """The clerk's signature is replaced by the manager's."""
    bare = _fields(maker.signed("B-B"), _without_value)
    return unjudged(maker.stock.sign(bare, maker.manager), "signature_unreachable")


@stripped
def timestamp_taken_out(maker: Maker) -> Vector:
    """Nothing shows it: a B-B file with room for more."""
    return authentic(by_hand(plain_pdf(), maker.clerk, Hand()))


# junk


@junk
def archive_behind(maker: Maker) -> Vector:
    """A file that is a ZIP archive too."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(zipfile.ZipInfo("other.txt"), "9,000 euro")
    return forged(maker.signed("B-B") + out.getvalue(), "bytes_after_end")


@junk
def pdf_behind(maker: Maker) -> Vector:
    other = plain_pdf("The employee earns 9,000 euro a month.")
    return forged(maker.signed("B-B") + other)


@junk
def page_description_behind(maker: Maker) -> Vector:
    return forged(maker.signed("B-B") + b"<script>9,000 euro</script>\n", "bytes_after_end")


@junk
def end_marker_again(maker: Maker) -> Vector:
    return forged(maker.signed("B-B") + b"%%EOF\n", "update_malformed")


@junk
def nuls_behind(maker: Maker) -> Vector:
    return forged(maker.signed("B-B") + b"\0" * 1000, "bytes_after_end")


@junk
def junk_before_the_head(maker: Maker) -> Vector:
    return unjudged(b"junk\n" + maker.signed("B-B"), "file_unreadable")


@junk
def head_of_another_kind_before(maker: Maker) -> Vector:
    return unjudged(b"GIF89a" + maker.signed("B-B"), "file_unreadable")


# particulars


@spoofed
def reason_changed_in_place(maker: Maker) -> Vector:
    signed = maker.stock.sign(plain_pdf(), maker.clerk, reason="I have read this")
    pdf = signed.replace(b"I have read this", b"I approve this. ")
    assert pdf != signed
    return forged(pdf, "digest_differs")


def _particular(name: str, key: bytes, value: bytes) -> None:
    """The signature dictionary written anew with another reason, say, around the same signature."""

    def make(maker: Maker) -> Vector:
        signed = maker.stock.sign(plain_pdf(), maker.clerk, reason="I have read this")
        written = body(signed, _signature(signed))
        kept = re.sub(rb"/%b ?\(.*?\)" % key, b"", written, flags=re.DOTALL)
        changed = kept.rstrip()[:-2] + b"/%b (%b) >>" % (key, value)
        return forged(appended(signed, {_signature(signed): changed}))

    spoofed(named(f"{name}_spoofed", make))


_particular("reason", b"Reason", b"I approve this")
_particular("location", b"Location", b"The Hague")
_particular("name", b"Name", b"The mayor")
_particular("date", b"M", b"D:20200101000000Z")


@spoofed
def certified_afterwards(maker: Maker) -> Vector:
    """An approval is made out to be a certification."""
    signed = maker.signed("B-B")

    def change(writer: IncrementalPdfFileWriter) -> None:
        field = next(iter(writer.root["/AcroForm"]["/Fields"])).get_object()
        permissions = generic.DictionaryObject({pdf_name("/DocMDP"): field.raw_get("/V")})
        writer.root[pdf_name("/Perms")] = permissions
        writer.update_root()

    return forged(update(signed, change), "changed_after_signing")


@spoofed
def signer_named_otherwise(maker: Maker) -> Vector:
    """The field says another name; the certificate has the last word."""
    signed = maker.signed("B-B")

    def change(writer: IncrementalPdfFileWriter) -> None:
        field = next(iter(writer.root["/AcroForm"]["/Fields"])).get_object()
        field[pdf_name("/TU")] = pdf_string("Signature of the mayor")
        writer.update_container(field)

    return forged(update(signed, change), "changed_after_signing")


# the CMS


@container
def signature_value_changed(maker: Maker) -> Vector:
    pdf = maker.signed("B-B")
    value = cms.ContentInfo.load(held_cms(pdf))["content"]["signer_infos"][0]["signature"].native
    changed = held_cms(pdf).replace(value, value[:-1] + bytes([value[-1] ^ 1]))
    return forged(recontained(pdf, changed), "signature_value_wrong")


@container
def digest_attribute_of_something_else(maker: Maker) -> Vector:
    return forged(by_hand(plain_pdf(), maker.clerk, Hand(message_digest=bytes(32))), "digest_differs")


@container
def content_type_wrong(maker: Maker) -> Vector:
    return forged(by_hand(plain_pdf(), maker.clerk, Hand(content_type="signed_data")))


@container
def other_certificate_named(maker: Maker) -> Vector:
    """The signed attribute names another certificate than the one that verifies the value."""
    pdf = by_hand(plain_pdf(), maker.clerk, Hand(certificate_named=maker.manager))
    return unjudged(pdf, "signature_unreadable")


@container
def signer_not_enclosed(maker: Maker) -> Vector:
    pdf = by_hand(plain_pdf(), maker.clerk, Hand(enclosed=(maker.authority.issuing,)))
    return unjudged(pdf, "cms_inconsistent", "signature_unreadable")


@container
def signed_attributes_missing(maker: Maker) -> Vector:
    """PAdES asks for them; without, nothing says with which certificate it was signed."""
    return remarked(by_hand(plain_pdf(), maker.clerk, Hand(signed_attributes=False)), "certificate_not_named")


@container
def certificate_not_named(maker: Maker) -> Vector:
    return remarked(by_hand(plain_pdf(), maker.clerk, Hand(names_certificate=False)), "certificate_not_named")


@container
def certificate_not_named_in_the_older_format(maker: Maker) -> Vector:
    """Honest: nobody asked for it then."""
    pdf = by_hand(
        plain_pdf(),
        maker.clerk,
        Hand(names_certificate=False),
        subfilter=SigSeedSubFilter.ADOBE_PKCS7_DETACHED,
    )
    return authentic(pdf, "not_pades")


@container
def certificate_enclosed_twice(maker: Maker) -> Vector:
    """Honest: a library that signs at remote providers does so, and it says nothing more than once."""
    enclosed = (maker.clerk.certificate, maker.clerk.certificate, maker.authority.issuing)
    return authentic(by_hand(plain_pdf(), maker.clerk, Hand(enclosed=enclosed)))


@container
def unrelated_attribute_attached(maker: Maker) -> Vector:
    stamped = stamped_by(maker.stock.timestamper())

    def unsigned(value: bytes) -> list[cms.CMSAttribute]:
        more = cms.CMSAttribute({"type": "1.2.3.4.5", "values": [core.UTF8String("paid")]})
        return [*stamped(value), more]

    pdf = by_hand(plain_pdf(), maker.clerk, Hand(unsigned=unsigned))
    return remarked(pdf, "unsigned_attribute_unknown")


@container
def format_of_another_kind(maker: Maker) -> Vector:
    """A timestamp token where a signature should be."""
    token = held_cms(maker.stock.stamp(plain_pdf()))
    return forged(recontained(by_hand(plain_pdf(), maker.clerk, Hand()), token), "cms_unreadable")


@container
def contents_broken_off(maker: Maker) -> Vector:
    pdf = maker.signed("B-B")
    return forged(recontained(pdf, held_cms(pdf)[:200]), "cms_unreadable")
