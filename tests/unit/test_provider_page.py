"""Waiting for the browser that comes back from a provider's page: only an answer to the question ends it."""

import asyncio
import socket
from typing import Any

import aiohttp
import pytest

from cli.authorise import _Asking
from cli.provider_page import answer_from_page
from signing.csc_oauth import new_question
from workflow.asking import OnPage
from workflow.authorising import Part


def test_what_a_stranger_sends_does_not_end_the_wait(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        redirect = f"http://127.0.0.1:{free.getsockname()[1]}/authorised"
    question = new_question("credential", redirect, hashes=[b"1"])

    async def asked() -> tuple[int, Any]:
        waiting = asyncio.create_task(
            answer_from_page(OnPage("http://127.0.0.1:9/", question), redirect=redirect, patience_s=20)
        )
        while not capsys.readouterr().err:
            await asyncio.sleep(0.01)
        async with aiohttp.ClientSession() as browser:
            async with browser.get(redirect, params={"state": "x", "error": "access_denied"}) as strangers:
                status = strangers.status
            async with browser.get(redirect, params={"state": question.state, "code": "c"}):
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
