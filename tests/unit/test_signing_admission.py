"""Which PDFs may be signed, and how the others are refused; fields added before the first signature."""

from collections.abc import Callable
from io import BytesIO

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import PdfFileWriter
from pyhanko.sign.fields import SigFieldSpec, append_signature_field

from signing.admission import check_fit, check_may_sign
from signing.composition import NewField
from signing.errors import DocumentRefusedError, FieldError
from signing.opened import OpenedPdf
from tests.signing_samples import (
    add_fields,
    changed_pdf,
    form_pdf,
    plain_pdf,
    signature_fields,
    writer_of,
    written,
)
from tests.vectors.stock import plain_pdf as verifier_pdf
from tests.vectors.two_faced import other_pages


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


def opening(kind: str) -> bytes:
    return changed_pdf("/OpenAction", dictionary(S=pdf_name(kind)))


def linked(uri: str) -> bytes:
    link = dictionary(Subtype=pdf_name("/Link"), Rect=numbers(0, 0, 9, 9))
    link[pdf_name("/A")] = dictionary(S=pdf_name("/URI"), URI=generic.pdf_string(uri))
    return on_the_first_page("/Annots", generic.ArrayObject([link]))


def chained() -> bytes:
    """A jump that is followed by something else."""
    following = generic.ArrayObject([dictionary(S=pdf_name("/GoTo")), dictionary(S=pdf_name("/Launch"))])
    jump = dictionary(S=pdf_name("/GoTo"), D=generic.ArrayObject(), Next=following)
    return changed_pdf("/Outlines", dictionary(First=dictionary(Title=generic.pdf_string("x"), A=jump)))


def numbers(*values: int) -> generic.ArrayObject:
    return generic.ArrayObject(map(generic.NumberObject, values))


def on_the_first_page(key: str, value: generic.PdfObject) -> bytes:
    writer = writer_of(plain_pdf())
    writer.find_page_for_modification(0)[0].get_object()[pdf_name(key)] = value
    return written(writer)


def layers(**more: generic.PdfObject) -> bytes:
    writer = writer_of(plain_pdf())
    layer = writer.add_object(dictionary(Type=pdf_name("/OCG"), Name=generic.pdf_string("x")))
    default = dictionary(**more)
    if "/OFF" in default:
        default[pdf_name("/OFF")] = generic.ArrayObject([layer])
    writer.root[pdf_name("/OCProperties")] = dictionary(OCGs=generic.ArrayObject([layer]), D=default)
    return written(writer)


def stream_on_page(**entries: generic.PdfObject) -> bytes:
    writer = writer_of(plain_pdf())
    made = generic.StreamObject(stream_data=b"BT ET")
    made.update(dictionary(**entries))
    page = writer.find_page_for_modification(0)[0].get_object()
    page[pdf_name("/Contents")] = writer.add_object(made)
    return written(writer)


def dangling(writer: PdfFileWriter) -> None:
    page = writer.find_page_for_modification(0)[0].get_object()
    nowhere = writer.add_object(generic.NullObject())
    del writer.objects[(0, nowhere.idnum)]
    page[pdf_name("/Contents")] = generic.ArrayObject([page.raw_get("/Contents"), nowhere])


def in_a_fresh_file(change: Callable[[PdfFileWriter], None], *, stream_xrefs: bool = False) -> bytes:
    writer = writer_of(plain_pdf(), stream_xrefs=stream_xrefs)
    change(writer)
    return written(writer)


def updated(pdf: bytes, change: Callable[[IncrementalPdfFileWriter], None]) -> bytes:
    writer = IncrementalPdfFileWriter(BytesIO(pdf))
    change(writer)
    return written(writer)


def swap_page(writer: IncrementalPdfFileWriter) -> None:
    """The page itself stays as it is; the page tree shows another one."""
    tree = writer.root["/Pages"]
    old = tree["/Kids"][0]
    other = dictionary(**{key[1:]: old.raw_get(key) for key in old})
    other[pdf_name("/Contents")] = writer.add_object(generic.StreamObject(stream_data=b"BT ET"))
    tree[pdf_name("/Kids")] = generic.ArrayObject([writer.add_object(other), tree["/Kids"].raw_get(1)])
    writer.update_container(tree)


def swap_catalog(writer: IncrementalPdfFileWriter) -> None:
    writer.root[pdf_name("/Pages")] = writer.add_object(
        dictionary(Type=pdf_name("/Pages"), Count=numbers(0)[0])
    )
    writer.update_root()


def add_note(writer: IncrementalPdfFileWriter) -> None:
    note = dictionary(Subtype=pdf_name("/FreeText"), Rect=numbers(0, 0, 400, 400), F=numbers(4)[0])
    page = writer.find_page_for_modification(0)[0].get_object()
    page[pdf_name("/Annots")] = generic.ArrayObject([writer.add_object(note)])
    writer.update_container(page)


def add_painted_field(writer: IncrementalPdfFileWriter) -> None:
    """An empty signature field whose appearance covers the page."""
    append_signature_field(writer, SigFieldSpec("cover", on_page=0, box=(0, 0, 500, 500)))
    field = writer.root["/AcroForm"]["/Fields"][0]
    painted = generic.StreamObject(stream_data=b"0 0 500 500 re f")
    field[pdf_name("/AP")] = dictionary(N=writer.add_object(painted))


def swap_font(writer: IncrementalPdfFileWriter) -> None:
    page = writer.find_page_for_modification(0)[0].get_object()
    (font,) = page["/Resources"]["/Font"].values()
    font.get_object()[pdf_name("/BaseFont")] = pdf_name("/Symbol")
    writer.update_container(font.get_object())


def fill_the_gap(writer: IncrementalPdfFileWriter) -> None:
    writer.objects[(0, 10)] = generic.StreamObject(stream_data=b"BT ET")


def annotated(flags: int) -> bytes:
    """A stamp over the text, with these flags."""
    writer = writer_of(plain_pdf())
    look = writer.add_object(generic.StreamObject(stream_data=b"0 0 400 40 re f"))
    note = dictionary(
        Subtype=pdf_name("/Stamp"), Rect=numbers(0, 0, 400, 40), F=numbers(flags)[0], AP=dictionary(N=look)
    )
    page = writer.find_page_for_modification(0)[0].get_object()
    page[pdf_name("/Annots")] = generic.ArrayObject([writer.add_object(note)])
    return written(writer)


def with_input(**entries: generic.PdfObject) -> bytes:
    field = dictionary(FT=pdf_name("/Tx"), T=generic.pdf_string("bonus"), **entries)
    fonts = dictionary(Font=dictionary(Helv=dictionary(Type=pdf_name("/Font"))))
    return changed_pdf("/AcroForm", dictionary(Fields=generic.ArrayObject([field]), DR=fonts))


def with_dummy_value() -> bytes:
    """A field that holds an empty signature, and the page replaced after that."""

    def dummy(writer: IncrementalPdfFileWriter) -> None:
        field = writer.root["/AcroForm"]["/Fields"][0]
        field[pdf_name("/V")] = writer.add_object(dictionary(Type=pdf_name("/Sig")))
        writer.update_container(field)

    return updated(updated(form_pdf(), dummy), swap_page)


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
    "another file opened": (lambda: opening("/GoToR"), r"opens another file at Root/OpenAction"),
    "attached file opened": (lambda: opening("/GoToE"), "attached file"),
    "link opened unasked": (lambda: opening("/URI"), "opens by itself"),
    "layers switched": (lambda: on_a_page("/SetOCGState"), "switches layers at Root/Pages/Kids.0./AA/O"),
    "media played": (lambda: on_a_page("/RichMediaExecute"), "RichMediaExecute"),
    "menu entry": (lambda: opening("/Named"), "Named"),
    "link to a script": (lambda: linked("JavaScript:alert(1)"), "a link of the kind “JavaScript:”"),
    "link to a file": (lambda: linked("file:///etc/passwd"), "a link of the kind “file:”"),
    "jump and more": (chained, "starts a program at Root/Outlines/First/A"),
    "film": (
        lambda: on_the_first_page(
            "/Annots",
            generic.ArrayObject([dictionary(Subtype=pdf_name("/Movie"), Rect=numbers(0, 0, 9, 9))]),
        ),
        "media .Movie. at Root/Pages/Kids.0./Annots",
    ),
    "layer off": (lambda: layers(OFF=numbers()), "switched off at Root/OCProperties/D"),
    "all layers off": (lambda: layers(BaseState=pdf_name("/OFF")), "switched off"),
    "layers for print": (lambda: layers(AS=numbers(1)), "switch themselves"),
    "shown when off": (
        lambda: stream_on_page(OC=dictionary(Type=pdf_name("/OCMD"), P=pdf_name("/AllOff"))),
        "layers are off",
    ),
    "content elsewhere": (
        lambda: stream_on_page(F=generic.pdf_string("http://example.org/x")),
        "in another file at Root/Pages/Kids.0./Contents",
    ),
    "page of another file": (lambda: stream_on_page(Ref=dictionary()), "a page of another file"),
    "reference to nothing": (lambda: in_a_fresh_file(dangling), "object 10, which is not in the file"),
    "reference to nothing, other table": (
        lambda: in_a_fresh_file(dangling, stream_xrefs=True),
        "an object .10. that can't be read",
    ),
    "page tree swapped": (lambda: updated(plain_pdf(), swap_page), r"update 1 changes object \d+ .Pages"),
    "catalog's pages swapped": (lambda: updated(plain_pdf(), swap_catalog), "Catalog"),
    "text over text": (lambda: updated(plain_pdf(), add_note), "changes object"),
    "painted field": (lambda: updated(plain_pdf(), add_painted_field), "changes object"),
    "font swapped": (lambda: updated(plain_pdf(), swap_font), "Font"),
    "content that came later": (
        lambda: updated(in_a_fresh_file(dangling), fill_the_gap),
        "adds object 10, which was referred to before",
    ),
    "value that is no signature": (with_dummy_value, "'employer' holds a value that is no signature"),
    "other pages to viewers": (
        lambda: other_pages(verifier_pdf(), b"I owe 40 euro."),
        "packed with unexpected settings",
    ),
    "only on paper": (
        lambda: annotated(4 | 32),
        "on paper but not on the screen at Root/Pages/Kids.0./Annots",
    ),
    "only on the screen": (lambda: annotated(0), "on the screen but not on paper"),
    "hidden": (lambda: annotated(4 | 2), "hides it"),
    "value without a look": (
        lambda: with_input(V=generic.pdf_string("4,000"), DA=generic.pdf_string("/Helv 9 Tf")),
        "has a value, but nothing says how it looks",
    ),
    "font that isn't there": (
        lambda: with_input(DA=generic.pdf_string("/Fx 14 Tf 0 g")),
        "names a font that isn't there ./Fx.",
    ),
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


@pytest.mark.parametrize(
    "make",
    [
        plain_pdf,
        form_pdf,
        lambda: form_pdf(stream_xrefs=True),
        lambda: verifier_pdf(form=True),
        lambda: annotated(4),
        lambda: with_input(DA=generic.pdf_string("/Helv 9 Tf")),
    ],
)
def test_an_ordinary_pdf_may_be_signed(make: Callable[[], bytes]) -> None:
    pdf = make()
    check_fit(pdf, OpenedPdf(pdf))


def test_a_link_is_no_danger() -> None:
    pdf = changed_pdf("/OpenAction", dictionary(S=pdf_name("/GoTo"), D=generic.ArrayObject()))
    check_fit(pdf, OpenedPdf(pdf))


@pytest.mark.parametrize("uri", ["https://example.org/", "mailto:hr@example.org", "page.html"])
def test_a_link_that_a_person_follows_may_be_there(uri: str) -> None:
    pdf = linked(uri)
    check_fit(pdf, OpenedPdf(pdf))


def test_layers_that_are_all_on_may_be_there() -> None:
    pdf = layers(BaseState=pdf_name("/ON"))
    check_fit(pdf, OpenedPdf(pdf))


@pytest.mark.parametrize("stream_xrefs", [False, True])
def test_an_update_may_add_what_shows_nothing(stream_xrefs: bool) -> None:
    def add_field(writer: IncrementalPdfFileWriter) -> None:
        append_signature_field(writer, SigFieldSpec("late", on_page=0, box=(10, 10, 90, 40)))

    pdf = updated(form_pdf(stream_xrefs=stream_xrefs), add_field)
    opened = OpenedPdf(pdf)
    assert opened.has_field("late")
    check_fit(pdf, opened)


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
