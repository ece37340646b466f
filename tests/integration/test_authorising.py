"""A person authorises signatures with their key at a remote provider: what is signed, and what goes on."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlalchemy import Engine, event, update

from certs.csc_http import LONGEST_LINE
from signing.csc import Authorisation, CscClient, RemoteCredential
from signing.csc_errors import RemoteDeniedError, RemotePinError, RemoteUnavailableError
from signing.verify.verdict import verify_pdf
from tests.command_line import Terminal, section_of
from tests.databases import Database
from tests.remote_office import MANAGER, OTHER_SIGNER, PIN, SIGNER, by_pin, remote_office
from tests.steps_office import Sample
from workflow import preflight
from workflow.authorising import NothingToAuthorise, Outcome, Part, ToSign
from workflow.errors import ClaimedByAnother, Raced, Refused
from workflow.key_files import SeenFiles
from workflow.keys import RemoteKey, remote_key
from workflow.tables import ProfileCheck, SignatureRow


async def to_sign(sample: Sample, count: int, *, temporary: bool = False) -> list[int]:
    """Declarations that wait for the signer."""
    numbers = [sample.submit("A3", temporary=temporary) for _ in range(count)]
    for number in numbers:
        await sample.run_until("sign", number)
    return numbers


async def folder(sample: Sample, who: str = SIGNER) -> list[ToSign]:
    async with sample.office.authorising() as authorising:
        return authorising.folder(who)


async def asked_of(sample: Sample, numbers: Sequence[int]) -> int:
    """How often the database is asked to find what of these requests waits."""
    asked: list[object] = []

    def count(*about: object) -> None:
        asked.append(about)

    event.listen(Engine, "before_cursor_execute", count)
    try:
        async with sample.office.authorising() as authorising:
            assert len(authorising._items(SIGNER, numbers)) == len(numbers)
    finally:
        event.remove(Engine, "before_cursor_execute", count)
    return len(asked)


async def authorise(
    sample: Sample, numbers: Sequence[int], who: str = SIGNER, word: object = by_pin
) -> list[Outcome]:
    async with sample.office.authorising() as authorising:
        return await authorising.authorise(who, numbers, word)  # type: ignore[arg-type]


def test_a_batch_is_authorised_once_signed_and_goes_on(tmp_path: Path, database: Database) -> None:
    with remote_office(tmp_path, environ=database.environ) as sample:
        numbers = asyncio.run(to_sign(sample, 3))
        assert asyncio.run(asked_of(sample, numbers[:1])) == asyncio.run(asked_of(sample, numbers))
        waiting = asyncio.run(folder(sample))
        assert [one.request_id for one in waiting] == numbers
        assert {(one.trigger, one.field, one.provider, one.tried) for one in waiting} == {
            ("sign", "employer", "provider", 0)
        }
        asked: list[int] = []

        async def counted(
            client: CscClient, key: RemoteCredential, hashes: Sequence[bytes], digest: str
        ) -> Authorisation:
            asked.append(len(hashes))
            return await by_pin(client, key, hashes, digest)

        outcomes = asyncio.run(authorise(sample, numbers, word=counted))
        assert outcomes == [Outcome(number) for number in numbers]
        assert asked == [3]
        assert asyncio.run(folder(sample)) == []
        asyncio.run(sample.work())
        sample.require_finished(numbers)
        [told] = sample.records(numbers[0], "document_signed")
        assert (told["provider"], told["way"], told["repeated"]) == ("provider", "pin", False)
        assert {"prepare", "timestamp", "embed", "validate", "store"} <= set(told["durations_us"])
        assert set(told["provider_us"]) == {"authorise", "sign"}
        pdf = sample.office.blobs.get(sample.documents(numbers[0])[-1].current_sha256)
        report = verify_pdf(pdf, trust=sample.office.trust, now=datetime.now(UTC))
        name = sample.register.person(SIGNER).name
        assert (report.verdict, report.indication) == ("authentic", "TOTAL-PASSED")
        assert name in str(report.signatures[0].signer)


def test_the_second_signature_is_the_managers_own(tmp_path: Path) -> None:
    with remote_office(tmp_path) as sample:
        [number] = asyncio.run(to_sign(sample, 1, temporary=True))
        assert asyncio.run(authorise(sample, [number])) == [Outcome(number)]
        asyncio.run(sample.run_until("countersign", number))
        assert asyncio.run(authorise(sample, [number], MANAGER)) == [Outcome(number)]
        asyncio.run(sample.work())
        sample.require_finished([number])
        assert {row.signer_id for row in sample.signatures(number)} == {SIGNER, MANAGER}


def test_without_the_persons_word_nothing_is_signed_and_nothing_moves(tmp_path: Path) -> None:
    with remote_office(tmp_path) as sample:
        [number] = asyncio.run(to_sign(sample, 1))
        version = sample.request(number).version

        async def wrong(
            client: CscClient, key: RemoteCredential, hashes: Sequence[bytes], digest: str
        ) -> Authorisation:
            return await client.authorise(key.credential_id, hashes, digest=digest, pin="000000")

        with pytest.raises(RemotePinError):
            asyncio.run(authorise(sample, [number], word=wrong))
        [row] = sample.signatures(number)
        assert (row.value, row.attempts, sample.request(number).version) == (None, 0, version)
        with pytest.raises(Refused) as refused:
            sample.do("sign", SIGNER, number)
        assert [reason.code for reason in refused.value.reasons] == ["not-authorised"]
        with pytest.raises(NothingToAuthorise):
            asyncio.run(authorise(sample, [number], MANAGER))
        assert asyncio.run(authorise(sample, [number])) == [Outcome(number)]


def test_what_was_signed_and_not_sent_on_is_not_signed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with remote_office(tmp_path) as sample:
        numbers = asyncio.run(to_sign(sample, 2))

        class Stopped(BaseException):
            pass

        def stop(name: str) -> None:
            if name == "authorise.kept":
                raise Stopped

        monkeypatch.setattr("workflow.authorising.point", stop)
        with pytest.raises(BaseException):  # noqa: B017, PT011 (however a thread's end is told)
            asyncio.run(authorise(sample, numbers))
        monkeypatch.undo()
        values = {row.document_id: row.value for n in numbers for row in sample.signatures(n)}
        assert None not in values.values()
        assert [one.signed for one in asyncio.run(folder(sample))] == [True, True]

        async def nobody(*_: object) -> Authorisation:
            raise AssertionError("asked again")

        assert asyncio.run(authorise(sample, numbers, word=nobody)) == [Outcome(n) for n in numbers]
        asyncio.run(sample.work())
        sample.require_finished(numbers)
        assert values == {row.document_id: row.value for n in numbers for row in sample.signatures(n)}


@pytest.mark.slow
def test_the_command_lists_asks_and_tells(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with remote_office(tmp_path) as sample:
        numbers = asyncio.run(to_sign(sample, 2))
        terminal, who = Terminal(tmp_path, capsys), ("--as", SIGNER)
        listed = terminal.office("authorise", *who, "--json").json["waiting"]
        assert [one["request_id"] for one in listed] == numbers
        assert set(listed[0]) <= set(re.findall(r"`(\w+)`", section_of("authorise")))
        (tmp_path / "pin").write_text(f"{PIN}\n")
        unasked = terminal.office("authorise", numbers[0], *who)
        assert "--pin-file" in unasked.err
        said = terminal.office("authorise", "--all", *who, "--pin-file", tmp_path / "pin", "--json")
        assert said.status == 0
        assert [one["code"] for one in said.json["outcomes"]] == ["", ""]
        assert set(said.json["outcomes"][0]) <= set(re.findall(r"`(\w+)`", section_of("authorise")))
        assert "Nothing waits" in terminal.office("authorise", *who).out
        assert PIN not in said.out + said.err + unasked.err


def test_what_a_colleague_holds_is_not_signed_in_their_place(tmp_path: Path) -> None:
    with remote_office(tmp_path) as sample:
        [number] = asyncio.run(to_sign(sample, 1))
        sample.do("claim", SIGNER, number)
        assert asyncio.run(folder(sample, OTHER_SIGNER)) == []
        [outcome] = asyncio.run(authorise(sample, [number], OTHER_SIGNER))
        assert (outcome.code, sample.signatures(number)) == (ClaimedByAnother.code, [])
        assert asyncio.run(authorise(sample, [number])) == [Outcome(number)]


def test_what_moves_on_while_the_person_is_asked_is_not_signed_and_counts_for_no_other_revision(
    tmp_path: Path,
) -> None:
    with remote_office(tmp_path) as sample:
        moved, stayed = asyncio.run(to_sign(sample, 2))

        async def slow(
            client: CscClient, key: RemoteCredential, hashes: Sequence[bytes], digest: str
        ) -> Authorisation:
            sample.do("return", SIGNER, moved, remark="Another salary")
            return await by_pin(client, key, hashes, digest)

        outcomes = asyncio.run(authorise(sample, [moved, stayed], word=slow))
        assert {one.request_id: one.code for one in outcomes} == {moved: Raced.code, stayed: ""}
        [row] = sample.signatures(moved)
        assert (row.value, row.attempts) == (None, 0)
        with sample.office.store.write() as session:  # as if it had been signed before it was returned
            session.execute(
                update(SignatureRow.table()).where(SignatureRow.id == row.id).values(value=b"1", attempts=1)
            )
        asyncio.run(sample.run_until("sign", moved))
        with pytest.raises(Refused) as refused:
            sample.do("sign", SIGNER, moved)
        assert [reason.code for reason in refused.value.reasons] == ["not-authorised"]


def test_a_document_that_was_not_shown_is_not_signed(tmp_path: Path) -> None:
    with remote_office(tmp_path) as sample:
        seen, unseen = asyncio.run(to_sign(sample, 2))
        shown = {one.document_sha256 for one in asyncio.run(folder(sample)) if one.request_id == seen}

        async def run() -> list[Outcome]:
            async with sample.office.authorising() as authorising:
                return await authorising.authorise(SIGNER, [seen, unseen], by_pin, shown=shown)

        assert {one.request_id: one.code for one in asyncio.run(run())} == {seen: "", unseen: Raced.code}
        assert sample.signatures(unseen) == []


def test_who_is_asked_twice_has_their_key_used_once(tmp_path: Path) -> None:
    with remote_office(tmp_path) as sample:
        [number] = asyncio.run(to_sign(sample, 1))
        others: list[Outcome] = []

        async def meanwhile(
            client: CscClient, key: RemoteCredential, hashes: Sequence[bytes], digest: str
        ) -> Authorisation:
            others.extend(await authorise(sample, [number]))
            return await by_pin(client, key, hashes, digest)

        [ours] = asyncio.run(authorise(sample, [number], word=meanwhile))
        assert (others, ours.code) == ([Outcome(number)], Raced.code)
        [row] = sample.signatures(number)
        assert row.attempts == 1


def test_of_two_at_once_one_signs_and_the_log_tells_that_the_key_was_used_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: Database
) -> None:
    usual = CscClient.sign_hashes
    with remote_office(tmp_path, environ=database.environ) as sample:
        [number] = asyncio.run(to_sign(sample, 1))

        async def both() -> list[list[Outcome]]:
            together = asyncio.Barrier(2)

            async def word(*asked: Any) -> Authorisation:
                await together.wait()
                return await by_pin(*asked)

            async def sign(*asked: Any, **how: Any) -> list[bytes]:
                await together.wait()  # both have noted that they use the key
                return await usual(*asked, **how)

            monkeypatch.setattr(CscClient, "sign_hashes", sign)
            return await asyncio.gather(*(authorise(sample, [number], word=word) for _ in range(2)))

        first, second = asyncio.run(both())
        assert [one.code for one in first + second] == ["", ""]
        assert sorted(one.repeated for one in first + second) == [False, True]
        asyncio.run(sample.work())
        sample.require_finished([number])
        [told] = sample.records(number, "document_signed")
        assert told["repeated"]


def test_a_key_on_the_providers_page(tmp_path: Path) -> None:
    with remote_office(tmp_path, kind="page") as sample:
        numbers = asyncio.run(to_sign(sample, 2))

        async def asked(
            client: CscClient, key: RemoteCredential, hashes: Sequence[bytes], digest: str
        ) -> Authorisation:
            question = await client.ask_on_page(
                key.credential_id, hashes, redirect_uri="http://127.0.0.1:9/authorised", digest=digest
            )
            url = await client.page_url(question)
            return await client.redeem(question, await answer(url))

        assert asyncio.run(authorise(sample, numbers, word=asked)) == [Outcome(n) for n in numbers]
        asyncio.run(sample.work())
        sample.require_finished(numbers)
        [told] = sample.records(numbers[0], "document_signed")
        assert told["way"] == "page"


def test_more_than_a_page_holds_is_asked_page_by_page_and_what_one_signed_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("signing.csc._ADDRESS_BESIDE_HASHES", 8000 - 50)  # one hash fits
    with remote_office(tmp_path, kind="page") as sample:
        numbers = asyncio.run(to_sign(sample, 3))
        parts: list[Part] = []
        gone_on: list[list[bool]] = []

        async def asked(
            client: CscClient, key: RemoteCredential, hashes: Sequence[bytes], digest: str
        ) -> Authorisation:
            gone_on.append([sample.request(number).state != "sign" for number in numbers])
            if decisions[len(gone_on) - 1] == "crash":
                raise KeyboardInterrupt
            question = await client.ask_on_page(
                key.credential_id, hashes, redirect_uri="http://127.0.0.1:9/authorised", digest=digest
            )
            url = await client.page_url(question, description="1 signature in Paraaf, 2 of 3")
            return await client.redeem(question, await answer(url, decisions[len(gone_on) - 1]))

        async def run() -> dict[int, str]:
            async with sample.office.authorising() as authorising:
                outcomes = await authorising.authorise(SIGNER, numbers, asked, announce=parts.append)  # type: ignore[arg-type]
            return {one.request_id: one.code for one in outcomes}

        decisions = ["yes", "no"]
        first, *rest = numbers
        denied = RemoteDeniedError.code  # and nobody is asked for the third
        assert asyncio.run(run()) == {first: "", **dict.fromkeys(rest, denied)}
        assert gone_on == [[False, False, False], [True, False, False]]
        assert parts == [Part(1, 3, (first,), 3), Part(2, 3, (rest[0],), 3)]
        decisions += ["yes", "crash", "yes"]
        with pytest.raises(KeyboardInterrupt):
            asyncio.run(run())
        assert asyncio.run(run()) == {**dict.fromkeys(numbers[:2], NothingToAuthorise.code), rest[1]: ""}
        assert parts[2:] == [Part(1, 2, (rest[0],), 2), Part(2, 2, (rest[1],), 2), Part(1, 1, (rest[1],), 1)]
        assert [row.attempts for number in numbers for row in sample.signatures(number)] == [1, 1, 1]


def test_an_error_at_one_provider_hides_nothing_that_came_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with remote_office(tmp_path) as sample:
        numbers = asyncio.run(to_sign(sample, 3))
        away, *well = numbers
        names = cycle(["away", "well", "well"])  # the same key, as at two providers

        def at_two(*about: Any) -> RemoteKey:
            found = remote_key(*about)
            assert found is not None
            return replace(found, provider=next(names))

        async def word(client: CscClient, *asked: Any) -> Authorisation:
            if client.service.name == "away":
                raise RemoteUnavailableError("It does not answer.")
            return await by_pin(client, *asked)

        monkeypatch.setattr("workflow.authorising.remote_key", at_two)
        outcomes = asyncio.run(authorise(sample, numbers, word=word))
        told = {one.request_id: one.code for one in outcomes}
        assert told == {away: RemoteUnavailableError.code, **dict.fromkeys(well, "")}
        assert [sample.request(number).state == "sign" for number in numbers] == [True, False, False]


async def answer(url: str, decision: str = "yes") -> dict[str, str]:
    """A person decides on the provider's page; the query with which their browser is sent back."""
    async with aiohttp.ClientSession(max_line_size=LONGEST_LINE) as browser:
        form = {"user_id": SIGNER, "password": "password", "decision": decision}
        async with browser.post(url, data=form, allow_redirects=False) as told:
            assert told.status == 302, await told.text()
            return dict(aiohttp.client.URL(told.headers["Location"]).query)


def test_preflight_prepares_for_each_key_at_the_provider(tmp_path: Path) -> None:
    with remote_office(tmp_path) as sample:
        found = asyncio.run(preflight.look_at_all(sample.office))
        assert {one.state for one in found if not one.message.startswith("Development keys")} == {"ok"}
        assert any("prepared for 3 keys at provider" in one.message for one in found)
    preflight.run_when_due(sample.office, SeenFiles(sample.office.signing))  # and nobody answers
    [row] = sample.rows(ProfileCheck, ProfileCheck.profile == "qualified-remote")
    assert row.may_pass
