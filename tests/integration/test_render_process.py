"""Rendering leaves the process as it was, and does not depend on it."""

import subprocess
import sys
from datetime import date
from pathlib import Path

from reportlab import rl_config
from reportlab.pdfbase import pdfmetrics

from documents.kinds import KINDS
from documents.render import SignatureSlot, render

ROOT = Path(__file__).resolve().parents[2]

SCRIPT = """
import hashlib
from datetime import date
from documents.kinds import KINDS
from documents.render import SignatureSlot, render
kind = KINDS["employer_declaration"]
data = kind.json_of(kind.parse(kind.example(temporary=True)))
pdf = render("employer_declaration", data, number="1", verification_code="ABCD", issued_on=date(2024, 11, 20),
    valid_until=None, slots=[SignatureSlot("employer")], archive_timestamp=True, verify_url=None, note=None)
print(hashlib.sha256(pdf).hexdigest())
"""


def run(script: str, **environment: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={"PATH": "", **environment},
    )
    return ran.stdout


def test_another_process_in_another_place_writes_the_same_bytes() -> None:
    first = run(SCRIPT, PYTHONHASHSEED="1", TZ="Asia/Tokyo", LANG="C")
    second = run(SCRIPT, PYTHONHASHSEED="2", TZ="America/Lima", LANGUAGE="nl", LANG="nl_NL.UTF-8")
    assert first == second
    assert len(first.strip()) == 64


def test_importing_reads_no_face_and_no_catalogue() -> None:
    script = (
        "import documents.render, documents.words, documents.pdfa, fonts.face\n"
        "caches = (fonts.face.regular, fonts.face.bold, documents.words.words_in, documents.pdfa._constant)\n"
        "print([cache.cache_info().currsize for cache in caches])"
    )
    assert run(script).strip() == "[0, 0, 0, 0]"


def test_reportlab_is_left_as_it_was() -> None:
    settings = {name: value for name, value in vars(rl_config).items() if not name.startswith("__")}
    fonts = set(pdfmetrics.getRegisteredFontNames())
    kind = KINDS["action_plan"]
    render(
        "action_plan",
        kind.json_of(kind.parse(kind.example())),
        number="1",
        verification_code="ABCD",
        issued_on=date(2024, 11, 20),
        valid_until=None,
        slots=[SignatureSlot("approver")],
        archive_timestamp=False,
        verify_url=None,
        note=None,
    )
    assert {name: value for name, value in vars(rl_config).items() if not name.startswith("__")} == settings
    assert not {name for name in set(pdfmetrics.getRegisteredFontNames()) - fonts if "Noto" in name}
