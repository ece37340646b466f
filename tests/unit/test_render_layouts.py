"""What is signed can be seen: every value in the data stands on a page."""

import copy
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest

from documents.kinds import KINDS
from documents.labels import EXPLAINED
from documents.layout import action_plan, employer_declaration
from documents.layout.letterhead import Cover, Letterhead
from documents.layout.signing_block import BOX_HEIGHT, BOX_WIDTH, INK_HEIGHT, Place, unsigned_appearance
from documents.layout.unsigned import Unsigned
from documents.render import Layout
from documents.sheet import BODY, BOTTOM, HEADING, LABEL, LEFT, RIGHT, SMALL, STRONG, Sheet
from documents.words import words_in

ISSUED = "20 November 2024"
WIDEST_CODE = "-".join(["WWWW"] * 6 + ["WW"])
NOT_PRINTED = {"template"}  # the name of the layout itself
OTHER_CHOICE = {
    "permanent": "flexible",
    "temporary": "permanent",
    "general": "occupational-safety",
    "occupational-safety": "general",
}
CASES: dict[str, tuple[Layout, dict[str, Any]]] = {}
for _name, _layout, _kind, _choice in (
    ("declaration", employer_declaration, "employer_declaration", {"temporary": True}),
    ("plan", action_plan, "action_plan", {"safety": True}),
):
    _made = KINDS[_kind]
    CASES[_name] = (_layout, _made.json_of(_made.parse(_made.example(**_choice))))


def drawn(layout: Layout, data: dict[str, Any], places: tuple[Place, ...] = ()) -> list[bytes]:
    words = words_in("en")
    sheet = Sheet(lambda canvas, page: 780.0)
    sheet.paragraph(layout.title(data, words))
    layout.draw(sheet, data, words, ISSUED, places or (Place("x", "Signature"),))
    return sheet.end(lambda canvas, page, pages: None)


def leaves(value: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], object]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from leaves(item, (*path, index))
    else:
        yield path, value


def other(value: object) -> object:
    """Another value of the same form."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    assert isinstance(value, str)
    if value in OTHER_CHOICE:
        return OTHER_CHOICE[value]
    if len(value) == 10 and value[4] == value[7] == "-":
        return "1999-12-31"
    if value.replace(".", "").isdigit() and "." in value:
        return "7.77"
    return f"{value} changed"


PATHS = [
    (case, path)
    for case, (_, data) in CASES.items()
    for path, _ in leaves(data)
    if path[-1] not in NOT_PRINTED
]


@pytest.mark.parametrize(("case", "path"), PATHS, ids=lambda value: ".".join(map(str, value)))
def test_every_value_of_the_data_shows_on_a_page(case: str, path: tuple[Any, ...]) -> None:
    layout, data = CASES[case]
    changed: Any = copy.deepcopy(data)
    target = changed
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = other(target[path[-1]])
    assert drawn(layout, changed) != drawn(layout, data)


@pytest.mark.parametrize("case", CASES)
def test_reasons_are_printed(case: str) -> None:
    layout, data = CASES[case]
    stream = b"".join(drawn(layout, data | {"reasons": {"some-rule": "Because it was agreed."}}))
    assert BODY.face.hex("Because it was agreed.").encode() in stream


def test_every_field_of_the_models_occurs_in_the_samples() -> None:
    """Otherwise the test above would not see a field that a layout forgets."""
    data = CASES["declaration"][1]
    model = KINDS["employer_declaration"].model
    for part, field in model.model_fields.items():
        section = getattr(field.annotation, "model_fields", None)
        if section is not None:
            missing = set(section) - set(data[part])
            # answers that go with "no" in the sample; their labels are drawn by the same code
            assert missing <= {"plan_to_end_note", "share_percentage"}, part


def test_the_explanation_and_the_share_are_printed() -> None:
    layout, data = CASES["declaration"]
    full = copy.deepcopy(data)
    full["employment"] |= {"plan_to_end_note": "Retires next year.", "share_percentage": "12.50"}
    stream = b"".join(drawn(layout, full))
    for text in ("Retires next year.", "12.5%"):
        assert BODY.face.hex(text).encode() in stream


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("case", CASES)
def test_boxes_stand_within_the_page_and_apart(case: str, count: int) -> None:
    layout, data = CASES[case]
    sheet = Sheet(lambda canvas, page: 780.0)
    places = tuple(Place(f"field{number}", "Signature of somebody") for number in range(count))
    boxes = [box for _, box in layout.draw(sheet, data, words_in("nl"), ISSUED, places)]
    assert len(boxes) == count
    for box in boxes:
        assert (box.width, box.height) == (BOX_WIDTH, BOX_HEIGHT)
        assert box.x >= LEFT
        assert box.x + box.width <= RIGHT + 0.01
        assert box.y >= BOTTOM
    corners = {(box.page, round(box.x), round(box.y)) for box in boxes}
    assert len(corners) == count


def test_a_stamp_of_five_lines_fits_a_box() -> None:
    assert BOX_HEIGHT >= 5 * 11 + 16


def frames(streams: list[bytes], height: float) -> int:
    """How many rectangles of a box's size are drawn."""
    size = f" {BOX_WIDTH:g} {height:g} re".encode()
    return sum(stream.count(size) for stream in streams)


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("case", CASES)
def test_only_a_place_for_ink_has_its_frame_in_the_page(case: str, count: int) -> None:
    """A field brings its own, before and after it is signed: two would stand one in the other."""
    layout, data = CASES[case]
    ink = drawn(layout, data, (Place(None, "In ink"),) * count)
    assert frames(ink, INK_HEIGHT) == count
    fields = drawn(layout, data, (Place("x", "Signature"),) * count)
    assert frames(fields, INK_HEIGHT) + frames(fields, BOX_HEIGHT) == 0
    assert b" re S" in unsigned_appearance("Not signed yet")


@pytest.mark.parametrize("language", ["en", "nl", "da", "nb"])
@pytest.mark.parametrize("field", ["employer", None])
def test_the_usual_permanent_declaration_takes_one_page(language: str, field: str | None) -> None:
    assert len(pages(usual(), language, (field,))) == 1


@pytest.mark.parametrize("lines", range(30))
@pytest.mark.parametrize("statement", [None, "The employee works 36 hours a week."])
@pytest.mark.parametrize("fields", [("employer",), ("employer", "manager")])
def test_signatures_never_stand_on_a_page_of_their_own(
    lines: int, statement: str | None, fields: tuple[str, ...]
) -> None:
    """However long the income table is, the section before the signatures comes along."""
    data = usual()
    data["income"]["lines"] = [{"label": "Allowance", "amount": "1.00", "fixed": True}] * lines
    if statement:
        data["other"]["supplementary_statement"] = statement
    last = pages(data, "en", fields)[-1]
    before = "Supplementary statement" if statement else "Loan and garnishment"
    assert f"<{HEADING.face.hex('Signing')}>".encode() in last
    assert f"<{HEADING.face.hex(before)}>".encode() in last


def usual() -> dict[str, Any]:
    """Nothing out of the ordinary: a permanent contract, three fixed parts of the income, no loan."""
    kind = KINDS["employer_declaration"]
    data = kind.json_of(kind.parse(kind.example()))
    del data["employee"]["maiden_name"], data["employment"]["reorganisation_impact"]
    data["employment"] |= {"reorganisation": False}
    amounts = ("gross_yearly", "holiday_allowance", "year_end_allowance", "fixed_is_unconditional")
    data["income"] = {name: data["income"][name] for name in amounts}
    data["other"] = {"loan": False, "wage_garnishment": False}
    return data


def pages(data: dict[str, Any], language: str, fields: tuple[str | None, ...]) -> list[bytes]:
    """A whole declaration with its heads and feet; None is a place for ink."""
    words = words_in(language)
    sender, details = employer_declaration.sender(data, words)
    cover = Cover(
        title=employer_declaration.title(data, words),
        sender=sender,
        sender_details=details,
        number="2026-000123",
        verification_code=WIDEST_CODE,
        verify_url="https://example.org/v",
        issued=ISSUED,
        valid_until=date(2024, 11, 20),
        note="Sample data – development certificates",
    )
    head = Letterhead(cover, words)
    sheet = Sheet(head.start_page)
    places = [Place(field, words.text(employer_declaration.LABELS[field or "employer"])) for field in fields]
    employer_declaration.draw(sheet, data, words, ISSUED, places)
    return sheet.end(head.draw_foot)


@pytest.mark.parametrize("language", ["en", "nl", "da", "nb"])
def test_every_foot_bears_the_whole_code(language: str) -> None:
    code = f"{words_in(language).text('Verification code')} {WIDEST_CODE}"
    streams = pages(CASES["declaration"][1], language, ("employer", "manager"))
    assert len(streams) == 2
    for stream in streams:
        assert f"<{SMALL.face.hex(code)}>".encode() in stream


def text_of(streams: list[bytes], *texts: str) -> list[bool]:
    """Whether each text stands on a line of its own content, in the body's face."""
    drawn_text = b"".join(streams)
    return [BODY.face.hex(text).encode() in drawn_text for text in texts]


@pytest.mark.parametrize("language", ["en", "nl", "da", "nb"])
@pytest.mark.parametrize("case", CASES)
def test_what_nobody_signs_says_so_and_who_approved_it(case: str, language: str) -> None:
    layout, data = CASES[case]
    words = words_in(language)
    at = datetime(2026, 3, 9, 23, 30, tzinfo=timezone(-timedelta(hours=1)))  # the next day in UTC
    place = Unsigned("B. Voorbeeld", "C. Voorbeeld", at).place(words)
    said = " ".join(place.statement)
    assert {
        "B. Voorbeeld" in said,
        "C. Voorbeeld" in said,
        "SHA-256" in said,
        f"{words.day('2026-03-10')}, 00:30 UTC" in said,
    } == {True}
    streams = b"".join(drawn(layout, data, (place,)))
    for line in (*place.statement_lines, *place.label_lines):
        assert BODY.face.hex(line).encode() in streams or STRONG.face.hex(line).encode() in streams
    assert frames([streams], place.height) == 1
    assert place.field is None


LONG = "Voorbeeld-Kamperfoelie-Zonnebloemenveld"


def test_a_name_that_no_column_holds_stands_in_one_piece() -> None:
    layout, data = CASES["declaration"]
    data = copy.deepcopy(data)
    data["employee"]["name"] = "J. Voorbeeldkamperfoeliezonnebloem"
    data["signing"]["name"] = "A. Voorbeeldkamperfoeliezonnebloem"
    whole = text_of(drawn(layout, data), data["employee"]["name"], data["signing"]["name"])
    assert whole == [True, True]


def test_a_double_name_breaks_at_its_hyphen() -> None:
    layout, data = CASES["declaration"]
    data = copy.deepcopy(data)
    data["employee"]["name"] = f"J. {LONG}"
    found = text_of(drawn(layout, data), "J. Voorbeeld-", "Kamperfoelie-", "Zonnebloemenveld")
    assert found[2], "the last part of the name is cut"


def test_a_phone_number_stands_on_one_line() -> None:
    layout, data = CASES["declaration"]
    data = copy.deepcopy(data)
    for contact in (
        "Desk",
        "Personnel desk",
        "Personnel desk (x)",
        "Personnel desk (sample)",
        "P. Desk of all",
    ):
        data["signing"] |= {"contact_name": contact, "contact_phone": "070 000 0000"}
        assert BODY.face.hex("070\u00a0000\u00a00000") in b"".join(drawn(layout, data)).decode("latin-1")


@pytest.mark.parametrize("name", CASES)
def test_every_reason_is_printed_with_what_it_explains(name: str) -> None:
    layout, data = CASES[name]
    kind = KINDS["employer_declaration" if name == "declaration" else "action_plan"]
    warnings = [rule.id for rule in kind.rules if rule.severity == "warning"]
    explained = EXPLAINED[kind.name]
    assert set(explained) == set(warnings)
    for rule in warnings:
        content = b"".join(drawn(layout, {**data, "reasons": {rule: "Because of it."}})).decode("latin-1")
        label = content.rindex(LABEL.face.hex(explained[rule]))
        assert 0 < content.index(BODY.face.hex("Because of it.")) - label < 400
