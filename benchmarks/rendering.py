"""How long rendering takes, and how large its files are: `python -m benchmarks.rendering`."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from documents.kinds import KINDS
from documents.render import SAMPLE_NOTE, SignatureSlot, render

ROUNDS = 7
REPEATS = 40


@dataclass(frozen=True)
class Measured:
    """One kind of document: processor milliseconds (best of the rounds), pages, bytes."""

    name: str
    milliseconds: float
    pages: int
    size: int


def measure() -> list[Measured]:
    """Render each sample again and again on one core."""
    declaration, plan = KINDS["employer_declaration"], KINDS["action_plan"]
    permanent = declaration.json_of(declaration.parse(declaration.example()))
    temporary = declaration.json_of(declaration.parse(declaration.example(temporary=True)))
    safety = plan.json_of(plan.parse(plan.example(safety=True)))
    long_plan = safety | {"actions": [safety["actions"][0] | {"description": "word " * 399}] * 40}
    return [
        _measured("declaration", "employer_declaration", permanent, ("employer",)),
        _measured("declaration, two signatures", "employer_declaration", temporary, ("employer", "manager")),
        _measured("action plan", "action_plan", safety, ("approver",)),
        _measured("action plan, 40 long actions", "action_plan", long_plan, ("approver",), repeats=4),
    ]


def first_document_ms() -> float:
    """The first document of a process also reads and deflates the faces; measure before anything else."""
    declaration = KINDS["employer_declaration"]
    data = declaration.json_of(declaration.parse(declaration.example()))
    start = time.process_time()
    _renderer("employer_declaration", data, ("employer",))()
    return (time.process_time() - start) * 1e3


def _renderer(kind: str, data: Mapping[str, Any], fields: tuple[str, ...]) -> Callable[[], bytes]:
    return lambda: render(
        kind,
        data,
        number="2024-000123",
        verification_code="K7QF-2MZX-9TRB-LW4C-HD6P-V3NA-YS",
        issued_on=date(2024, 11, 20),
        valid_until=date(2025, 2, 20),
        slots=[SignatureSlot(field) for field in fields],
        archive_timestamp=True,
        verify_url="https://example.org/v",
        note=SAMPLE_NOTE,
        language="nl",
    )


def _measured(
    name: str, kind: str, data: Mapping[str, Any], fields: tuple[str, ...], *, repeats: int = REPEATS
) -> Measured:
    draw = _renderer(kind, data, fields)
    pdf = draw()
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.process_time()
        for _ in range(repeats):
            draw()
        best = min(best, (time.process_time() - start) / repeats)
    return Measured(name, best * 1e3, pdf.count(b"<</Type/Page/"), len(pdf))


def table() -> str:
    """The measurements as text."""
    lines = [f"first document of a process: {first_document_ms():.1f} ms", ""]
    lines.append(f"{'document':<32}{'pages':>6}{'kB':>8}{'ms':>8}{'a second':>10}")
    for row in measure():
        rate = 1000 / row.milliseconds
        lines.append(
            f"{row.name:<32}{row.pages:>6}{row.size / 1000:>8.1f}{row.milliseconds:>8.2f}{rate:>10.0f}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
