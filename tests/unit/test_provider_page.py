"""Waiting for the browser that comes back from a provider's page: only an answer to the question ends it."""

import asyncio
import socket
from collections.abc import Mapping
from typing import Any

import aiohttp
import pytest

from cli.authorise import _Asking
from cli.provider_page import asked_on_page
from signing.csc_oauth import Question, new_question
from workflow.authorising import Part


class Provider:
    """Its page, which nobody opens here."""

    def __init__(self, redirect: str) -> None:
        self.question = new_question("credential", redirect, hashes=[b"1"])

    async def ask_on_page(self, *_: Any, **__: Any) -> Question:
        return self.question

    async def page_url(self, *_: Any, **__: Any) -> str:
        return "http://127.0.0.1:9/"

    async def redeem(self, _: Question, query: Mapping[str, str]) -> Mapping[str, str]:
        return query


def test_what_a_stranger_sends_does_not_end_the_wait(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        redirect = f"http://127.0.0.1:{free.getsockname()[1]}/authorised"
    provider = Provider(redirect)

    class Key:
        credential_id = "key"

    async def asked() -> tuple[int, Any]:
        waiting = asyncio.create_task(
            asked_on_page(
                provider,
                Key,
                [b"1"],
                "sha256",
                redirect=redirect,
                description="",
                patience_s=20,  # type: ignore[arg-type]
            )
        )
        while not capsys.readouterr().err:
            await asyncio.sleep(0.01)
        async with aiohttp.ClientSession() as browser:
            async with browser.get(redirect, params={"state": "x", "error": "access_denied"}) as strangers:
                status = strangers.status
            async with browser.get(redirect, params={"state": provider.question.state, "code": "c"}):
                pass
        return status, await waiting

    status, query = asyncio.run(asked())
    assert (status, query["code"]) == (404, "c")


def test_which_of_several_questions_it_is_is_told_and_how_many_signatures_in_all(
    capsys: pytest.CaptureFixture[str],
) -> None:
    asking = _Asking()
    asking.announce(Part(1, 1, (7,), 1))
    assert (asking.words, capsys.readouterr().err) == ("", "")
    asking.announce(Part(2, 3, (8, 9), 5))
    said = capsys.readouterr().err
    assert "5 signatures in all" in said
    assert "2 of 3: 2 signatures, for the requests 8, 9" in said
    assert asking.words == ", 2 of 3"
