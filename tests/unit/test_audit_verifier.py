"""The auditor's verifier by itself: strict reading, canonical JSON of its own, and nothing of ours."""

import ast
import json
import re
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from audit import verify_log
from audit.verify_log import GENESIS, Fault, canonical

ROOT = Path(__file__).resolve().parents[2]
SOURCE = (ROOT / "audit" / "verify_log.py").read_text(encoding="utf-8")
AT = "2026-11-20T09:00:00.000000Z"

numbers = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


def test_it_imports_nothing_but_what_it_says() -> None:
    nodes = list(ast.walk(ast.parse(SOURCE)))
    names = {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}
    names |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in names} - set(sys.stdlib_module_names) == {
        "asn1crypto",
        "cryptography",
    }


def test_findings_in_the_docs_are_those_of_the_code() -> None:
    docs = (ROOT / "docs" / "auditing.md").read_text(encoding="utf-8").split("## Findings\n")[1]
    assert re.findall(r"^\| `([a-z-]+)` \|", docs, re.MULTILINE) == list(Fault)


@given(values)
@example({"€": 1, "\ue000": 2, "\U00010000": 3})
@example([1e21, 1e20, 1e-6, 1e-7, 5e-324, 1.7976931348623157e308, 0.1, 100.5, -0.0, 123456789.125])
def test_canonical_is_that_of_rfc_8785(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value).decode()


@given(st.lists(st.dictionaries(texts, values, max_size=5), min_size=1, max_size=4))
def test_what_is_read_quickly_is_canonical(records: list[dict[str, Any]]) -> None:
    written = [rfc8785.dumps(record) for record in records]
    quick = verify_log._read_quickly(written)
    assert quick is None or quick == records


@pytest.mark.parametrize(
    "odd",
    [
        [b'{"a":1,"b":2} '],
        [b'{"b":1,"a":2}'],
        [b'{"a":1,"a":1}'],
        [b'{"a": 1}'],
        [b'{"a":1.0}'],
        [b'{"a":-0}'],
        [b'{"a":9007199254740993}'],
        [b'{"a":NaN}'],
        [b'{"a":"\\u0041"}'],
        [b'{"a":"\\/"}'],
        [b'{"a":1},{"b":2}'],
        [b'{"a":"x', b'y"}', b'{"b":1},{"c":2}'],
        [b"[1]"],
        [b""],
        [b'{"a":' + b"[" * 100_000],
    ],
)
def test_what_is_not_canonical_is_never_read_quickly(odd: list[bytes]) -> None:
    assert verify_log._read_quickly(odd) is None


def event(seq: int, prev: str, **more: Any) -> bytes:
    return rfc8785.dumps({"at": AT, "prev": prev, "seq": seq, "type": "noted", **more})


def header(*records: bytes, **more: Any) -> bytes:
    head = {"seq": len(records), "hash": sha256(records[-1]).hexdigest() if records else GENESIS}
    said = {"format": "events/1", "events": len(records), "anchors": 0, "bodies": False, "head": head}
    return rfc8785.dumps({"paraaf": {**said, **more}}) + b"\n"


def chain(number: int, **more: Any) -> list[bytes]:
    found: list[bytes] = []
    last = GENESIS
    for seq in range(1, number + 1):
        found.append(event(seq, last, **more))
        last = sha256(found[-1]).hexdigest()
    return found


def export(*records: bytes, **more: Any) -> list[bytes]:
    return [header(*records, **more), *(b'{"event":' + record + b"}\n" for record in records)]


def test_an_empty_log_holds() -> None:
    assert verify_log.verify(export()).ok


def test_a_chain_holds_in_every_way_of_reading() -> None:
    for more in ({}, {"far": 1.5}, {"who": "Zoë"}, {"n": 2**53 - 1}):
        report = verify_log.verify(export(*chain(250, **more)))
        assert (report.ok, report.events, report.findings) == (True, 250, ())


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ([], Fault.UNREADABLE),
        ([b"\n"], Fault.UNREADABLE),
        ([b"[]\n"], Fault.UNREADABLE),
        ([b"\xff\n"], Fault.UNREADABLE),
        ([b"[" * 200_000 + b"\n"], Fault.UNREADABLE),
        (export(*chain(2))[1:], Fault.UNREADABLE),
        (export(*chain(2), format="events/2"), Fault.UNREADABLE),
        (export(*chain(2)) * 2, Fault.UNREADABLE),
        ([*export(*chain(2)), b'{"note":{}}\n'], Fault.UNREADABLE),
        ([*export(*chain(2)), b'{"anchor":{}}\n'], Fault.UNREADABLE),
        ([*export(*chain(2))[:-1], export(*chain(2))[-1][:-1]], Fault.UNREADABLE),
        (export(*chain(2), events=3), Fault.HEAD),
        (export(*chain(2), anchors=1), Fault.HEAD),
        (export(*chain(2), head={"seq": 2, "hash": GENESIS}), Fault.HEAD),
        ([*export(*chain(2)), b'{"body":{"seq":2,"salt":"","text":""}}\n'], Fault.BODY_UNCALLED),
        (export(b'{"seq":1}'), Fault.UNCHAINED),
        (export(b"7"), Fault.NOT_CANONICAL),
        (export(event(1, GENESIS).replace(b'"seq":1', b'"seq":true')), Fault.NUMBERING),
        (export(event(1, GENESIS, at="once")), Fault.UNREADABLE),
        (export(event(1, GENESIS, type=7)), Fault.UNREADABLE),
        ([header(), b'{"anchor":{"kind":"seal","statement":"{}","proof":""}}\n'], Fault.PROOF),
    ],
)
def test_what_is_no_export_is_told(lines: list[bytes], fault: Fault) -> None:
    report = verify_log.verify(lines)
    assert fault in {finding.fault for finding in report.findings}
    assert not report.ok
    assert verify_log.as_text(report)
    assert json.dumps(verify_log.as_json(report))


def test_many_clocks_hide_nothing() -> None:
    records: list[bytes] = []
    last = GENESIS
    for seq in range(1, 400):
        records.append(event(seq, last, at=f"2026-11-{20 - seq % 2 * 9:02}T09:00:00.000000Z"))
        last = sha256(records[-1]).hexdigest()
    clocks = verify_log.verify(export(*records))
    assert clocks.ok
    assert clocks.more > 100
    assert verify_log.verify(export(*records[:-1], records[0])).first_bad_seq == 399


def test_the_first_of_many_faults_is_kept() -> None:
    records = chain(300)
    report = verify_log.verify([header(*records), *export(*records[1:])[1:]])
    assert report.first_bad_seq == 1
    assert len(report.findings) <= verify_log.FINDINGS_MAX


def test_a_hash_kept_outside_is_read_strictly() -> None:
    kept = verify_log.outside_anchor("12:" + "AB" * 32, ())
    assert (kept.seq, kept.hash) == (12, "ab" * 32)
    with pytest.raises(verify_log.Unusable):
        verify_log.outside_anchor("12:zz", ())


def test_a_file_that_is_no_certificate_says_what_to_name(tmp_path: Path) -> None:
    (tmp_path / "root.txt").write_text("no certificate")
    with pytest.raises(verify_log.Unusable, match="name a root certificate with --trust, in PEM or DER"):
        verify_log.read_trust([tmp_path / "root.txt"])
