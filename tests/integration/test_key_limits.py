"""A key makes so many signatures a day, not one more: by parallel workers, over crashes, in both."""

import asyncio
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from certs.authority import DevelopmentAuthority
from certs.serve_authority import AuthorityServer
from cli.waiting import waiting_told
from signing.errors import ProfileError
from signing.organisation import load_organisation
from signing.pades import SigningDesk
from signing.prepared import Prepared
from signing.signers import Signer
from tests.databases import Database
from tests.own_signers import own_key
from tests.steps_office import KeyedOffice, Sample
from workflow import preflight
from workflow.key_limits import (
    LONGEST_WAIT_S,
    DailyLimit,
    come_back_after_s,
    key_sha256,
    make_row,
    take,
    used,
)
from workflow.outcomes import Verdict
from workflow.unheeded import unheeded

DAY = timedelta(days=1)
PROFILE = """
[profiles.organisation-seal]
kind = "seal"
level = "B-B"
signer = ["first", "spare"]
"""
LIMIT = 3


def signing_toml(folder: Path, authority: DevelopmentAuthority, first: str) -> str:
    now = datetime.now(UTC)
    tables = [
        own_key(folder, authority, name, begins=now - DAY, ends=now + 90 * DAY) for name in ("first", "spare")
    ]
    return f'trust = ["trust"]\n{tables[0]}{first}\n{tables[1]}{PROFILE}'


@pytest.fixture
def sample(
    tmp_path: Path, database: Database, authority: DevelopmentAuthority, authority_server: AuthorityServer
) -> Iterator[Sample]:
    (tmp_path / "signing.toml").write_text(signing_toml(tmp_path, authority, f"a_day = {LIMIT}"))
    sample = Sample.open(tmp_path, database.environ)
    with AuthorityServer(sample.office.authority.folder):
        yield sample
    sample.office.close()


def sealing(sample: Sample, count: int) -> list[int]:
    numbers = [sample.submit("A4") for _ in range(count)]
    for number in numbers:
        asyncio.run(sample.run_until("sealing", number))
    return numbers


def key_of(sample: Sample) -> str:
    return key_sha256(sample.office.own_seal(sample.office.profiles["organisation-seal"]).certificate)


def made(sample: Sample) -> int:
    with sample.office.store.read() as session:
        return used(session, [key_of(sample)], sample.today).get(key_of(sample), 0)


def test_what_is_over_the_limit_waits_for_the_next_day(sample: Sample) -> None:
    numbers = sealing(sample, LIMIT + 2)
    told = asyncio.run(sample.run_steps())
    waiting = [one for one in told if one.verdict is Verdict.WAIT]
    assert [one.verdict for one in told].count(Verdict.DONE) == LIMIT
    assert [one.code for one in waiting] == ["workflow-key-limit"] * 2
    assert "'first' has made the 3 signatures" in waiting[0].message
    late = [one.ref.request_id for one in waiting]
    assert sum(len(sample.signatures(number)) for number in late) == 0  # nothing prepared, no other key
    assert {one.verdict for one in asyncio.run(sample.run_steps(sample.waiting(*late)))} == {Verdict.WAIT}

    tomorrow = replace(sample.office, clock=lambda: datetime.now(UTC) + DAY)
    assert isinstance(tomorrow, KeyedOffice)
    again = Sample(tomorrow)
    for number in late:
        asyncio.run(again.run_until("delivered", number))
    assert made(sample) == LIMIT
    assert made(again) == 2
    assert [len(again.signatures(number)) for number in numbers] == [1] * len(numbers)


def test_a_worker_that_ends_when_idle_says_for_what_it_waits(sample: Sample) -> None:
    sealing(sample, LIMIT + 1)
    lines: list[str] = []

    async def work() -> None:
        def say(line: str) -> None:
            lines.append(line)
            working.cancel()

        async with waiting_told(sample.office, say):
            working = asyncio.ensure_future(sample.office.work(until_idle=True))
            with suppress(asyncio.CancelledError):
                await working

    asyncio.run(asyncio.wait_for(work(), 60))
    [line] = lines
    assert re.match(r"1 step waits until [-0-9: ]+ UTC \(workflow-key-limit\): This key has made", line)


def test_a_signature_that_is_tried_again_counts_once(sample: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    [number] = sealing(sample, 1)
    tries = []
    usual = SigningDesk.sign

    async def fails_once(self: SigningDesk, source: bytes, prepared: Prepared, signer: Signer) -> bytes:
        tries.append(1)
        if len(tries) == 1:
            raise RuntimeError("the worker dies here, as far as the row can tell")
        return await usual(self, source, prepared, signer)

    monkeypatch.setattr(SigningDesk, "sign", fails_once)
    [first] = asyncio.run(sample.run_steps())
    assert (first.verdict, made(sample)) == (Verdict.RETRY, 1)
    asyncio.run(sample.run_until("delivered", number))
    assert (len(tries), made(sample)) == (2, 1)


def test_the_last_use_of_a_day_can_be_tried_again(sample: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = sealing(sample, LIMIT)
    with monkeypatch.context() as patch:
        patch.setattr(SigningDesk, "sign", _dies)
        assert {one.verdict for one in asyncio.run(sample.run_steps())} == {Verdict.RETRY}
    assert made(sample) == LIMIT
    for number in numbers:
        asyncio.run(sample.run_until("delivered", number))


def test_what_was_counted_on_another_day_is_counted_anew(
    sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token that is out for days: what all of them prepared is not signed on one."""
    numbers = sealing(sample, 2 * LIMIT)
    tomorrow = Sample(replace(sample.office, clock=lambda: datetime.now(UTC) + DAY))  # type: ignore[arg-type]
    with monkeypatch.context() as patch:
        patch.setattr(SigningDesk, "sign", _dies)
        for office in (sample, tomorrow):
            asyncio.run(office.run_steps())
    assert len([number for number in numbers if sample.signatures(number)]) == LIMIT
    in_two_days = Sample(replace(sample.office, clock=lambda: datetime.now(UTC) + 2 * DAY))  # type: ignore[arg-type]
    asyncio.run(in_two_days.run_steps())
    assert sum(row.value is not None for number in numbers for row in sample.signatures(number)) == LIMIT
    assert made(in_two_days) == LIMIT


@pytest.mark.parametrize("profile", ["organisation-seal", "click-seal"])
def test_another_name_for_a_key_leads_to_the_same_limit(
    tmp_path: Path, authority: DevelopmentAuthority, authority_server: AuthorityServer, profile: str
) -> None:
    """Also where a process never opens the name that has the limit."""
    said = signing_toml(tmp_path, authority, f"a_day = {LIMIT}")
    alias = '[signers.alias]\ntype = "file"\nkey = "first.pem"\npassphrase_file = "first.pass"\n'
    lost = '[signers.lost]\ntype = "file"\nkey = "lost.pem"\na_day = 1\n'
    click = '[profiles.click-seal]\nkind = "click"\nlevel = "B-B"\nsigner = "alias"\n'
    (tmp_path / "signing.toml").write_text(f"{said}{alias}{lost}{click}")
    sample = Sample.open(tmp_path, {})
    keys = sample.office.keys()
    signer = keys.signer(
        sample.office.profiles[profile],
        person_id="",
        person_name="",
        organisation=sample.office.employers[0],
    )
    limit = keys.limit_of(signer)
    assert limit is not None
    assert (limit.a_day, limit.key_sha256) == (LIMIT, key_sha256(signer.certificate))
    sample.office.close()


async def _dies(*_: object) -> bytes:
    raise RuntimeError("the worker dies here, as far as the row can tell")


def test_workers_at_once_never_take_more(sample: Sample) -> None:
    limit, day = DailyLimit("seal", 20, "0" * 64), date(2026, 1, 1)

    def one(_: int) -> int:
        make_row(sample.office.store, limit, day)
        with sample.office.store.write() as session:
            return take(session, limit, day, 3)

    with ThreadPoolExecutor(8) as pool:
        given = list(pool.map(one, range(16)))
    assert sum(given) == 20
    assert sorted(given, reverse=True) == [3] * 6 + [2] + [0] * 9


def test_a_check_tells_how_many_there_are_left(sample: Sample) -> None:
    def told() -> list[tuple[str, str]]:
        found = [one for one in asyncio.run(preflight.look_at_all(sample.office)) if "today" in one.message]
        return [(one.state, one.message) for one in found]

    assert told() == [("ok", "The signer first has made 0 of the 3 signatures that it may make today.")]
    sealing(sample, LIMIT)
    asyncio.run(sample.run_steps())
    assert told() == [("warning", "The signer first has made 3 of the 3 signatures that it may make today.")]


def test_a_spare_key_without_a_limit_is_told(sample: Sample) -> None:
    assert [one.message for one in unheeded(sample.office) if "a_day" in one.message] == [
        "The signer spare has no a_day; another of the profile organisation-seal has."
    ]


@pytest.mark.parametrize("said", ["0", "-1", "true", '"many"', "2.5"])
def test_a_limit_that_is_none_is_refused(tmp_path: Path, authority: DevelopmentAuthority, said: str) -> None:
    file = tmp_path / "signing.toml"
    file.write_text(signing_toml(tmp_path, authority, f"a_day = {said}"))
    with pytest.raises(ProfileError, match=r"'signers\.first\.a_day' is") as refused:
        load_organisation(file)
    assert "1 or more" in refused.value.hint


@pytest.mark.parametrize(
    ("now", "after_s"),
    [
        ("2026-11-26T22:30:00+00:00", 1800.0),  # an hour before midnight in Amsterdam, in winter
        ("2026-07-01T21:59:00+00:00", 60.0),  # in summer it comes earlier
        ("2026-07-01T08:00:00+00:00", LONGEST_WAIT_S),
    ],
)
def test_the_day_ends_at_midnight_of_the_office(now: str, after_s: float) -> None:
    assert come_back_after_s(datetime.fromisoformat(now), "Europe/Amsterdam") == after_s
