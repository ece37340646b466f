"""Outside witnesses read what rendering writes: veraPDF, qpdf, Poppler, a QR reader."""

import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
import rfc8785

from documents.kinds import KINDS
from documents.render import SAMPLE_NOTE, SignatureSlot, render
from tests import catalogues
from tests.witnesses import scanned

pytestmark = [pytest.mark.witness, pytest.mark.slow]

VERAPDF = Path(__file__).parents[1] / "witness" / "verapdf.sh"
CODE = "K7QF-2MZX-9TRB-LW4C-HD6P-V3NA-YS"
LONG_NAME = (
    "Ångström-Wąsowicz van der Żółkiewska-Ðorđević tot Oud-Valkenburg en Nieuw-Đurić van ’t Hoog-Łącki"
)


def example(kind: str, **choice: Any) -> dict[str, Any]:
    made = KINDS[kind]
    return made.json_of(made.parse(made.example(**choice)))


def long_declaration() -> dict[str, Any]:
    """Every text as long as its field allows."""
    data = example("employer_declaration", temporary=True)
    data["employer"]["name"] = data["employee"]["function"] = LONG_NAME
    data["employee"]["name"] = "W" * 120
    data["employment"]["reorganisation_impact"] = (LONG_NAME + " ") * 20
    data["continuation"]["changed_conditions_text"] = "First.\n\nThird.\n" + "x" * 1900
    line = {"label": LONG_NAME, "amount": "9999999.99", "fixed": True}
    data["income"]["lines"] = [line] * 10
    data["other"]["supplementary_statement"] = (LONG_NAME + " ") * 20
    return data


def long_plan() -> dict[str, Any]:
    data = example("action_plan", safety=True)
    data["actions"] = [data["actions"][0] | {"focus_area": LONG_NAME, "description": "word " * 399}] * 12
    return data


def rendered(
    kind: str, data: Mapping[str, Any], slots: Sequence[str], language: str, note: str | None
) -> bytes:
    return render(
        kind,
        data,
        number="2024-000123",
        verification_code=CODE,
        issued_on=date(2024, 11, 20),
        valid_until=date(2025, 2, 20),
        slots=[SignatureSlot(field) for field in slots],
        archive_timestamp=bool(slots),
        verify_url="https://example.org/v",
        note=note,
        language=language,
    )


Cases = Mapping[str, tuple[Path, dict[str, Any]]]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Cases:
    """One file a case, and the data it was made of."""
    folder = tmp_path_factory.mktemp("rendered")
    permanent = example("employer_declaration")
    temporary = example("employer_declaration", temporary=True)
    cases: dict[str, tuple[str, dict[str, Any], tuple[str, ...], str, str | None]] = {
        "permanent": ("employer_declaration", permanent, ("employer",), "en", SAMPLE_NOTE),
        "temporary": ("employer_declaration", temporary, ("employer", "manager"), "nl", None),
        "paper": ("employer_declaration", temporary, (), "nl", None),
        "long": ("employer_declaration", long_declaration(), ("employer", "manager"), "da", SAMPLE_NOTE),
        "plan": ("action_plan", example("action_plan"), ("approver",), "nb", None),
        "safety": ("action_plan", example("action_plan", safety=True), ("approver",), "da", None),
        "long-plan": ("action_plan", long_plan(), ("approver",), "nl", SAMPLE_NOTE),
    }
    made = {}
    for name, (kind, data, slots, language, note) in cases.items():
        path = folder / f"{name}.pdf"
        path.write_bytes(rendered(kind, data, slots, language, note))
        made[name] = (path, data)
    return made


@pytest.fixture(scope="module")
def text_of(files: Cases) -> Callable[[str], str]:
    """The text of a case, as Poppler reads it, with single spaces."""

    def read(name: str) -> str:
        found = subprocess.run(["pdftotext", files[name][0], "-"], capture_output=True, text=True, check=True)
        return " ".join(found.stdout.split())

    return read


def test_verapdf_calls_every_document_pdf_a_3b(files: Cases) -> None:
    paths = [path for path, _ in files.values()]
    ran = subprocess.run([VERAPDF, *paths], capture_output=True, text=True, check=False)
    verdicts = [json.loads(line) for line in ran.stdout.splitlines()]
    assert len(verdicts) == len(paths), ran.stderr
    assert [verdict for verdict in verdicts if not verdict["passed"]] == []


def test_verapdf_notices_a_document_that_is_not(files: Cases, tmp_path: Path) -> None:
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(files["permanent"][0].read_bytes().replace(b"/GTS_PDFA1", b"/GTS_PDFX1"))
    ran = subprocess.run([VERAPDF, broken], capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert json.loads(ran.stdout)["failures"]


def test_qpdf_finds_nothing_wrong(files: Cases) -> None:
    for path, _ in files.values():
        ran = subprocess.run(["qpdf", "--check", path], capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr


def test_every_font_is_embedded_and_readable_as_text(files: Cases) -> None:
    for path, _ in files.values():
        ran = subprocess.run(["pdffonts", path], capture_output=True, text=True, check=True)
        rows = ran.stdout.splitlines()[2:]
        assert len(rows) == 2
        for row in rows:
            assert row.split()[-5:-2] == ["yes", "yes", "yes"], row  # embedded, subset, ToUnicode


def test_the_attached_data_is_the_data(files: Cases, tmp_path: Path) -> None:
    for name, (path, data) in files.items():
        target = tmp_path / f"{name}.json"
        subprocess.run(["pdfdetach", "-save", "1", "-o", target, path], check=True)
        assert target.read_bytes() == rfc8785.dumps(data)


def test_the_text_can_be_copied_as_it_was_typed(text_of: Callable[[str], str]) -> None:
    text = text_of("temporary")
    for words in (
        "Werkgeversverklaring",
        "Nummer Datum van afgifte Geldig tot en met 2024-000123 20 november 2024 20 februari 2025",
        CODE,
        "J. Voorbeeld-Zonnebloem",
        "50.400,00",
        "€ 2.500,00",
        "Handtekening van de leidinggevende",
        "Pagina 2 van 2",
    ):
        assert words in text.replace("\N{NO-BREAK SPACE}", " "), words


def test_long_names_are_printed_in_full(text_of: Callable[[str], str]) -> None:
    text = text_of("long").replace(" ", "")
    assert text.count(LONG_NAME.replace(" ", "")) >= 30
    assert "W" * 120 in text


def test_a_sample_says_so_on_every_page(files: Cases, text_of: Callable[[str], str]) -> None:
    pages = len(pypdfium2.PdfDocument(files["long"][0]))
    assert pages > 3
    assert text_of("long").count("Eksempeldata – udviklingscertifikater") == pages
    assert "data" not in text_of("temporary")


def test_a_dutch_document_holds_no_english(text_of: Callable[[str], str]) -> None:
    text = text_of("temporary")
    english = {
        message.id
        for message in catalogues.read("nl")
        if isinstance(message.id, str) and " " in message.id and message.id != message.string
    }
    assert english
    assert [words for words in english if words in text] == []


def test_a_reader_finds_the_address_and_the_code_in_the_qr_code(files: Cases, tmp_path: Path) -> None:
    for path, _ in files.values():
        page = pypdfium2.PdfDocument(path)[0].render(scale=150 / 72).to_pil()
        assert scanned(page, tmp_path) == [f"https://example.org/v/{CODE}"]


def test_nothing_runs_into_the_margins(files: Cases) -> None:
    left, right, top, bottom = 60, 595 - 60, 30, 40  # points; the text's own margins are wider
    for path, _ in files.values():
        for page in pypdfium2.PdfDocument(path):
            image = page.render(scale=1).to_pil().convert("L")
            width, height = image.size
            for box in (
                (0, 0, left, height),
                (right, 0, width, height),
                (0, 0, width, top - 6),
                (0, height - bottom, width, height),
            ):
                assert image.crop(box).getextrema() == (255, 255), (path.name, box)
