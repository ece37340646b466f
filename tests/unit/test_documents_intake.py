"""The same rows in any dress give the same submissions, and no bytes at all bring intake down."""

import csv
import io
import json
from datetime import date
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from documents.errors import IntakeRefused
from documents.intake import Intake, Limits, read_bytes
from documents.kinds import KINDS
from documents.register import SAMPLE, Register

ON = date(2024, 11, 20)
REGISTER = Register.load(SAMPLE)
DECLARATION = "employer_declaration"


def read(content: str | bytes, kind: str = DECLARATION, **options: Any) -> Intake:
    raw = content.encode() if isinstance(content, str) else content
    known: dict[str, Any] = {"on": ON, "register": REGISTER}
    return read_bytes(raw, kind, **(known | options))


def keys(intake: Intake) -> list[str]:
    assert intake.problems == ()
    return [row.submission_key for row in intake.rows]


def flat(data: dict[str, Any], prefix: str = "") -> dict[str, str]:
    cells: dict[str, str] = {}
    for name, value in data.items():
        if isinstance(value, list):
            cells |= flat({str(place): item for place, item in enumerate(value, start=1)}, f"{prefix}{name}.")
        elif isinstance(value, dict):
            cells |= flat(value, f"{prefix}{name}.")
        else:
            cells[prefix + name] = (
                {True: "ja", False: "nee"}.get(value, str(value)) if isinstance(value, bool) else str(value)
            )
    return cells


def as_csv(rows: list[dict[str, Any]], separator: str = ";", end: str = "\r\n") -> bytes:
    cells = [flat(row) for row in rows]
    names = sorted({name for row in cells for name in row})
    out = io.StringIO(newline="")
    quoting: Any = csv.QUOTE_ALL if end == "\r" else csv.QUOTE_MINIMAL  # minimal leaves a bare line feed bare
    writer = csv.DictWriter(out, names, delimiter=separator, lineterminator=end, quoting=quoting)
    writer.writeheader()
    writer.writerows(cells)
    return out.getvalue().encode()


WHOLE = [
    KINDS[DECLARATION].example() | {"reference": "A-1"},
    KINDS[DECLARATION].example(temporary=True) | {"reference": "A-2"},
]
PLANS = [KINDS["action_plan"].example(), KINDS["action_plan"].example(safety=True)]


@pytest.mark.parametrize("separator", [";", ",", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize(("kind", "rows"), [(DECLARATION, WHOLE), ("action_plan", PLANS)])
def test_csv_and_json_say_the_same(separator: str, end: str, mark: bytes, kind: str, rows: Any) -> None:
    from_csv = read(mark + as_csv(rows, separator, end), kind)
    from_json = read(json.dumps(rows), kind)
    assert [row.data for row in from_csv.rows] == [row.data for row in from_json.rows]
    assert keys(from_csv) == keys(from_json)
    assert [row.content_sha256 for row in from_csv.rows] == [row.content_sha256 for row in from_json.rows]


def test_json_comes_as_object_list_or_lines() -> None:
    listed = keys(read(json.dumps(WHOLE, indent=2)))
    assert listed == keys(read("\n".join(json.dumps(row) for row in WHOLE)))
    assert listed == keys(read(" \n" + json.dumps(WHOLE)))
    assert listed[:1] == keys(read(json.dumps(WHOLE[0], indent=2)))


def test_a_decimal_comma_is_a_decimal_comma() -> None:
    dutch = read("sep=;\nperson_id;Dertiende  Maand\nP020;1.234,5\n")
    english = read("person_id,income.thirteenth_month\nP020,1234.50\n")
    assert dutch.rows[0].data["income"]["thirteenth_month"] == "1234.50"
    assert dutch.rows[0].line == 3
    assert keys(dutch) == keys(english)


def test_lines_are_those_of_the_file() -> None:
    text = (
        "person_id;other.supplementary_statement\r\n"
        'P020;"one\r\ntwo"\r\n'
        "\r\n"
        ";\r\n"
        'P021;"three\nfour\n\nfive"\r\n'
        "P999;\r\n"
    )
    intake = read(text)
    assert [row.line for row in intake.rows] == [2, 6]
    assert [problem.line for problem in intake.problems] == [10]
    pretty = read(json.dumps([{"person_id": "P020"}, {"person_id": "P999"}, {"person_id": "P021"}], indent=1))
    assert [row.line for row in pretty.rows] == [2, 8]
    assert [problem.line for problem in pretty.problems] == [5]


def test_a_row_of_a_person_is_filled_from_the_register() -> None:
    row = read("person_id;reference\nP020;R-1\n").rows[0]
    assert row.person_id == "P020"
    assert row.reference == "R-1"
    assert row.data["employee"]["name"] == REGISTER.person("P020").name
    assert row.warnings == ()


def test_without_a_register_a_row_stands_on_its_own() -> None:
    intake = read("person_id\nP020\n", register=None)
    assert intake.rows == ()
    assert {problem.rule for problem in intake.problems} == {"missing"}


def test_the_key_outlives_a_change_in_the_register() -> None:
    later = date(2025, 3, 1)  # the prefilled period of variable pay moves with the day
    assert keys(read("person_id\nP022\n")) == keys(read("person_id\nP022\n", on=later))


def test_the_key_tells_rows_apart() -> None:
    text = (
        "person_id;income.thirteenth_month;reference\nP020;;\nP021;;\nP020;100;\nP020;100;R-1\nP020;100;R-2\n"
    )
    intake = read(text)
    assert len(set(keys(intake))) == 5
    assert intake.rows[3].content_sha256 == intake.rows[4].content_sha256 == intake.rows[2].content_sha256
    assert keys(read(text)) == keys(intake)
    other = read("reference;person_id;income.thirteenth_month\nR-1;P020;101\n").rows[0]
    assert other.submission_key == intake.rows[3].submission_key
    assert other.content_sha256 != intake.rows[3].content_sha256


def test_kinds_do_not_share_keys() -> None:
    one = read(json.dumps(PLANS[0] | {"reference": "R-1"}), "action_plan")
    other = read(json.dumps(WHOLE[0] | {"reference": "R-1"}))
    assert keys(one) != keys(other)


@pytest.mark.parametrize(
    ("limits", "text"),
    [
        (Limits(file_bytes=10), "person_id\nP020\n"),
        (Limits(rows=1), "person_id\nP020\nP021\n"),
        (Limits(rows=1), '[{"person_id": "P020"}, {"person_id": "P021"}]'),
        (Limits(values=1), "person_id;reference\nP020;\n"),
    ],
)
def test_a_file_over_a_limit_is_refused(limits: Limits, text: str) -> None:
    with pytest.raises(IntakeRefused):
        read(text, limits=limits)


def test_ten_thousand_repeated_names_are_one_problem() -> None:
    text = '{"person_id": "P020", ' + ", ".join(['"x": 1'] * 10_000) + "}"
    assert [(problem.field, problem.rule) for problem in read(text).problems] == [("x", "repeated-field")]


def test_nothing_inside_an_endless_cell_is_taken_for_a_row() -> None:
    text = 'person_id;other.supplementary_statement\nP020;\nP021;"' + "x" * 140_000 + "\nP022;\nP023;\n"
    intake = read(text)
    assert [row.person_id for row in intake.rows] == ["P020"]
    assert [(problem.line, problem.rule) for problem in intake.problems] == [(3, "csv-quotation")]


def test_a_row_with_countless_problems_tells_fifty_and_the_number_of_the_rest() -> None:
    problems = read(json.dumps({"person_id": "P020"} | {f"x{n}": 1 for n in range(400)})).problems
    assert len(problems) == 51
    assert problems[0].message == "There are 350 problems more; mend those named first."


def accepts_or_refuses(content: bytes, kind: str) -> None:
    try:
        intake = read(content, kind)
    except IntakeRefused:
        return
    assert intake.rows or intake.problems
    for row in intake.rows:
        assert KINDS[kind].json_of(KINDS[kind].parse(row.data, "request")) == row.data
    assert all(str(problem).isprintable() for problem in intake.problems)


@given(st.binary(max_size=300), st.sampled_from(sorted(KINDS)))
@example(b"[" * 200_000, DECLARATION)
@example(b'{"a":' * 100_000, DECLARATION)
@example(b'{"income":{"overtime":' + b"9" * 10_000 + b"}}", DECLARATION)
@example(b'{"income":{"overtime":1e' + b"9" * 30 + b"}}", DECLARATION)
@example(b'{"person_id":"P020","income":{"overtime":' + b"9" * 1_100_000 + b"}}", DECLARATION)
@example(b'{"person_id":"P020","income":{"overtime":0.' + b"9" * 1_100_000 + b"}}", DECLARATION)
@example(b'{"person_id":"P020","other":{"loan_months":1e999999999}}', DECLARATION)
@example(b'{"\\ud800": 1, "person_id": "\\ud800"}', DECLARATION)
@example(b'person_id\n"' + b"x" * 200_000, DECLARATION)
@example(b"person_id;reasons.\nP020;x\n", DECLARATION)
@example(b"person_id;income.lines.0.label\nP020;x\n", DECLARATION)
@example(b"person_id;income.lines.99.label\nP020;x\n", DECLARATION)
@example(b"\x00", DECLARATION)
@example(b"sep=", DECLARATION)
@example(b"sep=;", DECLARATION)
@example(b"sep=;\n", DECLARATION)
def test_no_bytes_bring_intake_down(content: bytes, kind: str) -> None:
    accepts_or_refuses(content, kind)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)


@given(st.lists(st.dictionaries(st.sampled_from([*sorted(WHOLE[0]), "person_id", "x"]), JSON), max_size=3))
def test_no_json_brings_intake_down(rows: list[dict[str, Any]]) -> None:
    accepts_or_refuses(json.dumps([{"person_id": "P020"} | row for row in rows]).encode(), DECLARATION)


CELLS = st.text(alphabet=st.sampled_from("P0Vja129,.;\"'\t\n\r -é\u202e"), max_size=8)


@given(st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=4), st.sampled_from(";,\t"), st.booleans())
def test_no_cells_bring_intake_down(rows: list[tuple[str, ...]], separator: str, quoted: bool) -> None:
    names = ["person_id", "income.thirteenth_month", "other.supplementary_statement"]
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=separator)
    writer.writerow(names)
    if quoted:
        writer.writerows(rows)
    else:
        out.write("\n".join(separator.join(row) for row in rows))
    accepts_or_refuses(out.getvalue().encode(), DECLARATION)


LINES = st.text(alphabet="abcXYZ éß'-.", min_size=1, max_size=20).filter(str.strip)
NOTES = st.text(alphabet='ab;,"\t\n<>&=é', min_size=1, max_size=30).filter(lambda text: text.strip(" \n\t"))
AMOUNTS = st.decimals(0, 99_999, places=2).map(str)


@settings(max_examples=60)
@given(LINES, NOTES.filter(lambda text: "\t" not in text), AMOUNTS, st.sampled_from(";,\t"))
def test_whatever_is_taken_reads_the_same_from_csv_and_json(
    town: str, note: str, amount: str, separator: str
) -> None:
    row = {
        "person_id": "P020",
        "employee": {"town": town},
        "other": {"supplementary_statement": note},
        "income": {"thirteenth_month": amount, "lines": [{"label": town, "amount": amount, "fixed": True}]},
    }
    from_json = read(json.dumps(row))
    from_csv = read(as_csv([row], separator))
    assert [r.data for r in from_csv.rows] == [r.data for r in from_json.rows]
    assert keys(from_csv) == keys(from_json)
    assert len(from_csv.rows) == 1


def test_rows_on_one_line_are_told_apart_by_number_and_reference() -> None:
    rows = [
        {"person_id": "P020", "reference": "A-1"},
        {"person_id": "P999", "reference": "A-2"},
        {"person_id": "P999"},
        {"person_id": "P021", "reference": "A-1"},
        {"person_id": "P021", "reference": "111 222 333"},
    ]
    intake = read(json.dumps(rows))
    assert [(row.line, row.row) for row in intake.rows] == [(1, 1)]
    assert [str(problem).partition(":")[0] for problem in intake.problems] == [
        "line 1, row 2 (reference A-2), person_id",
        "line 1, row 3, person_id",
        "line 1, row 4 (reference A-1), reference",
        "line 1, row 5, reference",
    ]
    assert [problem.row for problem in intake.problems] == [2, 3, 4, 5]
    assert "Row 1 has the same reference" in intake.problems[2].message


def test_rows_on_lines_of_their_own_are_told_by_line() -> None:
    intake = read(json.dumps([{"person_id": "P020"}, {"person_id": "P999"}], indent=1))
    assert [str(problem) for problem in intake.problems] == [
        "line 5, person_id: The HR register holds no person of this id."
    ]


def test_a_row_that_names_nobody_is_told_so() -> None:
    intake = read("reference;functie\nA-1;Cook\n")
    [first, *others] = intake.problems
    assert (first.field, first.rule) == ("person_id", "person-missing")
    assert {problem.rule for problem in others} == {"missing"}
    whole = {name: value for name, value in WHOLE[0].items() if name != "person_id"}
    assert read(json.dumps(whole)).problems == ()  # it needs nothing from the register
