"""docs/bad-input.md is the source of truth: every example file in it gets the answer beside it."""

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from documents.errors import IntakeRefused
from documents.intake import DEFAULT_LIMITS, Intake, read_rows
from documents.kinds import KINDS, StageName
from documents.kinds.fields import LINE_MAX, NOTE_MAX
from documents.kinds.kind import PROBLEMS_MAX
from documents.register import SAMPLE, Register

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "bad-input.md").read_text(encoding="utf-8")
HANDED_IN_ON = date(2024, 11, 20)
REGISTER = Register.load(SAMPLE)


@dataclass(frozen=True)
class Example:
    what: str
    kind: str
    stage: StageName
    content: bytes
    answer: str


def cells(line: str) -> list[str]:
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def content(cell: str) -> bytes:
    written = re.sub(r"\{([^{}]+?)\*(\d+)\}", lambda found: found[1] * int(found[2]), cell.strip("`"))
    as_bytes = written.startswith("bytes ")
    text = written.removeprefix("bytes ").encode("ascii").decode("unicode_escape")
    return text.encode("latin-1" if as_bytes else "utf-8")


def tables(header: str) -> list[tuple[str, list[list[str]]]]:
    """Tables with this header line, each with the text between the heading above it and itself."""
    found = re.findall(rf"^#+ (.*?)^{re.escape(header)}\n\|[-|]+\n((?:\|[^\n]*\n)+)", PAGE, re.M | re.S)
    return [
        (above.rpartition("\n#")[2], [cells(line) for line in rows.splitlines()]) for above, rows in found
    ]


def examples() -> list[Example]:
    made = []
    for above, rows in tables("| what | file | answer |"):
        options = re.search(r"<!-- kind=(\S+) stage=(\S+) -->", above)
        assert options
        made += [
            Example(what, options[1], options[2], content(cell), answer)  # type: ignore[arg-type]
            for what, cell, answer in rows
        ]
    return made


def answer_to(intake: Intake) -> str:
    problems = [str(problem) for problem in intake.problems]
    warnings = [f"line {row.line}, {warning}" for row in intake.rows for warning in row.warnings]
    return "<br>".join(problems + warnings)


def test_the_page_has_enough_examples() -> None:
    assert len(examples()) >= 100


@pytest.mark.parametrize("example", examples(), ids=lambda example: example.what.replace(" ", "-"))
def test_every_example_gets_its_answer(example: Example, tmp_path: Path) -> None:
    file = tmp_path / "submission"
    file.write_bytes(example.content)
    try:
        answer = answer_to(
            read_rows(file, example.kind, on=HANDED_IN_ON, register=REGISTER, stage=example.stage)
        )
    except IntakeRefused as refused:
        answer = f"refused: {refused}" if refused.hint else "refused without a hint"
    assert answer == example.answer


def test_the_good_rows_beside_a_bad_one_are_taken(tmp_path: Path) -> None:
    file = tmp_path / "submission.csv"
    file.write_text("person_id;functie\nP019;Wizard\nP020;\nP999;\nP021;\n", encoding="utf-8")
    intake = read_rows(file, "employer_declaration", on=HANDED_IN_ON, register=REGISTER)
    assert [row.line for row in intake.rows] == [3, 5]
    assert [(problem.line, problem.rule) for problem in intake.problems] == [
        (2, "function-differs"),
        (4, "person-unknown"),
    ]


def test_the_page_lists_exactly_the_rules_there_are() -> None:
    listed = {tuple(row) for _, rows in tables("| rule | from | kind | message |") for row in rows}
    assert listed == {
        (f"`{rule.id}`", rule.since.name.lower(), rule.severity, rule.message)
        for kind in KINDS.values()
        for rule in kind.rules
    }


def test_the_page_tells_the_limits() -> None:
    limits = DEFAULT_LIMITS
    told = (
        f"{limits.file_bytes // 1_000_000} MB a file, {limits.rows:,} rows, "
        f"{limits.values:,} columns or values a row, {limits.cell_characters:,} characters a cell, "
        f"{LINE_MAX} characters a line of text, {NOTE_MAX:,} a note. "
        f"Of one row, the first {PROBLEMS_MAX} problems"
    )
    assert told in " ".join(PAGE.split())


def test_every_rule_has_an_example(tmp_path: Path) -> None:
    met = set()
    file = tmp_path / "submission"
    for example in examples():
        file.write_bytes(example.content)
        try:
            intake = read_rows(file, example.kind, on=HANDED_IN_ON, register=REGISTER, stage=example.stage)
        except IntakeRefused:
            continue
        met |= {problem.rule for problem in intake.problems}
        met |= {warning.rule for row in intake.rows for warning in row.warnings}
    listed = {
        row[0].strip("`")
        for header in ("| rule | from | kind | message |", "| rule | what breaks it |")
        for _, rows in tables(header)
        for row in rows
    }
    assert met == listed


@pytest.mark.parametrize("path", ["missing.csv", ".", "nul\0.csv"])
def test_what_is_no_file_is_refused(path: str, tmp_path: Path) -> None:
    with pytest.raises(IntakeRefused):
        read_rows(tmp_path / path, "employer_declaration", on=HANDED_IN_ON)
