"""A report comes out of a fenced process as it went in, and nothing but a report does."""

import json
import pickle
from dataclasses import asdict, replace

import pytest

from signing.verify.findings import Finding
from signing.verify.register import MOST_BEGINNINGS, Expected, RegisterWord, Standing, Traces
from signing.verify.report import SignatureReport
from signing.verify.transport import packed, unpacked
from signing.verify.verdict import unjudged
from tests.unit.test_verify_output import NOW

WHOLE = unjudged("x\udcff.pdf", Finding("file_encrypted", "the file is encrypted", "é"), NOW)


def signature() -> SignatureReport:
    finding = Finding("expired", "it has expired", sub_indication_override="NO_POE")
    return SignatureReport(
        field="employer",
        role=WHOLE_ROLE,
        indication=WHOLE.indication,
        sub_indication=None,
        findings=(finding,),
        format="ETSI.CAdES.detached",
        claimed_at=NOW,
        proven_at=NOW,
        chain=("a", "b"),
        development=True,
        revision=1,
    )


WHOLE_ROLE = SignatureReport.__annotations__["role"]("seal")


def test_a_report_comes_out_as_it_went_in() -> None:
    report = replace(WHOLE, signatures=(signature(),), size=7, revisions=2, sha256_hex="ab")
    assert unpacked(packed(report)) == report


def test_so_do_the_word_of_a_register_and_what_it_is_asked_by() -> None:
    word = RegisterWord(
        Standing.EXTENDED,
        request=7,
        document="declaration",
        number="2026-000007",
        revision=1,
        added_bytes=12,
        tied=True,
        expected=(Expected("employer", "person", "ab"), Expected("manager", "person", None)),
        missing=("manager",),
    )
    traces = Traces(((10, "0" * 64), (5, "f" * 64)), ("2026-000007",))
    report = replace(WHOLE, register=word, traces=traces, pages_compared=3)
    assert unpacked(packed(report)) == report


@pytest.mark.parametrize(
    "traces",
    [
        {"beginnings": [[1, "x"]], "numbers": []},
        {"beginnings": [[1, "0" * 64]] * (MOST_BEGINNINGS + 1), "numbers": []},
        {"beginnings": [], "numbers": [["x"]]},
        {"beginnings": [], "numbers": [], "more": 1},
    ],
)
def test_odd_traces_do_not_come_out(traces: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="not a report"):
        unpacked(json.dumps({**json.loads(packed(WHOLE)), "traces": traces}).encode())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b"[" * 100_000,
        pickle.dumps(WHOLE),
        packed(WHOLE).replace(b'"file_encrypted"', b'"file_unheard_of"'),
        packed(WHOLE).replace(b'"size"', b'"sise"'),
        packed(WHOLE).replace(b"INDETERMINATE", b"TOTAL-PERFECT"),
        json.dumps({**json.loads(packed(WHOLE)), "sentence": ["x"]}).encode(),
    ],
)
def test_nothing_else_comes_out(data: bytes) -> None:
    with pytest.raises(ValueError, match="not a report"):
        unpacked(data)


def test_everything_a_report_has_travels() -> None:
    assert json.loads(packed(WHOLE)).keys() == asdict(WHOLE).keys()
