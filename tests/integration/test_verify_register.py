"""The office's register has the first word on a file: on both databases, by the command as it is typed."""

import asyncio
import secrets
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, text, update

from certs.serve_authority import AuthorityServer
from cli.main import main
from signing.verify.register import MOST_BEGINNINGS, traces_of
from tests.command_line import Said, Terminal
from tests.databases import KINDS, Database, as_owner, fresh
from tests.steps_office import Sample
from tests.vectors.stock import plain_pdf
from workflow import destruction
from workflow.eventlog import Appender
from workflow.keeping import Kept
from workflow.store import FILE, Store
from workflow.tables import DocumentRow, Request

OUTSIDER = "P021"


@dataclass(frozen=True)
class Issued:
    """An office that issued a document with two signatures, and one that is destroyed."""

    data: Path
    environ: Database
    root: Path
    request: int
    requester: str
    number: str
    current: bytes
    earlier: bytes
    drawn: bytes
    signers: dict[str, str]
    destroyed: int
    was: bytes


@pytest.fixture(scope="module", params=KINDS)
def issued(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issued]:
    folder = tmp_path_factory.mktemp("register")
    data = folder / "data"
    data.mkdir(mode=0o700)
    with fresh(request.param, data, request) as database:
        sample = Sample.open(data, database.environ)
        with AuthorityServer(sample.office.authority.folder):
            numbers = [sample.submit("A3", temporary=True), sample.submit("A1")]
            for number in numbers:
                asyncio.run(sample.run_until("delivered", number))
        (folder / "root.pem").write_bytes(sample.office.authority.root_pem)
        made = _issued(sample, folder, database, *numbers)
        sample.office.close()
        yield made


def _issued(sample: Sample, folder: Path, database: Database, one: int, other: int) -> Issued:
    [document], [gone] = sample.documents(one), sample.documents(other)
    first, last = sorted(sample.signatures(one), key=lambda row: row.event_seq or 0)
    assert last.signed_sha256 == document.current_sha256
    blobs = sample.office.blobs
    made = Issued(
        data=folder / "data",
        environ=database,
        root=folder / "root.pem",
        request=one,
        requester=sample.request(one).requester_id,
        number=document.number,
        current=blobs.get(document.current_sha256),
        earlier=blobs.get(str(first.signed_sha256)),
        drawn=blobs.get(document.rendered_sha256),
        signers={row.field: row.certificate_sha256 for row in (first, last)},
        destroyed=other,
        was=blobs.get(gone.current_sha256),
    )
    _destroy(sample, other)
    return made


def _destroy(sample: Sample, number: int) -> None:
    request, now = sample.request(number), sample.office.clock()
    definition = sample.office.catalogue.by_hash(request.definition_sha256)
    kept = Kept(number, definition, request.unit, "done", now.date(), now.date() + timedelta(days=90))
    with sample.office.store.write() as session:
        destruction.destroy(session, Appender.lock(session, secrets.token_bytes), [kept], at=now)


@pytest.fixture
def terminal(issued: Issued, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Terminal:
    for name, value in issued.environ.environ.items():
        monkeypatch.setenv(name, value)
    return Terminal(issued.data, capsys)


def asked(
    issued: Issued, terminal: Terminal, folder: Path, pdf: bytes, *words: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The report, and the register's word in it."""
    path = folder / "asked.pdf"
    path.write_bytes(pdf)
    said = terminal.office("verify", path, "--trust", issued.root, "--json", *words)
    [report] = said.json["files"]
    return report, report["register"]


def codes(report: dict[str, Any]) -> set[str]:
    return {finding["code"] for finding in report["findings"]}


def test_what_was_issued_is_known_by_its_bytes(issued: Issued, terminal: Terminal, tmp_path: Path) -> None:
    report, word = asked(issued, terminal, tmp_path, issued.current)
    assert (report["verdict"], report["indication"]) == ("authentic", "TOTAL-PASSED")
    assert report["sentence"].startswith(
        f"Authentic as issued. In the register: document {issued.number} (declaration) of request"
        f" {issued.request}, as issued on "
    )
    assert (word["standing"], word["request"], word["replaced_by"]) == ("issued", issued.request, None)
    assert {each["field"]: each["certificate_sha256"] for each in word["expected"]} == issued.signers
    assert (word["missing"], word["unexpected"]) == ([], [])
    assert codes(report) == {"register_issued"}


def test_an_earlier_version_is_told_from_the_one_that_is_issued(
    issued: Issued, terminal: Terminal, tmp_path: Path
) -> None:
    current, _ = asked(issued, terminal, tmp_path, issued.current)
    report, word = asked(issued, terminal, tmp_path, issued.earlier)
    assert (word["standing"], word["replaced_by"]) == ("earlier", current["sha256"])
    assert [each["field"] for each in word["expected"]] == list(issued.signers)[:1]
    assert (report["verdict"], report["indication"]) == ("signed_but", "TOTAL-PASSED")
    drawn, word = asked(issued, terminal, tmp_path, issued.drawn)
    assert (word["standing"], word["expected"]) == ("unsigned", [])
    assert drawn["verdict"] == "cannot_be_judged"


def test_what_stands_behind_an_issued_file_is_measured(
    issued: Issued, terminal: Terminal, tmp_path: Path
) -> None:
    report, word = asked(issued, terminal, tmp_path, issued.current + b"%% junk\n" * 128)
    assert (word["standing"], word["of"], word["added_bytes"]) == ("extended", "issued", 1024)
    assert "with 1,024 bytes behind it that were not issued" in report["sentence"]
    assert report["verdict"] == "not_what_was_signed"  # the register makes nothing milder
    assert "register_signer_missing" not in codes(report)


def test_a_signer_that_the_register_expects_and_the_file_lacks_is_a_finding(
    issued: Issued, terminal: Terminal, tmp_path: Path
) -> None:
    report, word = asked(issued, terminal, tmp_path, issued.earlier + b"\n\n")
    assert (word["standing"], word["of"], word["added_bytes"]) == ("extended", "earlier", 2)
    assert word["missing"] == list(issued.signers)[1:]
    assert codes(report) == {"register_extended", "register_signer_missing", "signature_field_empty"}
    assert (report["verdict"], report["indication"]) == ("signed_but", "INDETERMINATE")


def test_a_signature_that_the_register_does_not_have_is_a_finding(
    issued: Issued, terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if somebody else's signature stood where the log has another certificate."""
    import workflow.issued as register

    usual = register._signers
    other = lambda *rest: tuple(register.replace(each, certificate_sha256="0" * 64) for each in usual(*rest))  # noqa: E731
    monkeypatch.setattr(register, "_signers", other)
    report, word = asked(issued, terminal, tmp_path, issued.current)
    assert word["unexpected"] == list(issued.signers)
    assert codes(report) == {"register_issued", "register_signer_unexpected"}
    assert report["indication"] == "INDETERMINATE"


def test_a_file_with_the_number_of_another_is_contradicted(
    issued: Issued, terminal: Terminal, tmp_path: Path
) -> None:
    changed = bytearray(issued.current)
    changed[3000] ^= 1
    report, word = asked(issued, terminal, tmp_path, bytes(changed))
    assert (word["standing"], word["number"]) == ("claimed", issued.number)
    assert "these are not the bytes that were issued" in report["sentence"]
    assert report["verdict"] == "not_what_was_signed"


def test_a_number_alone_doubts_nobody_s_signature(issued: Issued, terminal: Terminal, tmp_path: Path) -> None:
    """Another office counts alike."""
    foreign = plain_pdf() + b"%%<dc:identifier>%b</dc:identifier>\n" % issued.number.encode()
    report, word = asked(issued, terminal, tmp_path, foreign)
    assert word["standing"] == "claimed"
    assert codes(report) == {"no_signature", "register_contradicted"}


def test_what_is_not_in_the_register_is_judged_by_itself(
    issued: Issued, terminal: Terminal, tmp_path: Path
) -> None:
    report, word = asked(issued, terminal, tmp_path, plain_pdf())
    assert (word["standing"], word["request"], codes(report)) == ("unknown", None, {"no_signature"})
    assert report["sentence"].startswith("Cannot be judged because")
    report, word = asked(issued, terminal, tmp_path, issued.current, "--no-register")
    assert (word, report["verdict"], report["findings"]) == (None, "authentic", [])


def test_of_a_destroyed_request_only_its_destruction_record_speaks(
    issued: Issued, terminal: Terminal, tmp_path: Path
) -> None:
    report, word = asked(issued, terminal, tmp_path, issued.was)
    assert (word["standing"], word["request"], word["document"]) == (
        "destroyed",
        issued.destroyed,
        "declaration",
    )
    assert word["destroyed_on"]
    assert (word["number"], word["expected"], word["recorded_at"]) == (None, [], None)
    assert (word["missing"], word["unexpected"]) == ([], [])
    assert report["verdict"] == "authentic"
    report, word = asked(issued, terminal, tmp_path, issued.was + b"\n")
    assert "with 1 byte behind it that was not issued" in report["sentence"]
    assert (word["standing"], word["of"], word["expected"]) == ("extended", "destroyed", [])


def test_only_what_a_person_may_see_is_told(issued: Issued, terminal: Terminal, tmp_path: Path) -> None:
    _, word = asked(issued, terminal, tmp_path, issued.current, "--seen-by", issued.requester)
    assert word["request"] == issued.request
    for pdf in (issued.current, issued.earlier, issued.current + b"\n"):
        report, word = asked(issued, terminal, tmp_path, pdf, "--seen-by", OUTSIDER)
        assert word.pop("standing") == "hidden"
        assert not any(word.values())
        assert "a request that who asks may not see" in report["sentence"]
        assert issued.number not in str({**report, "signatures": None})


def test_a_mistyped_person_is_told_and_not_taken_for_one_who_may_see_nothing(
    issued: Issued, terminal: Terminal, tmp_path: Path
) -> None:
    (tmp_path / "asked.pdf").write_bytes(issued.current)
    said = terminal.office("verify", tmp_path / "asked.pdf", "--seen-by", "P0024")
    assert (said.status, said.out) == (2, "")
    assert "P0024 is not known here." in said.err


def _as_owner(store: Store, statement: str) -> None:
    """Undo what nothing of ours undoes."""
    if not store.embedded:
        as_owner(store, statement)
        return
    with store.write() as session:
        session.execute(text(statement))


def test_an_issued_document_of_which_there_is_a_later_revision_is_replaced(
    issued: Issued, terminal: Terminal, tmp_path: Path
) -> None:
    store = Store.open(issued.data, dict(issued.environ.environ))
    documents, requests = DocumentRow.table(), Request.table()
    with store.write() as session:
        row = (
            session.connection()
            .execute(select(documents).where(documents.c.request_id == issued.request))
            .one()
            ._asdict()
        )
        later = {**row, "revision_no": 2, "verification_code": "LATER", "current_sha256": "f" * 64}
        later |= {"rendered_sha256": "e" * 64, "id": 900, "number": "2099-000009"}
        session.connection().execute(insert(documents).values(**later))
        session.connection().execute(
            update(requests).where(requests.c.id == issued.request).values(outcome="withdrawn")
        )
    try:
        report, word = asked(issued, terminal, tmp_path, issued.current)
    finally:
        _as_owner(store, "DELETE FROM documents WHERE id = 900")
        _as_owner(store, "UPDATE requests SET outcome = 'done' WHERE outcome = 'withdrawn'")
        store.close()
    assert (word["standing"], word["replaced_by"], word["withdrawn"]) == ("earlier", "f" * 64, "withdrawn")
    assert codes(report) == {"register_earlier", "register_withdrawn"}
    assert (report["verdict"], report["indication"]) == ("signed_but", "TOTAL-PASSED")


def test_a_run_over_many_and_the_quick_look_ask_it_too(
    issued: Issued, terminal: Terminal, tmp_path: Path
) -> None:
    files = tmp_path / "files"
    files.mkdir()
    for number in range(3):
        (files / f"{number}.pdf").write_bytes(issued.current)
    into = tmp_path / "into"
    said = terminal.office("verify", files, "--trust", issued.root, "--into", into, "--jobs", "1")
    assert said.status == 0, said
    lines = (into / "results.jsonl").read_text().splitlines()
    assert sum('"standing": "issued"' in line for line in lines) == 3
    assert sum('"validation": "quick"' in line for line in lines) == 2
    table = (into / "results.csv").read_text().splitlines()
    assert table[0].endswith(",register,request")
    assert table[1].endswith(f",issued,{issued.request}")
    assert (into / "exceptions.csv").read_text().count("\n") == 1


def test_a_register_that_cannot_be_asked_ends_the_call(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / FILE).write_bytes(b"no database")
    (tmp_path / "a.pdf").write_bytes(plain_pdf())
    terminal = Terminal(tmp_path, capsys)
    said = terminal.office("verify", tmp_path / "a.pdf")
    assert (said.status, "The office's register can't be asked" in said.err) == (2, True)
    assert "--no-register" in said.err
    assert said.out == ""
    assert "no_signature" in terminal.office("verify", tmp_path / "a.pdf", "--no-register").out


def test_an_office_that_nobody_named_may_be_one_that_can_not_be_opened(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the folder in which the command is typed: of an earlier release, say. Whoever names it is told."""
    monkeypatch.chdir(tmp_path)
    with closing(Store.unopened(Path("data"), {})) as store:
        store.migrate("0009")
    Path("a.pdf").write_bytes(plain_pdf())
    terminal = Terminal(Path("data"), capsys)
    (file,) = terminal("verify", "a.pdf", "--json").json["files"]
    [note] = [one for one in file["findings"] if one["code"] == "register_unasked"]
    assert (note["weight"], file["register"], file["verdict"]) == ("note", None, "cannot_be_judged")
    assert "it is at 0009" in note["detail"]
    for named in (("--data", "data"), ("--seen-by", "P001")):
        assert (refused := terminal("verify", "a.pdf", *named)).status == 2
        assert "The office's register can't be asked" in refused.err
    monkeypatch.setenv("PARAAF_DATA", "data")
    assert "The office's register can't be asked" in terminal("verify", "a.pdf").err


def test_without_an_office_nothing_is_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.pdf").write_bytes(plain_pdf())
    said: Said = Terminal(tmp_path / "data", capsys)("verify", "a.pdf", "--json")
    assert said.json["files"][0]["register"] is None
    assert main(["verify", "a.pdf", "--seen-by", "P001"]) == 2
    assert "There is no office" in capsys.readouterr().err
    assert main(["verify", "a.pdf", "--data", "dat"]) == 2  # mistyped: its register would say nothing
    assert "There is no office in the folder dat whose register" in capsys.readouterr().err
    assert main(["verify", "a.pdf", "--data", "dat", "--no-register"]) == 2
    assert "no_signature" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["a.pdf"]


def test_the_traces_of_a_file_are_bounded() -> None:
    traces = traces_of(
        b"%%EOF\n" * 1000 + b"<dc:identifier>1</dc:identifier><dc:identifier>2</dc:identifier>"
    )
    assert len(traces.beginnings) == MOST_BEGINNINGS
    assert traces.beginnings[0][0] == 6000
    assert traces.numbers == ("1", "2")
