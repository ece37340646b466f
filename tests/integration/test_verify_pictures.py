"""Pages are drawn as they were signed and as they are: what shows where it may not is found that way too."""

import ctypes
import subprocess
import sys
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.sign.fields import MDPPerm, SigFieldSpec

from certs.authority import DevelopmentAuthority
from certs.loopback import free_base_url
from signing.verify import drawing, pictures, verdict
from signing.verify.bulk import verify_paths
from signing.verify.changes import Step
from signing.verify.findings import Finding
from signing.verify.limits import Limits
from signing.verify.report import Report, Verdict
from signing.verify.verdict import verify_pdf
from signing.verify.words import words_in
from tests.vectors.build import BEGAN, FOLDER
from tests.vectors.catalogue import EMPLOYER, MANAGER, Maker, fill_remark
from tests.vectors.every import make
from tests.vectors.saving import dictionary, drawn, first_page, numbers
from tests.vectors.shadow import annotation, with_annotation
from tests.vectors.stock import plain_pdf, update, with_fields


@pytest.fixture(scope="module")
def maker(tmp_path_factory: pytest.TempPathFactory) -> Maker:
    now = datetime.now(UTC).replace(microsecond=0)
    folder = tmp_path_factory.mktemp("pictures") / "pki"
    return Maker(DevelopmentAuthority.create(folder, base_url=free_base_url(), now=now - BEGAN), now)


def judged(maker: Maker, pdf: bytes, limits: Limits | None = None) -> Report:
    now = maker.now + timedelta(minutes=1)
    return verify_pdf(pdf, trust=maker.trust(), now=now, limits=limits or Limits())


def found(report: Report, code: str) -> list[Finding]:
    everything = [*report.findings, *(one for each in report.signatures for one in each.findings)]
    return [finding for finding in everything if finding.code == code]


def _structure_looks_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the structural check found nothing wrong with whatever was added."""
    steps = lambda reader, first, total: tuple(Step(number) for number in range(first + 1, total))  # noqa: E731
    monkeypatch.setattr(verdict, "steps_after", steps)
    monkeypatch.setattr(verdict, "check_behind", lambda opened: [])


CAUGHT = {
    "text_replaced_in_update": "page 1: 184–192 × 718–729 pt",
    "replaced_between_signatures": "page 1: 184–192 × 718–729 pt",
    "page_removed": "it has 1 pages and had 2",
    "page_turned": "page 1: ",
    "page_cropped": "page 1: another size",
    "page_font_swapped": "page 1: ",
    "pages_swapped": "page 1: 298–307 × 719–729 pt; page 2: 298–307 × 719–729 pt",
    "cover_taken_off": "page 1: 63–132 × 717–730 pt",
    "cover_made_transparent": "page 1: 63–132 × 717–730 pt",
    "annotation_unhidden": "page 1: 63–132 × 717–730 pt",
    "catalog_leads_to_the_shadow": "page 1: 184–310 × 716–729 pt",
    "index_leads_to_the_shadow": "page 1: 184–310 × 716–729 pt",
    "field_drawing_replaced": "page 1: 71–373 × 599–625 pt",
    "field_value_shown_again": "page 1: 72–373 × 599–624 pt",
    "widget_moved": "page 1: 71–373 × 699–761 pt, 71–373 × 599–625 pt",
    "stamp_added_after_approval": "page 1: 63–132 × 717–730 pt",
    "annotation_that_acts_added_under_p3": "page 1: 63–132 × 717–730 pt",
    "text_replaced_under_p3": "page 1: 184–310 × 716–729 pt",
    "overlay_by_a_stranger": "page 1: 59–401 × 699–761 pt",
    "made_field_moved_over_the_text": "page 1: 59–401 × 699–761 pt",
    "drawn_anew_after_signing": "page 1: 71–273 × 399–461 pt",
}


@pytest.mark.parametrize("name", CAUGHT)
def test_the_picture_alone_gives_a_forgery_away(
    name: str, maker: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    pdf = make(maker, name).pdf
    _structure_looks_away(monkeypatch)
    report = judged(maker, pdf)
    assert report.verdict is Verdict.NOT_WHAT_WAS_SIGNED, report.sentence
    assert CAUGHT[name] in found(report, "page_looks_otherwise")[0].detail


def test_a_certified_page_with_a_stamp_over_it_is_given_away_by_its_picture(
    maker: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    certified = maker.stock.sign(plain_pdf(), maker.clerk, certify=MDPPerm.ANNOTATE)
    pdf = update(certified, lambda writer: with_annotation(writer, annotation(writer, "Stamp")))
    assert [each.weight.value for each in found(judged(maker, pdf), "comment_shows")] == ["prevents"]
    _structure_looks_away(monkeypatch)
    report = judged(maker, pdf)
    assert report.sentence.startswith("Not what was signed: page 1 looks otherwise than when it was signed.")


def _drawn_remark(writer: Any) -> None:
    """Fill the field in, and draw what it says."""
    fill_remark(writer)
    field = next(iter(writer.root["/AcroForm"]["/Fields"])).get_object()
    field[pdf_name("/AP")] = dictionary(N=writer.add_object(drawn(b"The employee earns 9,000 euro a month.")))
    writer.update_container(field)


def test_a_later_signature_that_shows_in_its_field_is_no_alarm(maker: Maker) -> None:
    for name in ("visible_in_made_field", "one_on_each_of_two_pages"):
        report = judged(maker, make(maker, name).pdf)
        assert report.verdict is Verdict.AUTHENTIC, report.sentence
        assert report.pages_compared == (2 if name == "one_on_each_of_two_pages" else 1)


def test_a_form_filled_in_as_its_certification_allows_is_no_alarm(maker: Maker) -> None:
    made = with_fields(plain_pdf(form=True), EMPLOYER, SigFieldSpec("manager", box=(72, 400, 272, 460)))
    certified = maker.stock.sign(made, maker.clerk, certify=MDPPerm.FILL_FORMS)
    filled = update(certified, _drawn_remark)
    report = judged(maker, maker.stock.sign(filled, maker.manager, field="manager"))
    assert report.verdict is Verdict.SIGNED_BUT, report.sentence
    assert found(report, "form_filled_as_permitted")
    assert not found(report, "page_looks_otherwise")
    assert report.pages_compared == 1


def test_a_form_filled_in_after_an_approval_is_seen_in_the_picture(maker: Maker) -> None:
    signed = maker.stock.sign(with_fields(plain_pdf(form=True), EMPLOYER, MANAGER), maker.clerk)
    filled = update(signed, _drawn_remark)
    report = judged(maker, maker.stock.sign(filled, maker.manager, field="manager"))
    assert found(report, "form_filled_after_signing")
    by_field = {each.field: [one.code for one in each.findings] for each in report.signatures}
    assert "page_looks_otherwise" in by_field["employer"]
    assert "page_looks_otherwise" not in by_field["manager"]  # who signed what the page says now


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_a_field_is_left_out_wherever_a_turned_and_cropped_page_has_it(turn: int, maker: Maker) -> None:
    def turned(writer: Any) -> None:
        page = first_page(writer)
        page[pdf_name("/Rotate")] = generic.NumberObject(turn)
        page[pdf_name("/CropBox")] = numbers(50, 300, 500, 800)
        writer.update_container(page)

    spec = SigFieldSpec("manager", box=(72, 400, 272, 460))
    made = with_fields(update(plain_pdf(), turned), EMPLOYER, spec)
    signed = maker.stock.sign(maker.stock.sign(made, maker.clerk), maker.manager, field="manager")
    report = judged(maker, signed)
    assert report.verdict is Verdict.AUTHENTIC, report.sentence
    assert report.pages_compared == 1


@pytest.mark.parametrize("name", ["b_b", "b_lta", "renewed", "two_in_made_fields"])
def test_nothing_is_drawn_where_nothing_shows_that_was_added(
    name: str, maker: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def drawn_all_the_same(*_args: object, **_options: object) -> None:
        raise AssertionError

    monkeypatch.setattr(pictures, "run_apart", drawn_all_the_same)
    report = judged(maker, make(maker, name).pdf)
    assert (report.verdict, report.pages_compared) == (Verdict.AUTHENTIC, None)


def test_what_draws_is_loaded_only_when_something_is_drawn() -> None:
    code = (
        "import sys, datetime, pathlib, signing.verify.fence, certs.trust\n"
        "now = datetime.datetime.now(datetime.UTC)\n"
        "for name in ('b_lta', 'visible_in_made_field'):\n"
        f"    pdf = (pathlib.Path({str(FOLDER)!r}) / f'{{name}}.pdf').read_bytes()\n"
        "    signing.verify.fence.verify_pdf(pdf, trust=certs.trust.TrustStore(), now=now)\n"
        "    print('pypdfium2_raw' in sys.modules)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert run.stdout.split() == ["False", "True"]


# Of work: on a loaded machine it may take many.
ONE_SECOND = Limits(drawing_cpu_s=1, wall_s=600)


def _crash(*_args: object) -> None:
    ctypes.string_at(0)


def _spin(*_args: object) -> None:
    while True:
        pass


@pytest.mark.parametrize(("work", "why"), [(_crash, "SIGSEGV"), (_spin, "processor time ran out")])
def test_a_renderer_that_dies_costs_the_picture_and_nothing_else(
    work: Callable[..., None], why: str, maker: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest, forged = (make(maker, name).pdf for name in ("visible_in_made_field", "overlay_signature"))
    monkeypatch.setattr(drawing, "draw_and_compare", work)
    report = judged(maker, honest, ONE_SECOND)
    assert report.verdict is Verdict.SIGNED_BUT
    assert report.passed
    assert report.pages_compared == 0
    (finding,) = found(report, "page_not_compared")
    assert why in finding.detail
    assert "no page could be compared with what was signed" in report.sentence
    report = judged(maker, forged, ONE_SECOND)
    assert report.verdict is Verdict.NOT_WHAT_WAS_SIGNED
    assert found(report, "visible_field_added")
    assert found(report, "page_not_compared")


def _forms_in_forms(writer: Any) -> None:
    """A page of thirty forms, each of which draws the next one ten times."""
    below: Any = None
    for _ in range(30):
        form = generic.StreamObject(stream_data=b"/X Do " * 10 if below else b"0 0 1 1 re f")
        form.update(
            dictionary(Type=pdf_name("/XObject"), Subtype=pdf_name("/Form"), BBox=numbers(0, 0, 600, 800))
        )
        if below is not None:
            form[pdf_name("/Resources")] = dictionary(XObject=dictionary(X=below))
        below = writer.add_object(form)
    page = first_page(writer)
    page[pdf_name("/Resources")] = dictionary(XObject=dictionary(X=below))
    page[pdf_name("/Contents")] = writer.add_object(generic.StreamObject(stream_data=b"/X Do"))
    writer.update_container(page)


def test_a_page_that_never_gets_drawn_is_told_of_and_nothing_is_lost(maker: Maker) -> None:
    spec = SigFieldSpec("manager", box=(72, 400, 272, 460))
    made = with_fields(update(plain_pdf(), _forms_in_forms), EMPLOYER, spec)
    pdf = maker.stock.sign(maker.stock.sign(made, maker.clerk), maker.manager, field="manager")
    report = judged(maker, pdf, ONE_SECOND)
    assert all(each.signer for each in report.signatures)
    assert len(report.signatures) == 2
    assert report.verdict is Verdict.SIGNED_BUT
    assert report.sentence.startswith("Signed, but page 1 could not be compared with what was signed. ")


def test_a_page_that_brings_the_renderer_down_is_named(maker: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = drawing._picture

    def picture(document: Any, number: int, canvas: Any) -> Any:
        return _crash() if number == 1 else whole(document, number, canvas)

    pdf = make(maker, "one_on_each_of_two_pages").pdf
    monkeypatch.setattr(drawing, "_picture", picture)
    report = judged(maker, pdf)
    assert report.pages_compared == 1
    assert "page 2 could not be compared with what was signed" in report.sentence


def _scanned(writer: Any) -> None:
    """Every page an image of 4 MB, once it is unpacked."""
    for number, kid in enumerate(writer.root["/Pages"]["/Kids"]):
        page, size = kid.get_object(), generic.NumberObject(2000)
        packed = zlib.compress(bytes([number]) * 2000 * 2000, 1)
        image = generic.StreamObject(stream_data=None, encoded_data=packed, dict_data={})
        image.update(
            dictionary(
                Type=pdf_name("/XObject"),
                Subtype=pdf_name("/Image"),
                Width=size,
                Height=size,
                BitsPerComponent=generic.NumberObject(8),
                ColorSpace=pdf_name("/DeviceGray"),
                Filter=pdf_name("/FlateDecode"),
            )
        )
        page[pdf_name("/Resources")] = dictionary(XObject=dictionary(I=writer.add_object(image)))
        content = generic.StreamObject(stream_data=b"600 0 0 800 0 0 cm /I Do")
        page[pdf_name("/Contents")] = writer.add_object(content)
        writer.update_container(page)


@pytest.mark.slow
def test_many_pages_take_no_more_memory_than_one(maker: Maker, tmp_path: Path) -> None:
    spec = SigFieldSpec("manager", box=(72, 400, 272, 460))
    made = with_fields(update(plain_pdf(pages=60), _scanned), EMPLOYER, spec)
    pdf = maker.stock.sign(maker.stock.sign(made, maker.clerk), maker.manager, field="manager")
    (tmp_path / "scanned.pdf").write_bytes(pdf)
    bounded = Limits(address_space_bytes=500 * 1024 * 1024)
    now = maker.now + timedelta(minutes=1)
    (report,) = verify_paths([tmp_path / "scanned.pdf"], maker.trust(), now=now, limits=bounded)
    assert (report.verdict, report.pages_compared) == (Verdict.AUTHENTIC, 60), report.sentence


def test_where_nobody_says_what_a_process_takes_its_copy_is_bounded_all_the_same(
    maker: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def here(work: Callable[[Any], None], **_: object) -> pictures.Told:
        work(None)
        return pictures.Told(())

    monkeypatch.setattr(pictures, "address_space", lambda: None)
    monkeypatch.setattr(pictures, "lower_memory", asked.append)
    monkeypatch.setattr(drawing, "draw_and_compare", lambda *_: None)
    monkeypatch.setattr(pictures, "run_apart", here)
    judged(maker, make(maker, "visible_in_made_field").pdf)
    assert asked == [Limits().address_space_bytes]


def test_pages_beyond_the_bound_are_named(maker: Maker) -> None:
    specs = (EMPLOYER, SigFieldSpec("manager", on_page=3, box=(72, 100, 272, 160)))
    once = maker.stock.sign(with_fields(plain_pdf(pages=5), *specs), maker.clerk)
    pdf = maker.stock.sign(once, maker.manager, field="manager")
    report = judged(maker, pdf, Limits(pictures=5))
    assert report.pages_compared == 2
    (finding,) = found(report, "page_not_compared")
    assert finding.message == "pages 3 to 5 could not be compared with what was signed"
    assert finding.detail == "more than 2 pages"
    assert judged(maker, pdf).verdict is Verdict.AUTHENTIC


@pytest.mark.parametrize(
    "line",
    [b"", b"[]", b"nonsense", b'{"page": 0}', b'{"page": 0, "revision": 7, "areas": []}', b"[" * 5000],
)
def test_what_a_broken_renderer_tells_counts_for_nothing(
    line: bytes, maker: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(pdf: object, revisions: object, pages: object, tell: Callable[[bytes], None]) -> None:
        tell(b'{"count": [1, 1]}')
        tell(line)

    pdf = make(maker, "visible_in_made_field").pdf
    monkeypatch.setattr(drawing, "draw_and_compare", told)
    report = judged(maker, pdf)
    assert report.pages_compared == 0
    assert "page 1 could not be compared with what was signed" in report.sentence


@pytest.mark.parametrize(
    ("sides", "drawn_as"),
    [((595, 842), (595, 842)), ((14400, 14400), (2000, 2000)), ((10, 10), (707, 707)), ((0, 842), (0, 0))],
)
def test_pictures_have_a_bounded_number_of_pixels(
    sides: tuple[float, float], drawn_as: tuple[int, int]
) -> None:
    assert drawing._pixels(*sides) == drawn_as


def test_pages_are_listed_for_people() -> None:
    pages = ([0], [0, 1], [1, 3], [0, 1, 2, 6], list(range(0, 40, 2)))
    found = [pictures._not_compared(each, "") for each in pages]
    rest = " could not be compared with what was signed"
    assert [finding.message.removesuffix(rest) for finding in found] == [
        "page 1",
        "pages 1 and 2",
        "pages 2 and 4",
        "pages 1 to 3 and 7",
        "20 of the pages 1 to 39",
    ]
    rest = " konden niet worden vergeleken met wat is ondertekend"
    assert [finding.told(words_in("nl")).removesuffix(rest) for finding in found[1:]] == [
        "pagina’s 1 en 2",
        "pagina’s 2 en 4",
        "pagina’s 1 tot en met 3 en 7",
        "20 van de pagina’s 1 tot en met 39",
    ]
