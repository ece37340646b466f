"""Evidence packages: made from real offices on both databases, checked where no office is, forged, and
checked by hand with the commands of their own README.

PARAAF_CAMPAIGN multiplies in how many places a byte of the file is changed (default 1: 20).
"""

import asyncio
import json
import os
import re
import stat
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from audit import verify_log
from certs.authority import DevelopmentAuthority
from certs.loopback import free_base_url
from certs.serve_authority import AuthorityServer
from cli.main import main
from tests.anchored_log import make_anchor, seal_offline
from tests.command_line import Terminal
from tests.databases import Database, fresh, intruder
from tests.evidence_forger import PDF, REPORT, Forger, members_of, packed
from tests.steps_office import Sample
from workflow.anchors import Anchor, Statement
from workflow.eventlog import Head
from workflow.evidence_check import Fault, PackageReport, check_package
from workflow.evidence_package import ANCHOR, BODIES, MANIFEST, README, RUN, STATEMENT
from workflow.store import Store

ROOT = Path(__file__).resolve().parents[2]
PLACES = round(20 * float(os.environ.get("PARAAF_CAMPAIGN", "1")))
DOCS = (ROOT / "docs" / "evidence.md").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Made:
    """An office with signed requests, a package of each, and a request that has just been handed in."""

    data: Path
    authority: DevelopmentAuthority
    root: Path
    signed: tuple[int, ...]
    begun: int
    packages: tuple[bytes, ...]


def make(folder: Path, database: Database, *, signed: int) -> Made:
    """Drive the requests of an office in `folder`/data, and write the packages as a person does."""
    data = folder / "data"
    sample = Sample.open(data, database.environ)
    authority = sample.office.authority
    with AuthorityServer(authority.folder):
        numbers = tuple(sample.submit("A3") for _ in range(signed))
        begun = sample.submit("A3")
        for number in numbers:
            asyncio.run(sample.run_until("delivered", number))
        (folder / "root.pem").write_bytes(authority.root_pem)
        packages = [_package(folder, number) for number in numbers]
    sample.office.close()
    return Made(data, authority, folder / "root.pem", numbers, begun, tuple(packages))


def _package(folder: Path, number: int) -> bytes:
    file = folder / f"{number}.zip"
    words = ["evidence", str(number), "-o", str(file), "--anchor", "--with-bodies"]
    assert main([*words, "--data", str(folder / "data")]) == 0
    return file.read_bytes()


@pytest.fixture(scope="module")
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    folder = tmp_path_factory.mktemp("evidence")
    (folder / "data").mkdir(mode=0o700)
    with fresh("sqlite", folder / "data", request) as database:
        yield make(folder, database, signed=2)


@pytest.fixture
def terminal(made: Made, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(made.data, capsys)


@pytest.fixture
def forger(made: Made) -> Forger:
    return Forger(members_of(made.packages[0]), made.authority)


def judged(made: Made, package: bytes) -> PackageReport:
    return check_package(BytesIO(package), made.authority.trust, now=datetime.now(UTC))


def faults(made: Made, forged: Forger, *more: tuple[str, bytes]) -> set[Fault]:
    report = judged(made, packed(forged.members, *more))
    assert report.status == (1 if report.findings else 0)
    return {one.fault for one in report.findings}


# --- making


def test_a_package_is_checked_where_no_office_is(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "evidence.zip"
    file.write_bytes(made.packages[0])
    elsewhere = Terminal(tmp_path / "no-office", capsys)
    said = elsewhere("evidence", "--check", file, "--trust", made.root)
    assert (said.status, said.out.splitlines()[-1]) == (0, "The evidence holds.")
    assert "Authentic as issued." in said.out
    found = elsewhere("evidence", "--check", file, "--trust", made.root, "--json").json
    assert (found["ok"], found["request"], found["findings"]) == (True, made.signed[0], [])
    assert found["documents"][0]["indication"] == "TOTAL-PASSED"
    untrusted = elsewhere("evidence", "--check", file)
    assert (untrusted.status, "nothing is trusted" in untrusted.err) == (2, True)
    assert "not everything could be judged" in untrusted.out
    assert list(tmp_path.iterdir()) == [file]


def test_another_root_vouches_for_nothing(made: Made, tmp_path: Path) -> None:
    other = DevelopmentAuthority.create(
        tmp_path / "other", base_url=free_base_url(), now=datetime.now(UTC) - timedelta(hours=1)
    )
    report = check_package(BytesIO(made.packages[0]), other.trust, now=datetime.now(UTC))
    assert report.status == 1
    assert {one.fault for one in report.findings} >= {Fault.SEAL, Fault.ANCHOR}


def test_it_says_what_it_holds(made: Made, terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "again.zip"
    said = terminal.json("evidence", made.signed[0], "-o", file)
    assert (said["ok"], said["with_bodies"], said["output"]) == (True, False, str(file))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    members, before = members_of(file.read_bytes()), members_of(made.packages[0])
    manifest = json.loads(members[MANIFEST])
    assert manifest["keys"].startswith("development")
    assert manifest["documents"][0]["delivered"] is True
    assert b"urn:etsi:019102:mainindication:total-passed" in members["reports/declaration-1.xml"]
    assert members["reports/declaration-1.pdf"].startswith(b"%PDF-")
    assert not re.findall(r"P0\d\d|Voorbeeld", members[RUN].decode())  # the run names nobody
    again = terminal.office("evidence", made.signed[0], "-o", file)
    assert (again.status, "is there already" in again.err) == (1, True)
    # the same evidence gives the same entries, in the same order; with bodies one more
    assert list(members) == [name for name in before if name != BODIES]
    same = [name for name in members if re.match("documents|certificates|revocation|log", name)]
    assert {name: members[name] for name in same} == {name: before[name] for name in same}
    with zipfile.ZipFile(file) as archive:
        about = {(one.date_time, one.external_attr, one.extra) for one in archive.infolist()}
    assert about == {((1980, 1, 1, 0, 0, 0), 0o100644 << 16, b"")}


@pytest.mark.slow
def test_a_package_of_an_office_on_postgresql(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o700)
    with (
        fresh("postgresql", tmp_path / "data", request) as database,
        pytest.MonkeyPatch.context() as environment,
    ):
        for name, value in database.environ.items():
            environment.setenv(name, value)
        made = make(tmp_path, database, signed=1)
    assert judged(made, made.packages[0]).ok
    assert by_hand(made, made.packages[0], tmp_path / "by-hand").returncode == 0


def test_what_can_not_be_shown_is_refused(made: Made, terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "evidence.zip"
    refusals = {
        "workflow-evidence-nothing": [made.begun],
        "workflow-not-found": [9999],
        "command-choice": [],
    }
    for code, words in refusals.items():
        where = ["-o", file] if words else []
        said = terminal.office("evidence", *(words or [made.signed[0]]), *where, "--json")
        assert (said.status, said.json["error"]["code"]) == (1, code)
    said = terminal.office("evidence", made.signed[0], "-o", file, "--as", "P050", "--json")
    assert (said.status, said.json["error"]["code"]) == (1, "workflow-not-found")
    assert terminal.office("evidence", "-o", file).status == 2
    assert not list(tmp_path.iterdir())


def test_without_an_anchor_there_is_no_proof(made: Made, terminal: Terminal, tmp_path: Path) -> None:
    file, (_, number) = tmp_path / "evidence.zip", made.signed
    assert terminal.office("hold", number, "--as", "P020", "--reason", "A question.").status == 0
    said = terminal.office("evidence", number, "-o", file, "--json")
    assert (said.status, said.json["error"]["code"]) == (1, "workflow-evidence-unanchored")
    assert not list(tmp_path.iterdir())
    assert terminal.office("evidence", number, "-o", file, "--anchor").status == 0
    assert judged(made, file.read_bytes()).ok


def test_an_office_in_doubt_hands_nothing_out(made: Made, terminal: Terminal, tmp_path: Path) -> None:
    """An event was changed in the database: what would be handed out does not hold."""
    terminal.data = tmp_path / "data"
    terminal.copy_of(made.data)
    with closing(Store.open(terminal.data)) as store, intruder(store, guarded=False) as database:
        change = (
            'UPDATE events SET record = replace(record, \'"unit":"\', \'"unit":"x\') WHERE request_id = ?'
        )
        database.execute(change, (made.signed[0],))
    said = terminal.office("evidence", made.signed[0], "-o", tmp_path / "evidence.zip", "--json")
    assert (said.status, said.json["error"]["code"]) == (1, "workflow-evidence-refused")
    assert [each.name for each in tmp_path.iterdir()] == ["data"]


def test_what_can_no_longer_be_judged_is_not_wrong(made: Made) -> None:
    """In twenty years the archive timestamp's certificate has ended: nobody has forged anything."""
    later = datetime.now(UTC) + timedelta(days=20 * 365)
    report = check_package(BytesIO(made.packages[0]), made.authority.trust, now=later)
    assert (report.findings, report.status) == ([], 2)


# --- by hand


def commands(members: dict[str, bytes]) -> str:
    lines = members[README].decode("ascii").splitlines()
    return "\n".join(line[4:] for line in lines if line.startswith("    "))


def by_hand(made: Made, package: bytes, folder: Path) -> subprocess.CompletedProcess[str]:
    """What a person does who has nothing but the package, a root, OpenSSL and Poppler."""
    with zipfile.ZipFile(BytesIO(package)) as archive:
        archive.extractall(folder)  # our own
    return subprocess.run(
        ["bash", "-e", "-c", commands(members_of(package))],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "ROOT": str(made.root)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_commands_of_the_readme_work(made: Made, tmp_path: Path) -> None:
    said = by_hand(made, made.packages[0], tmp_path / "package")
    assert said.returncode == 0, said.stderr
    told = said.stdout + said.stderr
    assert "BROKEN" not in told
    assert told.count("Signature is Valid.") == 1
    assert told.count("Total document signed") == told.count("Not total document signed") == 1
    # the seal and the signature; its timestamp, the archive's, the anchor's; two answers
    assert told.count("erification successful") == 2
    assert told.count("Verification: OK") == 3
    assert told.count("Response verify OK") == told.count("Cert Status: good") == 2
    assert told.count('"type":"document_signed"') == told.count('"type":"document_delivered"') == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda forger: forger.put(PDF, forger.members[PDF].replace(b"/Contents", b"/contents", 1)),
        lambda forger: forger.with_records([forger.records[0] | {"unit": "x"}, *forger.records[1:]]),
        lambda forger: forger.with_records(forger.records[:-1]),
        lambda forger: forger.with_records(forger.records[:2] + forger.records[3:], chained=True),
        lambda forger: forger.put(STATEMENT, forger.members[STATEMENT].replace(b'"seq":', b'"seq":1')),
    ],
)
def test_by_hand_what_was_changed_is_seen(
    made: Made, forger: Forger, tmp_path: Path, change: Callable[[Forger], Forger]
) -> None:
    """Somebody in the office has sealed it: the commands still find it, without the office's seal."""
    said = by_hand(made, packed(change(forger).sealed().members), tmp_path / "package")
    assert said.returncode != 0


# --- forging


def test_the_forger_can_put_it_together_again(made: Made, forger: Forger) -> None:
    """Else the tests below would find the putting together, and not the change."""
    assert faults(made, forger) == set()
    assert faults(made, forger.sealed()) == set()
    assert faults(made, forger.with_records(forger.records, chained=True).sealed()) == set()


def _record(forger: Forger, **change: Any) -> list[dict[str, Any]]:
    """The records, with the event of the signature changed."""
    return [one | change if one["type"] == "document_signed" else one for one in forger.records]


def _body(forger: Forger, change: Callable[[bytes], bytes]) -> Forger:
    return forger.put(BODIES, change(forger.members[BODIES]))


def _last_revision_off(pdf: bytes) -> bytes:
    """The file before its archive timestamp."""
    return pdf[: pdf.rindex(b"%%EOF", 0, pdf.rindex(b"%%EOF")) + 6]


def _said(key: str, value: object) -> Callable[[Any], None]:
    return lambda manifest: manifest["log"].update({key: value})


def _undelivered(manifest: Any) -> None:
    manifest["documents"][0]["delivered"] = False


def _revised(manifest: Any) -> None:
    manifest["documents"][0]["revision"] = 2


def _renamed(manifest: Any) -> None:
    manifest["documents"][0]["file"] = "../declaration-1.pdf"


DECISIVE = {
    ("log",),
    ("request", "id"),
    ("documents", 0, "document"),
    ("documents", 0, "revision"),
    ("log", "head"),
}
SEALED: dict[str, tuple[Callable[[Forger], Forger], Fault]] = {
    "a byte of a document": (
        lambda one: one.put(
            PDF, one.members[PDF].replace(b"/Title", b"/Tiitle"[:6], 1).replace(b" 0 obj", b" 1 obj", 1)
        ),
        Fault.DOCUMENT,
    ),
    "a document's last revision cut off": (
        lambda one: one.put(PDF, _last_revision_off(one.members[PDF])),
        Fault.DIGEST,
    ),
    "a report": (
        lambda one: one.put(REPORT, one.members[REPORT].replace(b"TOTAL-PASSED", b"TOTAL-FAILED")),
        Fault.REPORT,
    ),
    "an event": (lambda one: one.with_records(_record(one, level_reached="B-B")), Fault.EVENTS),
    "an event, and all after it": (
        lambda one: one.with_records(_record(one, level_reached="B-B"), chained=True),
        Fault.EVENTS,
    ),
    "an event written otherwise": (
        lambda one: one.put(RUN, one.members[RUN].replace(b'"seq":', b'"seq": ', 1)),
        Fault.EVENTS,
    ),
    "the first event cut": (lambda one: one.with_records(one.records[1:]), Fault.REQUEST),
    "the last event cut": (lambda one: one.with_records(one.records[:-1]), Fault.EVENTS),
    "an event left out": (lambda one: one.with_records(one.records[:3] + one.records[4:]), Fault.EVENTS),
    "an event twice": (
        lambda one: one.with_records([*one.records[:3], one.records[2], *one.records[3:]]),
        Fault.EVENTS,
    ),
    "an event added behind the anchor": (
        lambda one: one.with_records(
            [*one.records, one.records[-1] | {"seq": one.records[-1]["seq"] + 1}], chained=True
        ),
        Fault.EVENTS,
    ),
    "no events": (lambda one: one.put(RUN, b""), Fault.EVENTS),
    "a line that is no event": (lambda one: one.put(RUN, one.members[RUN] + b"{}\n"), Fault.EVENTS),
    "an anchor without a proof": (lambda one: one.put(ANCHOR, b'{"anchor":{}}\n'), Fault.ANCHOR),
    "another statement for OpenSSL": (
        lambda one: one.put(STATEMENT, one.members[STATEMENT].replace(b'"seq":', b'"seq":1')),
        Fault.ANCHOR,
    ),
    "another token for OpenSSL": (lambda one: one.put("log/anchor.tst", b"0"), Fault.ANCHOR),
    "the head that is told": (
        lambda one: one.told(_said("head", {"seq": 1, "hash": "0" * 64})),
        Fault.MANIFEST,
    ),
    "the request's last event": (lambda one: one.told(_said("last_of_request", 1)), Fault.REQUEST),
    "that it was delivered": (lambda one: one.told(_undelivered), Fault.DIGEST),
    "the revision of a document": (lambda one: one.told(_revised), Fault.DIGEST),
    "the name of a document": (lambda one: one.told(_renamed), Fault.MANIFEST),
    "the manifest's form": (lambda one: one.told(lambda manifest: manifest.pop("paraaf")), Fault.MANIFEST),
    "what somebody wrote": (
        lambda one: _body(one, lambda text: text.replace(b"P020", b"P021")),
        Fault.BODY,
    ),
    "a personal part left out": (
        lambda one: _body(one, lambda text: b"".join(text.splitlines(keepends=True)[1:])),
        Fault.BODY,
    ),
    "all personal parts left out": (lambda one: one.without(BODIES), Fault.MANIFEST),
}


@pytest.mark.parametrize("name", SEALED)
def test_what_somebody_in_the_office_forges_is_found(made: Made, forger: Forger, name: str) -> None:
    """They have the seal, and make everything fit; they have neither a signer's key nor the timestampers'."""
    forge, expected = SEALED[name]
    forged = forge(forger)
    assert forged.members != forger.members
    assert expected in faults(made, forged.sealed())


def _paths(value: Any, *above: Any) -> Iterator[tuple[Any, ...]]:
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield (*above, key)
        yield from _paths(value[key], *above, key)


@pytest.mark.parametrize("wrong", [[[]], None])
def test_a_manifest_of_any_shape_is_judged(made: Made, forger: Forger, wrong: object) -> None:
    without = forger.without(RUN, PDF)  # quick: neither events nor a document to look at
    for path in [path for path in _paths(json.loads(forger.members[MANIFEST])) if path[0] != "members"]:

        def change(manifest: Any, path: tuple[Any, ...] = path) -> None:
            for key in path[:-1]:
                manifest = manifest[key]
            manifest[path[-1]] = wrong

        assert faults(made, without.told(change))
        if path in DECISIVE:
            assert judged(made, packed(forger.told(change).members)).status == 1


def test_another_requests_document_is_found(made: Made, forger: Forger) -> None:
    other = members_of(made.packages[1])
    swapped = forger.put(PDF, other[PDF]).put(REPORT, other[REPORT])
    theirs = json.loads(other[MANIFEST])["documents"]
    forged = swapped.told(lambda manifest: manifest.update(documents=theirs)).sealed()
    assert faults(made, forged) == {Fault.DIGEST}
    # no better when it is said that this one was never handed over
    assert faults(made, forged.told(_undelivered).sealed()) == {Fault.DIGEST}


def test_another_requests_events_are_found(made: Made, forger: Forger) -> None:
    other = members_of(made.packages[1])
    forged = forger.without(BODIES)
    for name in (RUN, ANCHOR, STATEMENT, "log/anchor.tst"):
        forged = forged.put(name, other[name])
    theirs = json.loads(other[MANIFEST])["log"]
    forged = forged.told(lambda manifest: manifest.update(log=theirs, with_bodies=False)).sealed()
    assert faults(made, forged) == {Fault.REQUEST}  # their run holds ours too, but not from its beginning


def _with_anchor(forger: Forger, anchor: Anchor) -> Forger:
    forged = forger.without("log/anchor.tst").put(ANCHOR, anchor.line)
    forged = forged.put(STATEMENT, anchor.statement.encode())
    forged = forged.put(f"log/anchor.{'tst' if anchor.kind == 'timestamp' else 'p7s'}", anchor.proof)
    return forged.told(_said("head", {"seq": anchor.head.seq, "hash": anchor.head.hash}))


def test_another_offices_anchor_is_found(made: Made, forger: Forger, tmp_path: Path) -> None:
    """A timestamp over the rewritten events, by an authority of the forger's own."""
    theirs = DevelopmentAuthority.create(
        tmp_path / "other", base_url=free_base_url(), now=datetime.now(UTC) - timedelta(hours=1)
    )
    rewritten = forger.with_records(_record(forger, level_reached="B-B"), chained=True)
    statement = Statement(head_of(rewritten), first_of(forger), datetime.now(UTC))
    with AuthorityServer(theirs.folder):
        timestamp = make_anchor(theirs, statement, "timestamp")
    for anchor in (timestamp, seal_offline(theirs, statement)):
        assert Fault.ANCHOR in faults(made, _with_anchor(rewritten, anchor).sealed())
    # by an authority under the trusted root it would hold: it is the signer that is found, and nothing else
    assert faults(made, _with_anchor(rewritten, seal_offline(made.authority, statement)).sealed()) == set()


def head_of(forger: Forger) -> Head:
    anchor = verify_log.Anchor(0, "", "head")
    report = verify_log.verify_run(forger.members[RUN].splitlines(keepends=True), anchor)
    seq, _, digest = report.head.partition(":")
    return Head(int(seq), digest)


def first_of(forger: Forger) -> str:
    """The hash of the log's first event, as the real anchor says it."""
    return str(json.loads(forger.members[STATEMENT])["first"])


def test_an_anchor_over_too_little_is_found(made: Made, forger: Forger) -> None:
    """A real one by our own, over an event before the last: what comes behind it is not proven."""
    before = Forger({**forger.members}, made.authority).with_records(forger.records[:-1])
    statement = Statement(head_of(before), first_of(forger), datetime.now(UTC))
    forged = _with_anchor(forger, seal_offline(made.authority, statement)).sealed()
    assert faults(made, forged) == {Fault.EVENTS}


def test_an_anchor_of_another_log_is_found(made: Made, forger: Forger) -> None:
    """The run begins with the log's first event, whose hash the anchor names too."""
    assert forger.records[0]["seq"] == 1
    statement = Statement(head_of(forger), "0" * 64, datetime.now(UTC))
    forged = _with_anchor(forger, seal_offline(made.authority, statement)).sealed()
    assert faults(made, forged) == {Fault.EVENTS}


def test_who_has_no_seal_is_found_at_once(made: Made, forger: Forger, tmp_path: Path) -> None:
    theirs = DevelopmentAuthority.create(
        tmp_path / "other", base_url=free_base_url(), now=datetime.now(UTC) - timedelta(hours=1)
    )
    now = datetime.now(UTC)
    changed = forger.put(README, b"Trust it.\n")
    assert faults(made, changed) == {Fault.MEMBER_CHANGED}
    assert faults(made, changed.summed()) == {Fault.SEAL}
    assert faults(made, changed.sealed(theirs.seal(now=now))) == {Fault.SEAL}
    person = made.authority.person("P999", "Somebody", now=now)
    assert faults(made, changed.sealed(person)) == {Fault.SEAL}
    assert faults(made, forger.without(README)) == {Fault.MEMBER_MISSING}
    assert faults(made, forger.put("more.txt", b"")) == {Fault.MEMBER_UNKNOWN}
    assert Fault.MANIFEST in faults(made, forger.put(MANIFEST, b"[]"))
    assert faults(made, forger.put("documents/more-1.pdf", forger.members[PDF]).sealed()) == {
        Fault.MEMBER_UNKNOWN
    }


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name_are_found(made: Made, forger: Forger) -> None:
    """Of which one program unpacks the first, and another the second."""
    assert Fault.MEMBER_UNKNOWN in faults(made, forger, (README, forger.members[README]))


def test_only_usual_compression_is_unpacked(made: Made, forger: Forger) -> None:
    with pytest.raises(ValueError, match="no manifest"):
        judged(made, packed(forger.members, how=zipfile.ZIP_LZMA))


def test_any_byte_of_the_file_may_change(made: Made) -> None:
    """Where a byte of the zip file itself is another, it is found, or nothing of the members is another."""
    package, sound = made.packages[0], members_of(made.packages[0])
    end = range(len(package) - 22, len(package))  # the record that says where the directory is
    for place in (*range(7, len(package), len(package) // PLACES), *end):
        changed = bytearray(package)
        changed[place] ^= 0x55
        file = BytesIO(bytes(changed))
        with suppress(ValueError):
            if not check_package(file, made.authority.trust, now=datetime.now(UTC)).findings:
                assert members_of(bytes(changed)) == sound


def test_what_is_no_package_is_no_verdict(
    made: Made, forger: Forger, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal, file = Terminal(tmp_path, capsys), tmp_path / "file.zip"
    nothing = terminal("evidence", "--check", file, "--trust", made.root, "--json")
    assert (nothing.status, nothing.json["error"]["code"]) == (2, "command-package")
    for content in (b"", b"%PDF-1.7", packed({"a": b""}), packed(forger.without(MANIFEST).members)):
        file.write_bytes(content)
        said = terminal("evidence", "--check", file, "--trust", made.root, "--json")
        assert (said.status, said.json["error"]["code"]) == (2, "command-package")
    said = terminal("evidence", "--check", file, "--trust", file, "--json")
    assert (said.status, said.json["error"]["code"]) == (2, "command-package")


def test_findings_are_in_the_docs() -> None:
    section = DOCS.split("finds\n")[1].split("\n## ")[0]
    assert re.findall(r"^\| `([a-z-]+)`", section, re.MULTILINE) == [fault.value for fault in Fault]
