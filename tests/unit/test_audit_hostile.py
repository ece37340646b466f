"""The auditor's verifier before an export that somebody made to mislead it, to stop it, or by mistake."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import cms
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import example, given
from hypothesis import strategies as st

from audit import verify_log
from audit.verify_log import GENESIS, Anchor, Fault
from certs.der import DerError
from certs.trust import TrustStore
from signing import chains
from signing.chains import PinnedChains
from signing.errors import ChainError
from signing.signed_data import load_certificate
from tests.unit.test_audit_verifier import AT, SOURCE, chain, export

FILE = Path(verify_log.__file__)
NOW = datetime.now(UTC)

Path_ = tuple[str | int, ...]
STATEMENT = {"at": AT, "first": GENESIS, "hash": GENESIS, "paraaf": verify_log.STATEMENT, "seq": 1}
WHOLE: list[dict[str, Any]] = [
    {
        "paraaf": {
            "format": "events/1",
            "made_at": AT,
            "events": 2,
            "anchors": 1,
            "bodies": True,
            "head": {"seq": 2, "hash": GENESIS},
        }
    },
    {"anchor": {"kind": "timestamp", "proof": "MAA=", "statement": STATEMENT}},
    {"event": {"at": AT, "body": GENESIS, "prev": GENESIS, "request": 1, "seq": 1, "type": "noted"}},
    {"body": {"salt": "0" * 32, "seq": 1, "text": "{}"}},
    {
        "event": {
            "at": AT,
            "body": GENESIS,
            "erased": [1],
            "prev": GENESIS,
            "request": 1,
            "seq": 2,
            "type": "personal_data_erased",
        }
    },
    {"body": {"erased": True, "seq": 2}},
]


def places(value: object, at: Path_ = ()) -> Iterator[Path_]:
    """Every place in a JSON value, itself included."""
    yield at
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in parts:
        yield from places(part, (*at, name))


def text_of(line: Any) -> bytes:
    """A line as it stands in an export; a statement is text in it."""
    anchor = line.get("anchor") if isinstance(line, dict) else None
    if isinstance(anchor, dict) and isinstance(anchor.get("statement"), dict):
        line = {"anchor": {**anchor, "statement": dump(anchor["statement"])}}
    return dump(line).encode("utf-8", "replace") + b"\n"


def dump(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


odd = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**40), 10**40)
    | st.floats()
    | st.text()
    | st.sampled_from([AT, GENESIS, "0001-01-01T00:00:00.00+2359", "personal_data_erased", 1, 2, 2**63]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(list(places(WHOLE))[1:]), odd)
@example((1, "anchor", "statement", "seq"), float("inf"))
@example((4, "event", "erased"), [[1]])
@example((4, "event", "erased"), [{}])
@example((0, "paraaf", "head"), 7)
@example((1, "anchor", "statement", "seq"), -5)
def test_whatever_stands_anywhere_is_a_finding_and_no_error(place: Path_, value: object) -> None:
    lines: Any = deepcopy(WHOLE)
    within = lines
    for name in place[:-1]:
        within = within[name]
    within[place[-1]] = value
    report = verify_log.verify([text_of(line) for line in lines])
    assert not report.ok
    assert all(finding.seq >= 0 for finding in report.findings)
    assert verify_log.as_text(report)
    assert json.dumps(verify_log.as_json(report))


# Certificates that lead nowhere in very many ways

KEY = ec.generate_private_key(ec.SECP256R1())


def name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def certificate(subject: str, issuer: str = "X", *, ca: bool = True) -> x509.Certificate:
    usage = x509.KeyUsage(
        digital_signature=not ca,
        key_cert_sign=ca,
        crl_sign=ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    builder = x509.CertificateBuilder(
        subject_name=name(subject),
        issuer_name=name(issuer),
        public_key=KEY.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=NOW - timedelta(days=1),
        not_valid_after=NOW + timedelta(days=1),
    )
    builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    return builder.add_extension(usage, critical=True).sign(KEY, hashes.SHA256())


def test_certificates_that_all_issue_each_other_are_given_up_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = 0
    may_issue = verify_log._may_issue

    def counting(issuer: x509.Certificate, *, authorities_below: int) -> bool:
        nonlocal tried
        tried += 1
        assert tried < 5000
        return may_issue(issuer, authorities_below=authorities_below)

    monkeypatch.setattr(verify_log, "_may_issue", counting)
    root, leaf = certificate("Root", "Root"), certificate("Leaf", ca=False)
    some = [certificate("X") for _ in range(12)]
    assert not verify_log.leads_to(leaf, some, [root], NOW)
    many = [certificate("X") for _ in range(40)]
    with pytest.raises(verify_log._Wrong, match="more checks"):
        verify_log.leads_to(leaf, many, [root], NOW)
    # and the way that there is, is found among them
    assert verify_log.leads_to(leaf, [*some, certificate("X", "Root")], [root], NOW)


def test_the_offices_own_search_gives_up_as_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    checked = 0
    may_issue = chains._may_issue

    def counting(*what: Any) -> bool:
        nonlocal checked
        checked += 1
        assert checked <= 1000
        return may_issue(*what)

    monkeypatch.setattr(chains, "_may_issue", counting)
    root, leaf = certificate("Root", "Root"), certificate("Leaf", ca=False)
    trust = TrustStore(anchors=(root,))
    hostile = [certificate("X").public_bytes(Encoding.DER) for _ in range(30)]
    own = leaf.public_bytes(Encoding.DER)
    with pytest.raises(ChainError, match="than can be tried"):
        PinnedChains(trust).path(own, extra=hostile, at=NOW, whose="a seal")
    with pytest.raises(ChainError, match="does not lead"):
        PinnedChains(trust).path(own, extra=hostile[:6], at=NOW, whose="a seal")
    way = [*hostile[:6], certificate("X", "Root").public_bytes(Encoding.DER)]
    assert len(PinnedChains(trust).path(own, extra=way, at=NOW, whose="a seal").certificates) >= 3


def of_giant_key() -> bytes:
    """A certificate (DER) whose RSA exponent is as long as its modulus."""
    key = rsa.RSAPublicNumbers(e=2**3070 + 1, n=2**3071 + 1).public_key()
    builder = x509.CertificateBuilder().subject_name(name("X")).issuer_name(name("X")).public_key(key)
    builder = builder.serial_number(7).not_valid_before(NOW).not_valid_after(NOW + timedelta(days=1))
    own = ec.generate_private_key(ec.SECP256R1())
    return builder.sign(own, hashes.SHA256()).public_bytes(Encoding.DER)


def test_a_key_that_keeps_whoever_uses_it_busy_is_used_by_nobody() -> None:
    statement, certificate = dump(STATEMENT), asn1.Certificate.load(of_giant_key())
    digest = sha256(statement.encode()).digest()
    signer = {
        "version": "v1",
        "sid": cms.SignerIdentifier(
            "issuer_and_serial_number", {"issuer": certificate.issuer, "serial_number": 7}
        ),
        "digest_algorithm": {"algorithm": "sha256"},
        "signed_attrs": [
            {"type": "content_type", "values": ["data"]},
            {"type": "message_digest", "values": [digest]},
        ],
        "signature_algorithm": {"algorithm": "sha256_rsa"},
        "signature": b"\1" * 384,
    }
    signed = cms.SignedData(
        {
            "version": "v1",
            "digest_algorithms": [{"algorithm": "sha256"}],
            "encap_content_info": {"content_type": "data"},
            "certificates": [certificate],
            "signer_infos": [signer],
        }
    )
    proof = cms.ContentInfo({"content_type": "signed_data", "content": signed}).dump()
    value = {"kind": "seal", "proof": base64.b64encode(proof).decode(), "statement": statement}
    with pytest.raises(verify_log._Wrong, match="numbers far longer than any in use"):
        verify_log.read_anchor(value, (), NOW)
    with pytest.raises(DerError, match=r": 3072 bits, with an exponent of 3071 \(at most 8192 and 64\)"):
        load_certificate(of_giant_key())


def test_a_root_is_looked_for_in_all_files_in_any_order(tmp_path: Path) -> None:
    root, issuing = tmp_path / "root.pem", tmp_path / "issuing.pem"
    root.write_bytes(certificate("Root", "Root").public_bytes(Encoding.PEM))
    issuing.write_bytes(certificate("X", "Root").public_bytes(Encoding.PEM))
    assert len(verify_log.read_trust([issuing, root])) == len(verify_log.read_trust([root, issuing])) == 2
    with pytest.raises(verify_log.Unusable, match="no root"):
        verify_log.read_trust([issuing])


# What the log holds, and from where on not


def anchor(seq: int, records: list[bytes], kind: str, at: datetime) -> Anchor:
    return Anchor(seq, sha256(records[seq - 1]).hexdigest(), kind, at=at, by="Somebody", vouched=True)


def test_an_empty_log_is_called_empty() -> None:
    told = verify_log.as_text(verify_log.verify(export()))
    assert "is empty" in told
    assert "all of it is anchored" not in told


def test_the_event_before_a_broken_link_is_not_vouched_for() -> None:
    records = chain(9)
    report = verify_log.verify(export(*records[:4], records[4].replace(b"noted", b"hated"), *records[5:]))
    assert (report.first_bad_seq, report.doubted_from) == (6, 5)
    assert [(one.first, one.last) for one in report.stretches] == [(1, 4)]
    assert "from event 5 or 6 on" in verify_log.as_text(report)
    assert verify_log.as_json(report)["doubted_from"] == 5


def test_an_anchored_event_before_a_broken_link_is_sure() -> None:
    records = chain(9)
    forged = [*records[:5], records[5].replace(b'"prev":"', b'"prev":"0'), *records[6:]]
    held = anchor(5, records, "timestamp", NOW)
    report = verify_log.verify(export(*forged), anchors=[held])
    assert (report.first_bad_seq, report.doubted_from) == (6, 6)
    assert [(one.first, one.last) for one in report.stretches] == [(1, 5)]
    assert "from event 6 on" in verify_log.as_text(report)


def test_the_last_event_is_not_vouched_for_when_it_is_not_the_head() -> None:
    records = chain(3)
    report = verify_log.verify(export(*records, head={"seq": 3, "hash": GENESIS}))
    assert (report.first_bad_seq, [one.last for one in report.stretches]) == (3, [2])


def test_a_timestamp_is_told_before_a_seal_of_an_earlier_time_over_the_same_event() -> None:
    records = chain(5)
    stamped = anchor(5, records, "timestamp", datetime(2026, 11, 21, tzinfo=UTC))
    sealed = anchor(5, records, "seal", datetime(2026, 11, 20, 12, tzinfo=UTC))
    report = verify_log.verify(export(*records), anchors=[sealed, stamped])
    assert [one.anchor and one.anchor.kind for one in report.stretches] == ["timestamp"]


def test_a_seal_of_before_its_events_is_a_clock() -> None:
    records = chain(5)
    sealed = anchor(5, records, "seal", datetime(2026, 11, 20, 7, tzinfo=UTC))
    report = verify_log.verify(export(*records), anchors=[sealed])
    assert [(one.seq, one.fault) for one in report.findings] == [(5, Fault.CLOCK)]
    assert report.ok


# The command


def run(*arguments: object, code: str = "pass") -> "subprocess.CompletedProcess[str]":
    start = f"import runpy, sys; {code}; sys.argv[0] = {str(FILE)!r}; "
    start += f"runpy.run_path({str(FILE)!r}, run_name='__main__')"
    command = [sys.executable, "-c", start, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def whole(folder: Path) -> Path:
    file = folder / "log.jsonl"
    file.write_bytes(b"".join(export(*chain(3))))
    return file


@pytest.mark.parametrize("package", ["asn1crypto", "cryptography"])
def test_a_missing_package_is_no_verdict(tmp_path: Path, package: str) -> None:
    done = run(whole(tmp_path), code=f"sys.modules[{package!r}] = None")
    assert (done.returncode, done.stdout) == (2, "")
    assert package in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"a,b\n1,2\n" * 99,
        b"log.jsonl\0\0\0ustar\n" * 99,
        b"{}\n",
        b'{"event":{}}\n',
        b'{"paraaf":7}\n',
        b'{"paraaf":{}}\n',
        b"".join(export(*chain(2), format="events/2")),
        b"".join(export(*chain(2))[1:]),
    ],
)
def test_a_wrong_file_is_no_verdict(
    tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    assert verify_log.main([str(file)]) == 2
    told = capsys.readouterr()
    assert (told.out, told.err.count("\n")) == ("", 1)


def test_what_the_command_says_is_its_status(tmp_path: Path) -> None:
    file = whole(tmp_path)
    assert run(file).returncode == 0
    file.write_bytes(file.read_bytes().replace(b"noted", b"hated", 1))
    assert run(file).returncode == 1


def test_help_explains_every_option_and_status() -> None:
    told = " ".join(run("--help").stdout.split())
    for word in ("--trust", "--anchor", "--json", "exit status: 0", "1 it does not", "2 nothing could"):
        assert word in told
    assert SOURCE.count("add_argument(") == SOURCE.count(" help=") == 4


def test_a_folder_of_anchors_is_taken_and_an_empty_one_is_not(tmp_path: Path) -> None:
    with pytest.raises(verify_log.Unusable, match="holds no anchor"):
        verify_log.outside_anchors([str(tmp_path)], ())
    (tmp_path / "anchor-000000000001-seal-0.json").write_bytes(b"{}\n")
    with pytest.raises(verify_log.Unusable, match=r"anchor-000000000001-seal-0\.json does not hold"):
        verify_log.outside_anchors([str(tmp_path)], ())


def test_an_anchor_that_is_a_pipe_or_never_ends_is_refused(tmp_path: Path) -> None:
    """And so is one in a folder, into which others may write."""
    os.mkfifo(tmp_path / "anchor-000000000001-seal-0.json")
    for pipe in (tmp_path / "anchor-000000000001-seal-0.json", tmp_path, "/dev/zero"):
        with pytest.raises(verify_log.Unusable, match="is no file, but a pipe, a device"):
            verify_log.outside_anchors([str(pipe)], ())
    long = tmp_path / "long"
    long.write_bytes(b" " * (verify_log.ANCHOR_BYTES_MAX + 1))
    with pytest.raises(verify_log.Unusable, match="far longer"):
        verify_log.outside_anchors([str(long)], ())
