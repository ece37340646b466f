"""The development provider keeps to the CSC API 1.0.4.0: its answers by schema, its refusals by table."""

import base64
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography import x509

from certs.authority import DevelopmentAuthority
from certs.csc_authorization import Access, challenge_of
from certs.csc_provider import METHODS, CscRules, DevelopmentProvider
from certs.csc_refusal import Asked, Refusal
from certs.keystore import is_development
from tests.csc_office import (
    CLIENT_ID,
    CLIENT_SECRET,
    PASSWORD,
    PERSON,
    PIN,
    REDIRECT,
    Clock,
    a_hash,
    a_provider,
    breaches,
    hashes,
)

RSA, RSA_SHA256 = "1.2.840.113549.1.1.1", "1.2.840.113549.1.1.11"
ECDSA_SHA256, SHA256_OID = "1.2.840.10045.4.3.2", "2.16.840.1.101.3.4.2.1"
FORM = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}


def text(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


class Desk:
    """A provider, and an application's access to it."""

    def __init__(self, authority: DevelopmentAuthority, **options: Any) -> None:
        self.clock = Clock()
        self.provider: DevelopmentProvider = a_provider(authority, self.clock, **options)
        self.access = Access(CLIENT_ID, "", self.clock() + timedelta(hours=1), "family")

    def ask(self, method: str, access: Access | None = None, **body: Any) -> dict[str, Any]:
        answer = METHODS[method](self.provider, access or self.access, Asked(body))
        if answer is None:
            return {}
        assert not breaches(f"{method}-response", answer)
        return answer

    def authorise(self, credential: str = "pin", count: int = 1, **more: Any) -> str:
        over = {"hash": [text(one) for one in hashes(count)], "PIN": PIN, "numSignatures": count, **more}
        return str(self.ask("credentials/authorize", credentialID=credential, **over)["SAD"])

    def sign(self, sad: str, credential: str = "pin", **more: Any) -> dict[str, Any]:
        body = {"hash": [text(a_hash())], "signAlgo": ECDSA_SHA256, "SAD": sad, **more}
        return self.ask("signatures/signHash", credentialID=credential, **body)

    def refused(self, call: Callable[[], object]) -> tuple[int, str, str]:
        with pytest.raises(Refusal) as refusal:
            call()
        assert not breaches("error", refusal.value.body)
        return refusal.value.status, refusal.value.error, refusal.value.description


@pytest.fixture
def desk(authority: DevelopmentAuthority) -> Desk:
    return Desk(authority)


def test_the_schema_notices_what_is_wrong() -> None:
    right = {"SAD": "s", "expiresIn": 300}
    assert not breaches("credentials/authorize-response", right)
    for wrong in ({"SAD": 1}, {"expiresIn": 300}, {**right, "expiresIn": "300"}, {**right, "sad": "s"}):
        assert breaches("credentials/authorize-response", wrong)


def test_info_tells_all_methods(desk: Desk) -> None:
    answer = desk.provider.info(Asked({}), base_url="http://127.0.0.1:1")
    assert not breaches("info-response", answer)
    assert set(answer["methods"]) > set(METHODS)


def test_keys_are_listed_by_pages(desk: Desk) -> None:
    found, page = [], {}
    while True:
        answer = desk.ask("credentials/list", userID=PERSON, maxResults=2, **page)
        found.append(answer["credentialIDs"])
        if "nextPageToken" not in answer:
            break
        page = {"pageToken": answer["nextPageToken"]}
    assert found == [["code", "device"], ["page", "pin"], ["rsa"]]


@pytest.mark.parametrize(("certificates", "count"), [(None, 1), ("none", 0), ("single", 1), ("chain", 3)])
def test_as_many_certificates_as_asked(desk: Desk, certificates: str | None, count: int) -> None:
    asked = {} if certificates is None else {"certificates": certificates}
    cert = desk.ask("credentials/info", credentialID="pin", **asked)["cert"]
    found = [x509.load_der_x509_certificate(base64.b64decode(one)) for one in cert.get("certificates", [])]
    assert len(found) == count
    assert all(is_development(one) for one in found)
    assert "subjectDN" not in cert


def test_details_and_factors_are_told_when_asked(desk: Desk) -> None:
    plain = desk.ask("credentials/info", credentialID="code")
    assert not {"PIN", "OTP"} & plain.keys()
    full = desk.ask("credentials/info", credentialID="code", certInfo=True, authInfo=True)
    assert (full["PIN"]["presence"], full["OTP"]["type"]) == ("true", "online")
    assert "development" in full["cert"]["issuerDN"].lower()
    assert not {"PIN", "OTP"} & desk.ask("credentials/info", credentialID="page", authInfo=True).keys()


MISSING = "Missing (or invalid type) {} parameter {}".format
AUTHORIZE = {"credentialID": "pin", "numSignatures": 1, "hash": [text(a_hash())], "PIN": PIN}
SIGN = {"credentialID": "pin", "hash": [text(a_hash())], "signAlgo": ECDSA_SHA256, "SAD": "guessed"}
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("credentials/list", {}, "Invalid parameter userID"),
    ("credentials/list", {"userID": 1}, "Invalid parameter userID"),
    ("credentials/list", {"userID": PERSON, "pageToken": "x"}, "Invalid parameter pageToken"),
    ("credentials/list", {"userID": PERSON, "maxResults": 0}, "Invalid parameter maxResults"),
    ("credentials/info", {}, MISSING("string", "credentialID")),
    ("credentials/info", {"credentialID": 1}, MISSING("string", "credentialID")),
    ("credentials/info", {"credentialID": "unknown"}, "Invalid parameter credentialID"),
    ("credentials/info", {"credentialID": "pin", "certificates": "all"}, "Invalid parameter certificates"),
    ("credentials/info", {"credentialID": "pin", "certInfo": "true"}, "Invalid parameter certInfo"),
    ("credentials/authorize", {**AUTHORIZE, "numSignatures": "1"}, MISSING("integer", "numSignatures")),
    ("credentials/authorize", {**AUTHORIZE, "numSignatures": True}, MISSING("integer", "numSignatures")),
    ("credentials/authorize", {**AUTHORIZE, "numSignatures": 0}, "Invalid value for parameter numSignatures"),
    ("credentials/authorize", {**AUTHORIZE, "numSignatures": 201}, "Numbers of signatures is too high"),
    ("credentials/authorize", {**AUTHORIZE, "hash": None}, MISSING("array", "hash")),
    ("credentials/authorize", {**AUTHORIZE, "hash": []}, "Empty hash array"),
    ("credentials/authorize", {**AUTHORIZE, "hash": ["!"]}, "Invalid Base64 hash string parameter"),
    ("credentials/authorize", {**AUTHORIZE, "PIN": None}, MISSING("string", "PIN")),
    ("credentials/authorize", {**AUTHORIZE, "credentialID": "code"}, MISSING("string", "OTP")),
    ("credentials/sendOTP", {"credentialID": "pin"}, "Invalid parameter credentialID"),
    ("credentials/extendTransaction", {**SIGN}, "Invalid parameter SAD"),
    ("signatures/signHash", {**SIGN}, "Invalid parameter SAD"),
    ("signatures/signHash", {**SIGN, "SAD": None}, MISSING("string", "SAD")),
    ("signatures/signHash", {**SIGN, "signAlgo": None}, MISSING("string", "signAlgo")),
    ("signatures/signHash", {**SIGN, "signAlgo": RSA_SHA256}, "Invalid parameter signAlgo"),
    ("signatures/signHash", {**SIGN, "hash": [text(b"short")]}, "Invalid digest value length"),
    (
        "signatures/signHash",
        {**SIGN, "credentialID": "rsa", "signAlgo": RSA},
        MISSING("string", "hashAlgo"),
    ),
    (
        "signatures/signHash",
        {**SIGN, "credentialID": "rsa", "signAlgo": RSA, "hashAlgo": "1.3.14.3.2.26"},
        "Invalid parameter hashAlgo",
    ),
]


@pytest.mark.parametrize(("method", "body", "said"), REFUSED)
def test_a_wrong_call_is_refused_by_the_table(
    desk: Desk, method: str, body: dict[str, Any], said: str
) -> None:
    assert desk.refused(lambda: desk.ask(method, **body)) == (400, "invalid_request", said)


def test_a_sad_is_for_its_hashes_its_number_and_its_time(desk: Desk) -> None:
    sad = desk.authorise(count=2)
    assert (
        desk.refused(lambda: desk.sign(sad, hash=[text(a_hash(9))]))[2] == "Hash is not authorized by the SAD"
    )
    assert desk.refused(lambda: desk.sign(sad, credential="code"))[2] == "Invalid parameter SAD"
    desk.sign(sad)
    twice = [text(a_hash()), text(a_hash(1))]
    assert desk.refused(lambda: desk.sign(sad, hash=twice))[2] == "Numbers of signatures is too high"
    desk.sign(sad)
    assert desk.refused(lambda: desk.sign(sad))[2] == "Invalid parameter SAD"
    late = desk.authorise()
    desk.clock.ahead = timedelta(seconds=300)
    assert desk.refused(lambda: desk.sign(late))[2] == "SAD expired"
    assert len(desk.provider.signed) == 2


def test_an_unbound_sad_is_for_any_hash(desk: Desk) -> None:
    sad = desk.authorise("rsa", hash=None)
    assert desk.sign(sad, "rsa", signAlgo=RSA, hashAlgo=SHA256_OID, hash=[text(a_hash(7))])


def test_an_extended_transaction_keeps_its_number(authority: DevelopmentAuthority) -> None:
    desk = Desk(authority, rules=CscRules(one_call=True))
    sad = desk.authorise(count=2)
    desk.sign(sad)
    assert desk.refused(lambda: desk.sign(sad))[2] == "Numbers of signatures is too high"
    second = desk.ask("credentials/extendTransaction", credentialID="pin", SAD=sad, hash=[text(a_hash(1))])[
        "SAD"
    ]
    assert desk.refused(lambda: desk.sign(sad))[2] == "Invalid parameter SAD"
    desk.sign(second, hash=[text(a_hash(1))])
    assert desk.refused(lambda: desk.sign(second, hash=[text(a_hash(1))]))[2] == "Invalid parameter SAD"


def test_pin_and_code_have_their_own_words(desk: Desk) -> None:
    assert desk.refused(lambda: desk.authorise(PIN="1"))[1:] == ("invalid_pin", "The PIN is invalid")
    desk.ask("credentials/sendOTP", credentialID="code")
    wrong = lambda: desk.authorise("code", OTP="letters")  # noqa: E731
    assert desk.refused(wrong)[1:] == ("invalid_otp", "The OTP is invalid")
    code = desk.provider.otp_of("code")
    desk.clock.ahead = timedelta(seconds=120)
    assert desk.refused(lambda: desk.authorise("code", OTP=code))[1] == "invalid_otp"


def test_a_key_on_the_page_takes_no_pin_here(desk: Desk) -> None:
    assert desk.refused(lambda: desk.authorise("page"))[1] == "unauthorized_client"


def test_somebody_elses_key_is_unknown(desk: Desk) -> None:
    other = Access(CLIENT_ID, "e-10", desk.clock() + timedelta(hours=1), "family")
    asked = lambda: desk.ask("credentials/info", other, credentialID="pin")  # noqa: E731
    assert desk.refused(asked)[2] == "Invalid parameter credentialID"
    listed = lambda: desk.ask("credentials/list", other, userID=PERSON)  # noqa: E731
    assert desk.refused(listed)[2] == "userID parameter MUST be null"
    assert desk.ask("credentials/list", other) == {"credentialIDs": []}


QUERY = {
    "response_type": "code",
    "client_id": CLIENT_ID,
    "redirect_uri": REDIRECT,
    "scope": "credential",
    "state": "a-state-of-my-own",
    "credentialID": "page",
    "numSignatures": "1",
    "hash": base64.urlsafe_b64encode(a_hash()).decode(),
    "code_challenge": challenge_of("v" * 43),
    "code_challenge_method": "S256",
}


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "everything"}, "invalid_scope"),
        ({"credentialID": "pin"}, "invalid_request"),
        ({"numSignatures": "0"}, "invalid_request"),
        ({"numSignatures": "201"}, "invalid_request"),
        ({"numSignatures": "2"}, "invalid_request"),
        ({"hash": "§"}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
    ],
)
def test_a_wrong_question_goes_back_with_its_error(desk: Desk, change: dict[str, str], error: str) -> None:
    with pytest.raises(Refusal) as refusal:
        desk.provider.oauth.question({**QUERY, **change})
    back = urlsplit(refusal.value.redirect)
    assert f"{back.scheme}://{back.netloc}{back.path}" == REDIRECT
    assert parse_qs(back.query)["error"] == [error]
    assert parse_qs(back.query)["state"] == [QUERY["state"]]


@pytest.mark.parametrize(
    "change", [{"client_id": "unknown"}, {"redirect_uri": "http://127.0.0.1:9/elsewhere"}]
)
def test_a_browser_is_sent_to_no_strangers_address(desk: Desk, change: dict[str, str]) -> None:
    with pytest.raises(Refusal) as refusal:
        desk.provider.oauth.question({**QUERY, **change})
    assert not refusal.value.redirect


def code_of(desk: Desk) -> str:
    granted = desk.provider.oauth.grant(desk.provider.oauth.question(QUERY), PERSON, PASSWORD)
    return parse_qs(urlsplit(granted).query)["code"][0]


def redemption(code: str, **change: str) -> dict[str, str]:
    grant = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT}
    return {**FORM, **grant, "code_verifier": "v" * 43, **change}


def test_a_code_is_redeemed_once_by_whom_it_was_given_to(desk: Desk) -> None:
    code = code_of(desk)
    answer = desk.provider.oauth.token(redemption(code), "")
    assert not breaches("oauth2/token-response", answer)
    assert desk.sign(answer["access_token"], "page")
    assert desk.refused(lambda: desk.provider.oauth.token(redemption(code), ""))[1] == "invalid_grant"
    for change in (
        {"code_verifier": "w" * 43},
        {"code_verifier": ""},
        {"redirect_uri": "http://127.0.0.1:9/"},
    ):
        form = redemption(code_of(desk), **change)
        assert desk.refused(lambda form=form: desk.provider.oauth.token(form, ""))[1] == "invalid_grant"
    late = redemption(code_of(desk))
    desk.clock.ahead = timedelta(seconds=60)
    assert desk.refused(lambda: desk.provider.oauth.token(late, ""))[1] == "invalid_grant"


def test_only_the_keys_owner_grants_its_use(desk: Desk) -> None:
    question = desk.provider.oauth.question(QUERY)
    for who, password in ((PERSON, "wrong"), ("unknown", PASSWORD), ("e-10", "another-password")):
        refused = lambda who=who, password=password: desk.provider.oauth.grant(question, who, password)  # noqa: E731
        assert desk.refused(refused)[1] == "access_denied"


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({**FORM}, "invalid_request"),
        ({**FORM, "grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, "invalid_request"),
        ({"grant_type": "client_credentials", "client_id": CLIENT_ID}, "invalid_request"),
        ({**FORM, "grant_type": "client_credentials", "client_secret": "wrong"}, "invalid_client"),
        ({**FORM, "grant_type": "client_credentials", "client_id": "unknown"}, "invalid_client"),
        ({**FORM, "grant_type": "authorization_code"}, "invalid_request"),
        ({**FORM, "grant_type": "refresh_token", "refresh_token": "guessed"}, "invalid_grant"),
    ],
)
def test_a_token_is_not_given_for(desk: Desk, form: dict[str, str], error: str) -> None:
    status, word, _ = desk.refused(lambda: desk.provider.oauth.token(form, ""))
    assert (status, word) == (400, error)


def test_a_certificate_that_has_expired_signs_nothing(desk: Desk) -> None:
    key = desk.provider.credentials["pin"].key.certificate
    late: Callable[[], datetime] = lambda: key.not_valid_after_utc + timedelta(seconds=1)  # noqa: E731
    desk.provider.clock = desk.provider.activations._clock = late
    assert desk.ask("credentials/info", credentialID="pin")["cert"]["status"] == "expired"
    assert desk.refused(lambda: desk.sign(desk.authorise()))[2] == "Signing certificate is expired"
