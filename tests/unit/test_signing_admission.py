"""Which PDFs may be signed, and how the others are refused; fields added before the first signature."""

from collections.abc import Callable
from io import BytesIO

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader

from signing.admission import check_fit, check_may_sign
from signing.composition import NewField
from signing.errors import DocumentRefusedError, FieldError
from signing.opened import OpenedPdf, signature_fields
from signing.pades import add_fields
from tests.signing_samples import changed_pdf, form_pdf, plain_pdf, writer_of, written


def dictionary(**entries: generic.PdfObject) -> generic.DictionaryObject:
    made = generic.DictionaryObject()
    for key, value in entries.items():
        made[pdf_name(f"/{key}")] = value
    return made


def action(kind: str) -> generic.DictionaryObject:
    return dictionary(S=pdf_name(kind), JS=generic.TextStringObject("app.alert(1)"))


def on_a_page(kind: str) -> bytes:
    writer = writer_of(plain_pdf())
    page = writer.find_page_for_modification(0)[0].get_object()
    page[pdf_name("/AA")] = dictionary(O=writer.add_object(dictionary(S=pdf_name(kind))))
    return written(writer)


def xfa() -> bytes:
    return changed_pdf("/AcroForm", dictionary(Fields=generic.ArrayObject(), XFA=generic.ArrayObject()))


def named_script() -> bytes:
    names = generic.ArrayObject([generic.TextStringObject("a"), action("/JavaScript")])
    return changed_pdf("/Names", dictionary(JavaScript=dictionary(Names=names)))


def replaced_page() -> bytes:
    writer = IncrementalPdfFileWriter(BytesIO(plain_pdf()))
    page_ref = writer.find_page_for_modification(0)[0]
    page = page_ref.get_object()
    page[pdf_name("/Contents")] = writer.add_object(generic.StreamObject(stream_data=b"BT ET"))
    writer.update_container(page)
    return written(writer)


def replaced_stream() -> bytes:
    writer = IncrementalPdfFileWriter(BytesIO(plain_pdf()))
    contents = writer.find_page_for_modification(0)[0].get_object().raw_get("/Contents")
    writer.objects[(contents.generation, contents.idnum)] = generic.StreamObject(stream_data=b"BT ET")
    return written(writer)


def encrypted() -> bytes:
    writer = writer_of(plain_pdf())
    writer.encrypt("secret")
    return written(writer)


REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "no PDF": (lambda: b"Dear Madam,", "does not begin as a PDF"),
    "empty": (lambda: b"", "does not begin as a PDF"),
    "junk before": (lambda: b"\n" + plain_pdf(), "does not begin as a PDF"),
    "junk after": (lambda: plain_pdf() + b"<script>", "follows the end"),
    "cut off": (lambda: plain_pdf()[:-300], "can't be read"),
    "only a header": (lambda: b"%PDF-1.7\n%%EOF\n", "can't be read"),
    "encrypted": (encrypted, "encrypted"),
    "XFA": (xfa, "XFA"),
    "script when opened": (lambda: changed_pdf("/OpenAction", action("/JavaScript")), "JavaScript"),
    "named script": (named_script, "JavaScript"),
    "starts a program": (lambda: on_a_page("/Launch"), "starts a program"),
    "sends data": (lambda: on_a_page("/SubmitForm"), "sends the form"),
    "imports data": (lambda: on_a_page("/ImportData"), "imports data"),
    "page replaced": (replaced_page, "hides an earlier version"),
    "content replaced": (replaced_stream, "hides an earlier version"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_pdf_that_must_not_be_signed_is_refused(name: str) -> None:
    make, why = REFUSED[name]
    pdf = make()
    with pytest.raises(DocumentRefusedError, match=why) as refused:
        check_fit(pdf, OpenedPdf(pdf))
    assert refused.value.hint
    assert not refused.value.retryable


@pytest.mark.parametrize("make", [plain_pdf, form_pdf, lambda: form_pdf(stream_xrefs=True)])
def test_an_ordinary_pdf_may_be_signed(make: Callable[[], bytes]) -> None:
    pdf = make()
    check_fit(pdf, OpenedPdf(pdf))


def test_a_link_is_no_danger() -> None:
    pdf = changed_pdf("/OpenAction", dictionary(S=pdf_name("/GoTo"), D=generic.ArrayObject()))
    check_fit(pdf, OpenedPdf(pdf))


@pytest.mark.parametrize(("permission", "forbidden"), [(1, True), (2, False)])
def test_a_certifying_signature_may_forbid_changes(permission: int, forbidden: bool) -> None:
    parameters = dictionary(P=generic.NumberObject(permission))
    reference = dictionary(TransformMethod=pdf_name("/DocMDP"), TransformParams=parameters)
    writer = writer_of(form_pdf())
    certification = writer.add_object(dictionary(Reference=generic.ArrayObject([reference])))
    writer.root[pdf_name("/Perms")] = dictionary(DocMDP=certification)
    opened = OpenedPdf(written(writer))
    if not forbidden:
        check_may_sign(opened, "employer")
        return
    with pytest.raises(DocumentRefusedError, match="forbids every change"):
        check_may_sign(opened, "employer")


def changed_field(key: str, value: generic.PdfObject) -> OpenedPdf:
    writer = writer_of(form_pdf())
    writer.root["/AcroForm"]["/Fields"][0][pdf_name(key)] = value
    return OpenedPdf(written(writer))


def test_fields_with_demands_are_refused() -> None:
    lock = dictionary(Action=pdf_name("/All"))
    with pytest.raises(FieldError, match="demands"):
        check_may_sign(changed_field("/SV", dictionary(Ff=generic.NumberObject(1))), "employer")
    with pytest.raises(FieldError, match="lock"):
        check_may_sign(changed_field("/Lock", lock), "employer")
    with pytest.raises(FieldError, match=r"no signature field 'boss'.*employer, manager"):
        check_may_sign(changed_field("/TU", generic.TextStringObject("x")), "boss")


@pytest.mark.parametrize(
    ("action", "names", "locked"),
    [
        ("/All", [], True),
        ("/Include", ["manager"], True),
        ("/Include", ["other"], False),
        ("/Exclude", ["manager"], False),
        ("/Exclude", ["other"], True),
    ],
)
def test_a_field_that_a_signature_locked_is_refused(action: str, names: list[str], locked: bool) -> None:
    writer = writer_of(form_pdf())
    field = writer.root["/AcroForm"]["/Fields"][0]
    field[pdf_name("/V")] = dictionary(Type=pdf_name("/Sig"))
    fields = generic.ArrayObject(generic.TextStringObject(name) for name in names)
    field[pdf_name("/Lock")] = dictionary(Action=pdf_name(action), Fields=fields)
    opened = OpenedPdf(written(writer))
    if locked:
        with pytest.raises(DocumentRefusedError, match="locked the field 'manager'"):
            check_may_sign(opened, "manager")
    else:
        check_may_sign(opened, "manager")


@pytest.mark.parametrize("make", [plain_pdf, form_pdf, lambda: form_pdf(stream_xrefs=True)])
def test_added_fields_are_there_and_the_rest_is_as_before(make: Callable[[], bytes]) -> None:
    before = make()
    after = add_fields(
        before,
        [
            NewField("board", page=1, box=(10, 10, 200, 60), label="The board"),
            NewField("archive-timestamp-2"),
        ],
    )
    assert after.startswith(before)
    found = {field.name: field for field in signature_fields(after)}
    assert set(found) == {field.name for field in signature_fields(before)} | {"board", "archive-timestamp-2"}
    assert (found["board"].page, found["board"].box, found["board"].signed) == (1, (10, 10, 200, 60), False)
    assert not found["archive-timestamp-2"].visible
    page = PdfFileReader(BytesIO(after)).root["/Pages"]["/Kids"][1]
    widget = page["/Annots"][len(page["/Annots"]) - 1]
    assert (str(widget["/T"]), str(widget["/TU"])) == ("board", "The board")
    check_fit(after, OpenedPdf(after))


def test_fields_are_not_added_twice_on_no_page_or_after_a_signature() -> None:
    with pytest.raises(FieldError, match="already"):
        add_fields(form_pdf(), [NewField("employer")])
    with pytest.raises(FieldError, match="no page 9"):
        add_fields(plain_pdf(), [NewField("board", page=8)])
    writer = writer_of(form_pdf())
    writer.root["/AcroForm"]["/Fields"][0][pdf_name("/V")] = dictionary(Type=pdf_name("/Sig"))
    with pytest.raises(DocumentRefusedError, match="signed already"):
        add_fields(written(writer), [NewField("board")])
