"""A person authorises a batch of hashes at a remote provider, and exactly those are signed there."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256

from certs.authority import DevelopmentAuthority
from certs.csc_http import CscPace
from certs.csc_provider import PATH, CscRules
from signing.csc import Authorisation, new_question
from signing.csc_errors import (
    RemoteAuthorisationError,
    RemoteCodeError,
    RemoteCountError,
    RemoteCredentialError,
    RemoteDeniedError,
    RemoteLimitError,
    RemoteLoginError,
    RemotePinError,
    RemoteUncertainError,
)
from tests.csc_office import (
    PASSWORD,
    PERSON,
    PIN,
    REDIRECT,
    Office,
    a_hash,
    an_office,
    authorised,
    hashes,
    say_on_page,
)

T = TypeVar("T")
SIGN = "signatures/signHash"


def in_an_office(
    authority: DevelopmentAuthority, step: Callable[[Office], Awaitable[T]], **options: object
) -> T:
    async def opened() -> T:
        async with an_office(authority, **options) as office:  # type: ignore[arg-type]
            return await step(office)

    return asyncio.run(opened())


def require_signed(key: object, wanted: list[bytes], values: list[bytes]) -> None:
    assert len(wanted) == len(values)
    for digest, value in zip(wanted, values, strict=True):
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(value, digest, padding.PKCS1v15(), Prehashed(SHA256()))
        else:
            assert isinstance(key, ec.EllipticCurvePublicKey)
            key.verify(value, digest, ec.ECDSA(Prehashed(SHA256())))


@pytest.mark.parametrize("credential_id", ["pin", "rsa"])
@pytest.mark.parametrize("count", [1, 2, 200])
def test_a_batch_is_signed_in_order(authority: DevelopmentAuthority, count: int, credential_id: str) -> None:
    async def step(office: Office) -> None:
        wanted = hashes(count)
        authorisation = await authorised(office, wanted, credential_id)
        values = await office.client.sign_hashes(authorisation, wanted)
        require_signed(authorisation.credential.certificate.public_key(), wanted, values)
        assert [len(call.asked["hash"]) for call in office.calls(SIGN)] == [min(count, 100)] * -(
            -count // 100
        )
        assert office.provider.signed == [(credential_id, one) for one in wanted]
        assert authorisation.left == 0

    in_an_office(authority, step)


def test_what_was_signed_is_not_signed_again(authority: DevelopmentAuthority) -> None:
    async def step(office: Office) -> None:
        wanted = hashes(3)
        authorisation = await authorised(office, wanted)
        first = await office.client.sign_hashes(authorisation, wanted[:2])
        both = await office.client.sign_hashes(authorisation, [*reversed(wanted), wanted[0]])
        assert both[1:3] == [first[1], first[0]]
        assert both[3] == first[0]
        assert len(office.provider.signed) == 3

    in_an_office(authority, step)


def test_every_call_of_a_transaction_has_its_own_sad(authority: DevelopmentAuthority) -> None:
    async def step(office: Office) -> None:
        wanted = hashes(5)
        authorisation = await authorised(office, wanted)
        values = await office.client.sign_hashes(authorisation, wanted)
        require_signed(authorisation.credential.certificate.public_key(), wanted, values)
        sads = [call.asked["SAD"] for call in office.calls(SIGN)]
        assert len(set(sads)) == len(sads) == 3

    in_an_office(authority, step, hashes_a_call=2, rules=CscRules(one_call=True))


def test_many_may_ask_at_once(authority: DevelopmentAuthority) -> None:
    async def step(office: Office) -> None:
        wanted = hashes(8)
        authorisation = await authorised(office, wanted)
        asked = (office.client.sign_hashes(authorisation, [one]) for one in wanted)
        values = [value for [value] in await asyncio.gather(*asked)]
        require_signed(authorisation.credential.certificate.public_key(), wanted, values)
        assert sorted(office.provider.signed) == sorted(("pin", one) for one in wanted)

    in_an_office(authority, step)


def test_only_what_was_authorised_is_signed(authority: DevelopmentAuthority) -> None:
    async def step(office: Office) -> None:
        authorisation = await authorised(office, hashes(1))
        with pytest.raises(RemoteAuthorisationError, match="not over these hashes"):
            await office.client.sign_hashes(authorisation, hashes(2))
        # The provider holds it too, and not our word for it.
        authorisation.hashes += (a_hash(1),)
        with pytest.raises(RemoteAuthorisationError, match="over something else"):
            await office.client.sign_hashes(authorisation, [a_hash(1)])
        assert not office.provider.signed

    in_an_office(authority, step)


def test_an_authorisation_ends(authority: DevelopmentAuthority) -> None:
    async def step(office: Office) -> None:
        authorisation = await authorised(office, hashes(1))
        office.clock.ahead = timedelta(seconds=301)
        with pytest.raises(RemoteAuthorisationError, match="has expired"):
            await office.client.sign_hashes(authorisation, hashes(1))
        assert not office.calls(SIGN)

    in_an_office(authority, step)


def test_more_than_a_key_allows_is_not_asked(authority: DevelopmentAuthority) -> None:
    async def step(office: Office) -> None:
        with pytest.raises(RemoteCountError, match="at most 2") as refused:
            await authorised(office, hashes(3))
        assert refused.value.most == 2
        assert not office.calls("credentials/authorize")

    in_an_office(authority, step, multisign=2)


def test_a_wrong_pin_is_told_and_locks(authority: DevelopmentAuthority) -> None:
    async def step(office: Office) -> None:
        with pytest.raises(RemotePinError, match="asks for its PIN"):
            await office.client.authorise("pin", hashes(1))
        with pytest.raises(RemotePinError, match="digits only"):
            await office.client.authorise("pin", hashes(1), pin="letters")
        assert not office.calls("credentials/authorize")
        for _ in range(3):
            with pytest.raises(RemotePinError, match="is wrong"):
                await office.client.authorise("pin", hashes(1), pin="000000")
        with pytest.raises(RemotePinError, match="has locked"):
            await authorised(office, hashes(1))

    in_an_office(authority, step)


def test_a_code_is_sent_and_good_once(authority: DevelopmentAuthority) -> None:
    async def step(office: Office) -> None:
        key = await office.client.credential("code")
        assert key.pin.is_needed
        assert key.otp.is_needed
        assert key.otp.online
        await office.client.send_code("code")
        code = office.provider.otp_of("code")
        with pytest.raises(RemoteCodeError, match="is wrong"):
            await office.client.authorise("code", hashes(1), pin=PIN, otp=str(int(code) ^ 1).zfill(6))
        authorisation = await office.client.authorise("code", hashes(1), pin=PIN, otp=code)
        with pytest.raises(RemoteCodeError, match="is wrong"):
            await office.client.authorise("code", hashes(1), pin=PIN, otp=code)
        assert len(await office.client.sign_hashes(authorisation, hashes(1))) == 1

    in_an_office(authority, step)


def test_a_device_needs_no_factor_of_ours(authority: DevelopmentAuthority) -> None:
    async def step(office: Office) -> None:
        authorisation = await office.client.authorise("device", hashes(1), pin="not sent")
        assert len(await office.client.sign_hashes(authorisation, hashes(1))) == 1

    in_an_office(authority, step)


@pytest.mark.parametrize("count", [1, 200])
def test_a_person_authorises_on_the_providers_page(authority: DevelopmentAuthority, count: int) -> None:
    async def step(office: Office) -> None:
        with pytest.raises(RemoteCredentialError, match="on the page"):
            await office.client.authorise("page", hashes(count))
        question = await office.client.ask_on_page("page", hashes(count), redirect_uri=REDIRECT)
        answered = await say_on_page(await office.client.page_url(question, language="nl"))
        authorisation = await office.client.redeem(question, answered)
        values = await office.client.sign_hashes(authorisation, hashes(count))
        require_signed(authorisation.credential.certificate.public_key(), hashes(count), values)
        with pytest.raises(RemoteAuthorisationError, match="no longer takes"):
            await office.client.redeem(question, answered)

    in_an_office(authority, step, longest_url=20_000)


def test_a_page_is_asked_for_no_more_than_its_address_holds(authority: DevelopmentAuthority) -> None:
    async def step(office: Office) -> None:
        many = await office.client.ask_on_page("page", hashes(200), redirect_uri=REDIRECT)
        with pytest.raises(RemoteCountError, match=r"about 16\d signatures") as refused:
            await office.client.page_url(many)
        fewer = hashes(refused.value.most)
        question = await office.client.ask_on_page("page", fewer, redirect_uri=REDIRECT)
        answered = await say_on_page(await office.client.page_url(question))
        assert (await office.client.redeem(question, answered)).left == len(fewer)

    in_an_office(authority, step)


def test_a_person_may_say_no(authority: DevelopmentAuthority) -> None:
    async def step(office: Office) -> None:
        question = await office.client.ask_on_page("page", hashes(1), redirect_uri=REDIRECT)
        answered = await say_on_page(await office.client.page_url(question), "no")
        with pytest.raises(RemoteDeniedError, match="Nothing was authorised"):
            await office.client.redeem(question, answered)

    in_an_office(authority, step)


def test_an_answer_to_another_question_is_not_redeemed(authority: DevelopmentAuthority) -> None:
    async def step(office: Office) -> None:
        mine = await office.client.ask_on_page("page", hashes(1), redirect_uri=REDIRECT)
        other = await office.client.ask_on_page("page", hashes(2), redirect_uri=REDIRECT)
        answered = await say_on_page(await office.client.page_url(other))
        with pytest.raises(RemoteDeniedError, match="not to the question"):
            await office.client.redeem(mine, answered)
        # With the right state but another's code, the proof key does not fit.
        with pytest.raises(RemoteAuthorisationError, match="no longer takes"):
            await office.client.redeem(mine, {**answered, "state": mine.state})

    in_an_office(authority, step)


def test_a_person_logs_in_and_sees_their_own_keys_only(authority: DevelopmentAuthority) -> None:
    async def step(office: Office) -> None:
        question = new_question("service", REDIRECT)
        access = await office.client.log_in(
            question, await say_on_page(await office.client.page_url(question))
        )
        mine = await office.client.credential_ids(access=access)
        assert set(mine) == {"pin", "rsa", "code", "page", "device"}
        assert mine == await office.client.credential_ids(user_id=PERSON)
        assert await office.client.credential_ids(user_id="e-10") == ()
        office.clock.ahead = timedelta(hours=2)
        with pytest.raises(RemoteLoginError):
            await office.client.credential_ids(access=access)
        access = await office.client.renewed(access)
        assert await office.client.credential_ids(access=access) == mine
        await office.client.log_out(access)
        with pytest.raises(RemoteLoginError):
            await office.client.credential_ids(access=access)
        with pytest.raises(RemoteAuthorisationError):
            await office.client.renewed(access)

    in_an_office(authority, step)


def test_the_applications_own_token_is_renewed(authority: DevelopmentAuthority) -> None:
    async def step(office: Office) -> None:
        await office.client.credential("pin")
        office.provider.oauth.expire_all()
        await office.client.credential("pin", fresh=True)
        office.clock.ahead = timedelta(hours=2)
        await office.client.credential("pin", fresh=True)
        assert len(office.calls("oauth2/token")) == 3
        # One that is known to end is not tried.
        assert [call.status for call in office.calls("credentials/info")] == [200, 401, 200, 200]

    in_an_office(authority, step)


def test_a_wrong_client_secret_is_told(authority: DevelopmentAuthority) -> None:
    async def step(office: Office) -> None:
        with pytest.raises(RemoteLoginError, match="does not let this application in"):
            await office.client.credential("pin")

    in_an_office(authority, step, secret="another")


def test_a_disabled_or_unknown_key_is_refused(authority: DevelopmentAuthority) -> None:
    async def step(office: Office) -> None:
        with pytest.raises(RemoteCredentialError, match="may not be used now"):
            await authorised(office, hashes(1))
        with pytest.raises(RemoteCredentialError, match="no such key"):
            await authorised(office, hashes(1), "unknown")

    in_an_office(authority, step, enabled=False)


def test_the_providers_limit_is_waited_for_or_told(authority: DevelopmentAuthority) -> None:
    async def step(office: Office) -> None:
        authorisation = await authorised(office, hashes(2))  # info has no limit of its own: 4 calls so far
        await office.client.sign_hashes(authorisation, hashes(1))
        with pytest.raises(RemoteLimitError) as limited:
            await office.client.sign_hashes(authorisation, hashes(2))
        assert 50 < limited.value.after_s <= 60
        assert limited.value.hint
        assert len(office.provider.signed) == 1
        assert authorisation.left == 1
        assert not office.slept_s

    in_an_office(authority, step, pace=CscPace(most=5))


def test_a_lost_batch_is_signed_again_only_when_asked(authority: DevelopmentAuthority) -> None:
    async def step(office: Office) -> None:
        wanted = hashes(2)
        lost = await authorised(office, wanted)
        with pytest.raises(RemoteUncertainError, match="may have made 2 signatures") as uncertain:
            await office.client.sign_hashes(lost, wanted)
        assert uncertain.value.hashes == tuple(wanted)
        assert not uncertain.value.retryable
        assert len(office.provider.signed) == 2
        # Not by itself, and not by this authorisation: it is used up.
        with pytest.raises(RemoteUncertainError, match="may have made 2 of these signatures before"):
            await office.client.sign_hashes(lost, wanted)
        with pytest.raises(RemoteAuthorisationError, match="0 signatures left"):
            await office.client.sign_hashes(lost, wanted, again=True)
        assert len(office.calls(SIGN)) == 1

    in_an_office(authority, step, fault="resets")


def test_a_new_authorisation_over_lost_hashes_lists_the_repeat(authority: DevelopmentAuthority) -> None:
    async def step(office: Office) -> None:
        wanted = hashes(3)
        lost = await authorised(office, wanted)
        with pytest.raises(RemoteUncertainError):
            await office.client.sign_hashes(lost, wanted[:2])
        again: Authorisation = await authorised(office, wanted)
        values = await office.client.sign_hashes(again, wanted)
        require_signed(again.credential.certificate.public_key(), wanted, values)
        assert again.repeated == set(wanted[:2])
        assert not again.uncertain
        assert len(office.provider.signed) == 5

    in_an_office(authority, step, fault="resets-once")


def test_over_http(authority: DevelopmentAuthority) -> None:
    """Login by name and password, the header's refusals, and what stands on the page."""

    async def step(office: Office) -> None:
        async with aiohttp.ClientSession() as http:

            async def post(method: str, status: int, **options: Any) -> dict[str, Any]:
                async with http.post(f"{office.url}{PATH}/{method}", **options) as answer:
                    assert answer.status == status
                    return dict(await answer.json()) if status != 204 else {}

            by_name = {"Authorization": aiohttp.encode_basic_auth(PERSON, PASSWORD)}
            login = await post("auth/login", 200, json={"rememberMe": True}, headers=by_name)
            bearer = {"Authorization": f"Bearer {login['access_token']}"}
            assert "pin" in (await post("credentials/list", 200, json={}, headers=bearer))["credentialIDs"]
            remembered = {"refresh_token": login["refresh_token"]}
            again = await post("auth/login", 200, json=remembered)
            assert again["access_token"] != login["access_token"]
            await post("auth/revoke", 204, json={"token": login["refresh_token"]}, headers=bearer)
            assert (await post("auth/login", 400, json=remembered))["error"] == "invalid_request"
            assert (await post("credentials/list", 401, json={}, headers=bearer))["error"] == "invalid_token"
            refused = await post("credentials/list", 400, json={})
            assert refused["error_description"] == "Malformed authorization header"
            question = await office.client.ask_on_page("page", hashes(1), redirect_uri=REDIRECT)
            url = await office.client.page_url(question, description="<b>Three</b> declarations")
            async with http.get(url) as page:
                told = await page.text()
            assert hashes(1)[0].hex() in told
            assert "&lt;b&gt;Three" in told

    in_an_office(authority, step)
