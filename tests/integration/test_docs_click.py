"""docs/how-to/sign-by-click.md: what it has one type works, and the page tells what it promises."""

import csv
import io
import json
import re
import shlex
from datetime import datetime
from pathlib import Path

import pytest

from documents.register import SAMPLE
from fonts import bold, regular
from tests.command_line import Terminal

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "how-to" / "sign-by-click.md").read_text(encoding="utf-8")
TYPED = re.findall(r"^    (paraaf .*)$", GUIDE, re.MULTILINE)
SIGNING = {
    "name": "H. Voorbeeld-Esdoorn",
    "place": "Voorbeeldstad",
    "contact_name": "Desk",
    "contact_phone": "070 000 0000",
}


def with_an_administrator() -> str:
    """The sample register, in which P200 administers the office."""
    rows = list(csv.reader(SAMPLE.read_text(encoding="utf-8").splitlines()))
    column = rows[0].index("duties")
    for row in rows:
        row[column] = "administrator" if row[0] == "P200" else row[column]
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(rows)
    return written.getvalue()


@pytest.mark.slow
def test_every_command_of_the_how_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    terminal = Terminal(tmp_path / "data", capsys)
    for name, text in {
        "people.csv": with_an_administrator(),
        "rows.csv": "person_id;reference;employee.maiden_name\nP024;R-1;Voorbeeld-Zon\n",
        "signing.json": json.dumps({"signing": SIGNING}),
        "new.pass": "a horse, a stable\n",
        "given.pass": "given by P200\n",
        "own.pass": "chosen by P002\n",
    }.items():
        Path(name).write_text(text, encoding="utf-8")
    before = """people --register people.csv
        submit rows.csv --variant A1 --language en
        fire 1 approve --as P006 --version 1
        fire 1 approve --as P020 --version 2 --data-json signing.json
        worker --until-idle"""
    for line in before.splitlines():
        assert terminal(*shlex.split(line)).status == 0, line
    without = terminal(*shlex.split("fire 1 sign --as P001 --version 4 --consent"))
    assert "Show that it is you" in without.err
    assert "gets one by `paraaf people password P001`" in without.err
    needless = terminal(*shlex.split("fire 1 return --as P001 --remark No. --password-file new.pass"))
    assert "--password-file goes with --consent." in needless.err
    said = {line: terminal(*shlex.split(line)[1:]) for line in TYPED}
    assert {line: done.status for line, done in said.items()} == dict.fromkeys(TYPED, 0)
    shown = said["paraaf show 1 --as P020"].out
    [digest] = re.findall(
        "SHA-256 ([0-9a-f]{64}), through command-line, showed who they are by password", shown
    )
    assert "Nothing is wrong." in said["paraaf log verify"].out
    given = shlex.split("people password P003 --as P200 --file given.pass")
    assert "with which they choose their own" in terminal(*given).out

    assert terminal("worker", "--until-idle").status == 0
    assert terminal(*shlex.split("show 1 --as P024 -o signed.pdf")).status == 0
    pdf = Path("signed.pdf").read_bytes()
    sealed = "Sealed by Ministerie van Voorbeelden (sample) (development)"
    assert bold().hex(sealed).encode() in pdf
    [at] = [
        one["at"]
        for one in terminal.json("show", 1, "--as", "P020")["request"]["history"]
        if "consent" in (one["body"] or {})
    ]
    moment = datetime.fromisoformat(at)
    for words in (
        "H. Voorbeeld-Esdoorn has not signed with a key of their own",
        f"H. Voorbeeld-Esdoorn consented on {moment:%-d %B %Y, %H:%M:%S} UTC",
        "Channel: command line. Identity confirmed anew by: password",
        digest,
    ):
        assert regular().hex(words).encode() in pdf
    verified = terminal(
        *shlex.split("verify signed.pdf --no-register --trust data/trust/development-root.pem")
    )
    assert verified.status == 0
    assert "seal “employer”" in verified.out
    assert "Voorbeeld-Esdoorn" not in verified.out
