"""Keys in tokens: sessions that are lost, PINs that are wrong or could be seen, and what is not there."""

import asyncio
import hashlib
import logging
import os
import shutil
import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from pkcs11 import KeyType, Mechanism, MechanismFlag, TokenFlag

from certs.authority import DevelopmentAuthority
from problem import Problem
from signing.errors import (
    ExtractableKeyError,
    KeyAddressError,
    TokenError,
    TokenPinError,
    TokenUnavailableError,
    UnsupportedKeyError,
)
from signing.pkcs11 import open_signer
from signing.pkcs11.address import parse_key_address
from signing.pkcs11.pins import PIN, PIN_FILE, PinSource
from signing.pkcs11.signer import MODULE, _ecdsa_value, _way, _ways
from signing.pkcs11.thread import module_thread
from signing.pkcs11.tokens import Tokens, _pin_for
from signing.signers import Signer
from tests.signing_samples import now
from tests.softhsm import MODULE as SOFTHSM
from tests.softhsm import SoftHsm, SoftToken, close_every_session, end_module

KEY = "P-256"
DATA = b"attributes"
SECRET = "00-geheim-00"  # no local variable: a traceback may show those of tests too


def value(signer: Signer) -> bytes:
    """A value that the certificate bears out."""
    made = asyncio.run(signer.sign(DATA, "sha256"))
    verify(signer.certificate, made)
    return made


def verify(certificate: x509.Certificate, made: bytes) -> None:
    key = certificate.public_key()
    if isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(made, DATA, ec.ECDSA(hashes.SHA256()))
    else:
        assert isinstance(key, rsa.RSAPublicKey)
        key.verify(made, DATA, padding.PKCS1v15(), hashes.SHA256())


@pytest.fixture
def token(softhsm: SoftHsm, authority: DevelopmentAuthority) -> SoftToken:
    """A token of the test's own, with a key."""
    made = softhsm.token("own")
    made.key_of_kind(KEY, authority)
    return made


@contextmanager
def removed(token: SoftToken) -> Iterator[None]:
    """The token is out, and then in again."""
    away = token.folder / "away"
    shutil.move(token.store, away)
    try:
        yield
    finally:
        shutil.move(away, token.store)


def log_out() -> None:
    """Another session's end may log all of the process out; so does the binding, when one is closed."""

    def job(tokens: Tokens) -> None:
        for session in tokens._sessions.values():
            session.close()

    module_thread(SOFTHSM).run_now(job, timeout_s=30)


# Sessions


@pytest.mark.parametrize("lose", [close_every_session, end_module, log_out])
def test_a_lost_session_is_opened_again(token: SoftToken, lose: Callable[[], None]) -> None:
    signer = open_signer(token.uri(KEY))
    value(signer)
    lose()
    value(signer)


def test_a_token_that_was_out_is_found_again(token: SoftToken, caplog: pytest.LogCaptureFixture) -> None:
    signer = open_signer(token.uri(KEY))
    value(signer)
    with removed(token):
        for use in (lambda: value(signer), lambda: open_signer(token.uri(KEY))):
            with pytest.raises(TokenUnavailableError, match="does not show the token") as lost:
                use()
            assert lost.value.retryable
            assert "Plug it in" in lost.value.hint
    value(signer)
    assert "token_lost" in caplog.text


def test_another_token_goes_on_when_one_is_lost(
    token: SoftToken, soft_token: SoftToken, authority: DevelopmentAuthority
) -> None:
    open_signer(token.uri(KEY))
    other = open_signer(soft_token.uri(soft_token.key_of_kind(KEY, authority)))
    with removed(token), pytest.raises(TokenUnavailableError):
        open_signer(token.uri(KEY))
    value(other)


def test_a_copy_of_the_process_signs_too(token: SoftToken, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a module that is initialised there; SoftHSM would do without."""
    signer = open_signer(token.uri(KEY))
    begun: list[int] = []
    start_anew = Tokens._start_anew

    def noted(tokens: Tokens) -> None:
        begun.append(os.getpid())
        start_anew(tokens)

    monkeypatch.setattr(Tokens, "_start_anew", noted)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:  # no return from here: the copy must not go on with the tests
        signal.alarm(60)
        try:
            made = asyncio.run(signer.sign(DATA, "sha256"))
            os.write(write, made if begun == [os.getpid()] else b"")
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as answer:
        verify(signer.certificate, answer.read())
    os.waitpid(child, 0)
    value(signer)


def test_calls_never_overlap(
    token: SoftToken, soft_token: SoftToken, authority: DevelopmentAuthority
) -> None:
    """With sessions of two tokens: in several threads SoftHSM ends the process."""
    tokens = (token, soft_token)
    signers = [open_signer(each.uri(each.key_of_kind(KEY, authority))) for each in tokens]
    inside = threading.Lock()

    def alone(_: Tokens) -> bool:
        if not inside.acquire(blocking=False):
            return False
        threading.Event().wait(0.002)
        inside.release()
        return True

    async def run() -> None:
        module = module_thread(SOFTHSM)
        calls = (module.run(alone, timeout_s=30) for _ in range(40))
        values = (signer.sign(DATA, "sha256") for _ in range(20) for signer in signers)
        seen, made = await asyncio.gather(asyncio.gather(*calls), asyncio.gather(*values))
        assert all(seen)
        for value, signer in zip(made, signers * 20, strict=True):
            verify(signer.certificate, value)

    asyncio.run(run())


def test_a_call_that_hangs_is_told_and_one_that_waits_is_not(token: SoftToken) -> None:
    module, going = module_thread(SOFTHSM), threading.Event()

    async def run() -> None:
        hanging = asyncio.ensure_future(module.run(lambda _: going.wait(), timeout_s=0.05))
        with pytest.raises(TokenUnavailableError, match=r"not answered for 0\.05 seconds") as told:
            await hanging
        assert told.value.retryable
        # behind it, with more patience for its own work
        waiting = asyncio.ensure_future(module.run(lambda _: "done", timeout_s=60))
        await asyncio.sleep(0)
        going.set()
        assert await waiting == "done"

    try:
        asyncio.run(run())
    finally:
        going.set()


def test_waiting_for_a_turn_is_no_slowness(token: SoftToken) -> None:
    """Twelve calls of a tenth of the patience each: the last one waits longer than it may take."""
    module = module_thread(SOFTHSM)

    async def run() -> None:
        work = (module.run(lambda _: threading.Event().wait(0.1), timeout_s=1) for _ in range(12))
        assert await asyncio.gather(*work) == [False] * 12

    asyncio.run(run())


# PINs


def count_is_low(token: SoftToken) -> bool:
    """Whether the token counts a wrong try since the last right one."""

    def job(tokens: Tokens) -> bool:
        found = tokens._find(parse_key_address(token.uri()))
        return bool(found.flags & TokenFlag.USER_PIN_COUNT_LOW)

    return module_thread(SOFTHSM).run_now(job, timeout_s=30)


def test_a_wrong_pin_is_tried_once_until_it_is_another_one(token: SoftToken) -> None:
    log_out()
    close_every_session()
    token.pin_file.write_text("00000000\n")
    with pytest.raises(TokenPinError, match="refused the PIN as wrong") as wrong:
        open_signer(token.uri(KEY))
    assert not wrong.value.retryable
    assert count_is_low(token)
    token.tool("--list-objects")  # with the right one, which ends the count
    for _ in range(2):
        with pytest.raises(TokenPinError, match="not tried again"):
            open_signer(token.uri(KEY))
    assert not count_is_low(token)
    token.pin_file.write_text(token.pin)
    value(open_signer(token.uri(KEY)))


def test_a_wrong_pin_is_not_tried_again_after_a_loss(token: SoftToken) -> None:
    signer = open_signer(token.uri(KEY))
    token.pin_file.write_text("00000000\n")
    close_every_session()
    with pytest.raises(TokenPinError, match="refused the PIN as wrong"):
        value(signer)
    token.tool("--list-objects")
    with pytest.raises(TokenPinError, match="not tried again"):
        value(signer)
    assert not count_is_low(token)


class Counting:
    """As much of a token as a PIN is decided by."""

    label, serial = "card", b"1"

    def __init__(self, flags: TokenFlag) -> None:
        self.flags = flags


@pytest.mark.parametrize(
    ("flag", "message"),
    [(TokenFlag.USER_PIN_FINAL_TRY, "would lock"), (TokenFlag.USER_PIN_LOCKED, "is locked")],
)
def test_the_last_try_is_left_to_a_person(flag: TokenFlag, message: str, tmp_path: Path) -> None:
    file = tmp_path / "pin"
    file.write_text("1234")
    card = Counting(flag | TokenFlag.USER_PIN_COUNT_LOW)
    with pytest.raises(TokenPinError, match=message):
        _pin_for(card, SOFTHSM, PinSource(file))  # type: ignore[arg-type]
    card = Counting(TokenFlag.USER_PIN_COUNT_LOW)
    assert _pin_for(card, SOFTHSM, PinSource(file)).reveal() == "1234"  # type: ignore[arg-type]


@pytest.mark.parametrize("content", [b"", b"\n", b"1234\n5678\n", b"\xff\xfe12", b"1" * 8193])
def test_a_file_without_a_pin(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "pin"
    file.write_bytes(content)
    with pytest.raises(TokenPinError, match="holds no PIN"):
        PinSource(file).read()


def test_where_the_pin_comes_from(token: SoftToken, monkeypatch: pytest.MonkeyPatch) -> None:
    uri = token.uri(KEY).partition("&pin-source")[0]
    log_out()
    end_module()
    with pytest.raises(TokenPinError, match="No PIN is given"):
        open_signer(uri)
    with pytest.raises(TokenPinError, match=r"can't be read: No such file"):
        open_signer(uri, pin_file=token.folder / "nowhere")
    monkeypatch.setenv(PIN, token.pin)
    value(open_signer(uri))
    monkeypatch.setenv(PIN_FILE, str(token.folder / "nowhere"))  # comes first
    end_module()
    with pytest.raises(TokenPinError, match=r"can't be read: No such file"):
        open_signer(uri)
    value(open_signer(uri, pin_file=token.pin_file))


def told(error: BaseException) -> str:
    """Everything that a traceback can show, values of variables included."""
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "".join(shown.format()) + repr(error)


@pytest.mark.parametrize("source", ["file", "environment"])
def test_the_pin_is_seen_nowhere(
    source: str, token: SoftToken, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    uri = token.uri(KEY)
    if source == "file":
        token.pin_file.write_text(SECRET)
    else:
        uri = uri.partition("&pin-source")[0]
        monkeypatch.setenv(PIN, SECRET)
    end_module()
    with pytest.raises(Problem) as wrong:
        open_signer(uri)
    with pytest.raises(Problem) as again:
        open_signer(uri)
    assert SECRET not in told(wrong.value) + told(again.value) + caplog.text
    assert SECRET not in wrong.value.hint + again.value.hint


def test_a_key_that_asks_for_the_pin_each_time(
    softhsm: SoftHsm, authority: DevelopmentAuthority, caplog: pytest.LogCaptureFixture
) -> None:
    token = softhsm.token("own")
    token.make_key("RSA-2048", "careful", key_id="01", more=("--always-auth",))
    certificate = authority.certify("Careful", token.public_key("careful"), now=now())
    token.write_certificate(certificate, "careful", key_id="01")
    signer = open_signer(token.uri("careful"))
    assert value(signer) == value(signer)
    token.pin_file.write_text(SECRET)
    with pytest.raises(TokenPinError, match="refused the PIN as wrong") as wrong:
        value(signer)
    token.tool("--list-objects")
    with pytest.raises(TokenPinError, match="not tried again"):
        value(signer)
    assert not count_is_low(token)
    assert SECRET not in told(wrong.value) + caplog.text
    token.pin_file.write_text(token.pin)
    value(signer)


# What is not there, or is not as it has to be


def test_a_module_that_is_none(token: SoftToken, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uri = f"pkcs11:token={token.label}"
    monkeypatch.delenv(MODULE, raising=False)
    with pytest.raises(KeyAddressError, match="Nobody says which PKCS#11 module"):
        open_signer(uri)
    with pytest.raises(TokenError, match="There is no PKCS#11 module at"):
        open_signer(f"{uri}?module-path={tmp_path}/none.so")
    (tmp_path / "circle.so").symlink_to(tmp_path / "circle.so")
    for name in ("circle.so", "x" * 5000):
        with pytest.raises(TokenError, match="There is no PKCS#11 module at"):
            open_signer(f"{uri}?module-path={tmp_path}/{name}")
    (tmp_path / "text.so").write_text("no library")
    with pytest.raises(TokenError, match="can't be loaded"):
        open_signer(f"{uri}?module-path={tmp_path}/text.so")


def test_the_module_by_any_of_its_names(
    token: SoftToken, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second initialisation under another name would be refused."""
    link = tmp_path / "link.so"
    link.symlink_to(SOFTHSM)
    value(open_signer(token.uri(KEY)))
    monkeypatch.setenv(MODULE, str(link))
    path, _, query = token.uri(KEY).partition("?")
    value(open_signer(f"{path}?{query.partition('&')[2]}"))


def test_tokens_that_are_not_one(softhsm: SoftHsm, token: SoftToken) -> None:
    absent = replace(token, label="elsewhere")
    with pytest.raises(TokenUnavailableError, match="does not show the token “elsewhere”") as missing:
        open_signer(absent.uri(KEY))
    assert f"“{token.label}”" in missing.value.hint
    twin = softhsm.token(label=token.label)
    end_module()  # a token that is new is seen when the module starts
    with pytest.raises(TokenError, match="2 tokens") as several:
        open_signer(token.uri(KEY))
    assert "serial=" in several.value.hint
    shutil.rmtree(twin.store)
    value(open_signer(token.uri(KEY)))


def test_keys_that_are_not_one(token: SoftToken) -> None:
    with pytest.raises(TokenError, match="does not hold the key “none”"):
        open_signer(token.uri("none"))
    token.make_key(KEY, "twin", key_id="01")
    token.make_key(KEY, "twin", key_id="02")
    with pytest.raises(TokenError, match="There are 2 keys") as several:
        open_signer(token.uri("twin"))
    assert "id=%" in several.value.hint
    with pytest.raises(TokenError, match="No certificate belongs to the key “twin” with the id 02"):
        open_signer(token.uri("twin", key_id="02"))


def test_of_two_keys_of_a_label_the_id_tells_which(token: SoftToken, authority: DevelopmentAuthority) -> None:
    """And the certificate is that of the key, though both lie under the label."""
    certificates = {}
    for key_id in ("01", "02"):
        token.make_key(KEY, f"twin{key_id}", key_id=key_id)
        key = token.public_key(f"twin{key_id}")
        certificates[key_id] = authority.certify(f"Twin {key_id}", key, now=now())
        token.write_certificate(certificates[key_id], "twin", key_id=key_id)
        token.tool("--set-id", key_id, "--type", "privkey", "--id", key_id)
    for key_id, certificate in certificates.items():
        signer = open_signer(token.uri(key_id=key_id))
        assert signer.certificate == certificate
        value(signer)


def test_a_key_that_can_be_read_out_is_refused(token: SoftToken) -> None:
    token.make_key(KEY, "Open Key", key_id="01", more=("--extractable",))
    with pytest.raises(ExtractableKeyError, match="Nothing keeps the key “Open Key” in the token"):
        open_signer(token.uri("Open Key"))


def test_a_key_that_is_not_for_signing_is_refused(token: SoftToken) -> None:
    def job(tokens: Tokens) -> None:
        address = parse_key_address(token.uri(KEY))
        held = tokens.key(address, PinSource(address.pin_file)).session.token
        with_room = held.open(rw=True)  # logged in, as every session of the process
        with_room.generate_keypair(
            KeyType.RSA, 2048, label="cipher", store=True, capabilities=MechanismFlag.DECRYPT
        )
        with_room.close()

    module_thread(SOFTHSM).run_now(job, timeout_s=30)
    with pytest.raises(TokenError, match="does not let the key “cipher” sign"):
        open_signer(token.uri("cipher"))


def test_a_certificate_from_a_file(token: SoftToken, authority: DevelopmentAuthority) -> None:
    token.make_key(KEY, "bare", key_id="01")
    own = authority.certify("Bare", token.public_key("bare"), now=now())
    other = authority.person("other", "Somebody else", now=now()).certificate
    file, wrong = token.folder / "bare.pem", token.folder / "wrong.pem"
    wrong.write_bytes(other.public_bytes(Encoding.PEM))
    chain = token.chain_file(authority).read_bytes()
    file.write_bytes(other.public_bytes(Encoding.PEM) + own.public_bytes(Encoding.PEM) + chain)
    with pytest.raises(TokenError, match="No certificate belongs"):
        open_signer(token.uri("bare"), chain=wrong)
    signer = open_signer(token.uri("bare"), chain=file)
    assert signer.certificate == own
    assert list(signer.chain) == [authority.issuing, authority.root]
    value(signer)


def test_of_two_certificates_that_which_ends_last(token: SoftToken, authority: DevelopmentAuthority) -> None:
    token.make_key(KEY, "renewed", key_id="01")
    key = token.public_key("renewed")
    later, earlier = (
        authority.certify("Renewed", key, now=now() - timedelta(minutes=age)) for age in (1, 30)
    )
    token.write_certificate(later, "renewed", key_id="01")
    token.write_certificate(earlier, "renewed", key_id="01")
    assert open_signer(token.uri("renewed")).certificate == later


def test_a_token_that_does_not_tell_the_public_key(token: SoftToken, authority: DevelopmentAuthority) -> None:
    """Then the certificate is that which bears the key's id."""
    token.make_key(KEY, "silent", key_id="01")
    own = authority.certify("Silent", token.public_key("silent"), now=now())
    token.write_certificate(own, "silent", key_id="01")
    token.tool("--delete-object", "--type", "pubkey", "--id", "01")
    signer = open_signer(token.uri("silent"))
    assert signer.certificate == own
    value(signer)


# Mechanisms


def with_mechanisms(
    token: SoftToken, label: str, has: set[Mechanism], certificate: x509.Certificate
) -> bytes:
    """A value that a token makes of which we think that it can do no more than this."""
    address = parse_key_address(token.uri(label))
    pins = PinSource(token.pin_file)

    def job(tokens: Tokens) -> bytes:
        key = replace(tokens.key(address, pins), mechanisms=frozenset(has))
        way = _way(key, certificate.public_key(), "sha256")
        return tokens.sign(key, pins, way.form(DATA), way.mechanism)

    return module_thread(SOFTHSM).run_now(job, timeout_s=30)


def test_rsa_by_each_of_its_mechanisms(soft_token: SoftToken, authority: DevelopmentAuthority) -> None:
    label = soft_token.key_of_kind("RSA-2048", authority)
    certificate = open_signer(soft_token.uri(label)).certificate
    use = partial(with_mechanisms, soft_token, label, certificate=certificate)
    by_digest, by_data = use({Mechanism.RSA_PKCS}), use({Mechanism.SHA256_RSA_PKCS})
    assert by_digest == by_data
    verify(certificate, by_data)


@pytest.mark.parametrize("kind", ["RSA-2048", "P-256", "Ed25519"])
def test_a_token_that_can_do_none_of_it(
    kind: str, soft_token: SoftToken, authority: DevelopmentAuthority
) -> None:
    label = soft_token.key_of_kind(kind, authority)
    certificate = open_signer(soft_token.uri(label)).certificate
    with pytest.raises(UnsupportedKeyError, match="can't sign with a key of this kind"):
        with_mechanisms(soft_token, label, {Mechanism.AES_CBC}, certificate)


def test_a_digest_longer_than_the_curve(soft_token: SoftToken, authority: DevelopmentAuthority) -> None:
    signer = open_signer(soft_token.uri(soft_token.key_of_kind(KEY, authority)))
    # SoftHSM would cut it by itself; others refuse a longer one
    assert (
        _ways(signer.certificate.public_key(), "sha512")[0].form(DATA) == hashlib.sha512(DATA).digest()[:32]
    )
    made = asyncio.run(signer.sign(DATA, "sha512"))
    key = signer.certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    key.verify(made, DATA, ec.ECDSA(hashes.SHA512()))


def test_an_ecdsa_value_is_written_as_der() -> None:
    """A number that begins with a one gets a zero before it, and leading zeros go."""
    assert _ecdsa_value(b"\x80\x01\x00\x02").hex() == "30080203008001020102"
