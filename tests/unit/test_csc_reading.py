"""What a remote provider answers is read strictly, and what is secret is kept so."""

import base64
import copy
import json
import pickle
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from certs.authority import DevelopmentAuthority
from signing.csc import Secret, code_of, new_question
from signing.csc_answers import Answer, Unspecified, remote_credential, service_info
from signing.csc_errors import RemoteDeniedError, RemoteSettingsError
from signing.csc_exchange import retry_after_s
from signing.csc_oauth import challenge_of
from signing.secret import secret_from_file

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def key_info(authority: DevelopmentAuthority) -> dict[str, Any]:
    """A whole answer to credentials/info, as the specification has it."""
    key = authority.person("e-7", "Zoë Voorbeeld", now=datetime.now(UTC))
    chain = [key.certificate, *key.chain]
    return {
        "key": {"status": "enabled", "algo": ["1.2.840.10045.4.3.2"], "len": 256},
        "cert": {
            "certificates": [base64.b64encode(one.public_bytes(Encoding.DER)).decode() for one in chain]
        },
        "authMode": "explicit",
        "PIN": {"presence": "true", "format": "N"},
        "OTP": {"presence": "optional", "type": "online", "format": "A", "ID": "1"},
        "multisign": 5,
    }


def test_a_key_is_read_with_what_its_use_takes(key_info: dict[str, Any]) -> None:
    found = remote_credential("id", Answer({**key_info, "something": "new", "SCAL": None}))
    assert (found.multisign, found.bound, found.mode, found.status) == (5, False, "explicit", "valid")
    assert (found.pin.is_needed, found.pin.numeric) == (True, True)
    assert (found.otp.is_needed, found.otp.is_possible, found.otp.online) == (False, True, True)
    assert len(found.chain) == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"authMode": "guess"}, "unknown authMode"),
        ({"authMode": None}, "no text authMode"),
        ({"multisign": 0}, "no number multisign"),
        ({"multisign": True}, "no number multisign"),
        ({"multisign": "5"}, "no number multisign"),
        ({"SCAL": 2}, "no text SCAL"),
        ({"SCAL": "3"}, "unknown SCAL"),
        ({"PIN": {"presence": True}}, "no text presence"),
        ({"PIN": {"presence": "true"}}, "no text format"),
        ({"PIN": "true"}, "no object PIN"),
        ({"key": {"status": "enabled", "algo": [], "len": 384}}, "another key"),
        ({"key": {"status": "on", "algo": [], "len": 256}}, "unknown status"),
        ({"key": {"status": "enabled", "algo": [1], "len": 256}}, "no list algo"),
        ({"cert": {"certificates": []}}, "no certificate"),
        ({"cert": {"certificates": ["AAAA"]}}, "unreadable certificate"),
        ({"cert": {"certificates": ["§"]}}, "no Base64"),
        ({"cert": {}}, "no list certificates"),
    ],
)
def test_a_key_that_is_told_wrongly_is_none(
    key_info: dict[str, Any], change: dict[str, Any], said: str
) -> None:
    with pytest.raises(Unspecified, match=said):
        remote_credential("id", Answer({**key_info, **change}))


def test_a_key_of_a_kind_that_nobody_knows(key_info: dict[str, Any]) -> None:
    curve, unknown = bytes.fromhex("06082a8648ce3d030107"), bytes.fromhex("06082a8648ce3d03017f")
    leaf = base64.b64decode(key_info["cert"]["certificates"][0]).replace(curve, unknown)
    with pytest.raises(Unspecified, match="unknown kind of key"):
        remote_credential(
            "id", Answer({**key_info, "cert": {"certificates": [base64.b64encode(leaf).decode()]}})
        )


@pytest.mark.parametrize("token", ["a b", "a\nb", "ä", "\ud800", ""])
def test_a_token_that_can_stand_in_no_header(token: str) -> None:
    with pytest.raises(Unspecified):
        Answer({"access_token": token}).token("access_token")


@given(JSON)
@settings(max_examples=60)
def test_anything_is_read_or_unspecified(value: object) -> None:
    try:
        answer = Answer.read(json.dumps(value).encode())
        service_info(answer)
    except Unspecified:
        return
    raise AssertionError("nothing made at random is a whole answer")


@given(st.binary(max_size=40))
@settings(max_examples=60)
def test_any_bytes_are_read_or_unspecified(body: bytes) -> None:
    with suppress(Unspecified):
        Answer.read(body)


@pytest.mark.parametrize(
    "body", [b'{"a":1,"a":2}', b'{"a":NaN}', b"{}}", b"\xff{}", b"[" * 100_000, b"9" * 5000]
)
def test_no_json_object(body: bytes) -> None:
    with pytest.raises(Unspecified):
        Answer.read(body)


@pytest.mark.parametrize(
    ("header", "after_s"),
    [
        ("0", 0.0),
        ("30", 30.0),
        ("Thu, 26 Nov 2026 12:00:30 GMT", 30.0),
        ("Thu, 26 Nov 2026 11:00:00 GMT", 0.0),
        ("9" * 5000, 999999999.0),
        ("-1", None),
        ("soon", None),
        ("", None),
        ("٣", None),
    ],
)
def test_when_to_come_back(header: str, after_s: float | None) -> None:
    assert retry_after_s(header, now=NOW) == after_s


def test_another_version_of_the_api_is_not_spoken() -> None:
    info = {"specs": "2.0.0.2", "name": "n", "methods": [], "authType": []}
    with pytest.raises(Unspecified, match="another version"):
        service_info(Answer(info))
    assert service_info(
        Answer({**info, "specs": "1.0.4.0", "oauth2": "https://p.example"})
    ).oauth_url.endswith("/")


def test_a_proof_key_has_the_challenge_of_its_standard() -> None:
    """RFC 7636, appendix B."""
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert challenge_of(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_questions_are_never_alike() -> None:
    made = [new_question("service", "http://127.0.0.1:9/back") for _ in range(3)]
    assert len({one.state for one in made} | {one.verifier.reveal() for one in made}) == 6
    assert all(
        len(one.verifier.reveal()) >= 43 and len(one.state) >= 43 for one in made
    )  # 256 bits; RFC 7636


@pytest.mark.parametrize(
    "answered",
    [{}, {"code": "c"}, {"code": "c", "state": ""}, {"code": "c", "state": "ä"}, {"error": "access_denied"}],
)
def test_an_answer_without_the_questions_state_is_to_nothing(answered: dict[str, str]) -> None:
    question = new_question("service", "http://127.0.0.1:9/back")
    with pytest.raises(RemoteDeniedError, match="not to the question"):
        code_of(question, answered)
    with pytest.raises(RemoteDeniedError, match="Nothing was authorised"):
        code_of(question, {"code": "c", "error": "access_denied", "state": question.state})


def test_a_secret_is_neither_shown_nor_stored() -> None:
    secret = Secret("482915")
    assert "482915" not in f"{secret} {secret!r} {[secret]}"
    for store in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="neither copied nor stored"):
            store(secret)


def test_a_secret_comes_from_a_file_of_one_line(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    for content in (b" pass phrase \r\n", b" pass phrase \n\n"):
        file.write_bytes(content)
        assert secret_from_file(file).reveal() == " pass phrase "
    for content in (b"\n", b"two\nlines", b"\xff", b"x" * 8193):
        file.write_bytes(content)
        with pytest.raises(RemoteSettingsError, match="holds no secret"):
            secret_from_file(file)
    with pytest.raises(RemoteSettingsError, match="can't be read"):
        secret_from_file(tmp_path / "missing")
