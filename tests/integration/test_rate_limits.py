"""Permits from the database: workers that race never exceed a limit, and signatures wait without failing.

PARAAF_CAMPAIGN multiplies how often each racing worker asks (default 1).
"""

import asyncio
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from certs.serve_authority import AuthorityServer
from signing.authorities import Limit
from tests.steps_office import QUICK, KeyedOffice, Sample
from workflow.errors import SettingRefused
from workflow.office import Office
from workflow.outcomes import Verdict
from workflow.rate_limits import RateLimits
from workflow.store import Store
from workflow.tables import RateLimit

_GIVEN = select(RateLimit.given)
CAMPAIGN = float(os.environ.get("PARAAF_CAMPAIGN", "1"))
WORKERS, EACH = 8, int(3 * CAMPAIGN)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path, environ={})


def test_workers_that_race_never_exceed_the_limit_in_any_window(store: Store) -> None:
    limit, here, stamps = Limit(5, timedelta(milliseconds=250)), threading.local(), list[datetime]()

    def moment(_: Session) -> datetime:
        here.now = datetime.now(UTC)
        return here.now

    def worker(number: int) -> int:
        own = Store(store.url)  # as in a process of its own
        limits, asked = RateLimits(own, {"tsa": limit}, moment=moment), 0
        for turn in range(EACH):
            while wait_s := limits.take("tsa", turn=f"{number}-{turn}"):
                asked += 1
                time.sleep(wait_s)
            stamps.append(here.now)
        own.close()
        return asked

    with ThreadPoolExecutor(WORKERS) as pool:
        refused = sum(pool.map(worker, range(WORKERS)))
    assert len(stamps) == WORKERS * EACH
    for end in stamps:
        # the row keeps microseconds: a float of seconds since 1970 has no more
        since = end - limit.per + timedelta(microseconds=1)
        assert sum(since < at <= end for at in stamps) <= limit.count
    assert refused <= 3 * len(stamps), "they asked in a busy loop"


def test_what_has_no_limit_leaves_no_trace(store: Store) -> None:
    limits = RateLimits(store, {}, moment=store.now)
    assert limits.take("tsa", turn="a") == 0.0
    assert "tsa" not in limits


def test_limits_of_providers_are_their_own(store: Store) -> None:
    one = Limit(1, timedelta(hours=1))
    limits = RateLimits(store, {"a": one, "b": one}, moment=store.now)
    assert limits.take("a", turn="x") == 0.0
    assert limits.take("b", turn="x") == 0.0
    assert 3500 < limits.take("a", turn="y") <= 3600


def test_a_limit_that_can_never_serve_is_told(store: Store) -> None:
    limits = RateLimits(store, {"a": Limit(1, timedelta(hours=1))}, moment=store.now)
    with pytest.raises(SettingRefused, match="2 are needed at once"):
        limits.take("a", turn="x", count=2)


def test_the_time_is_taken_when_the_lock_is_held(store: Store) -> None:
    """A worker that waited for the lock notes when it got it: else its permit would age early."""
    limits = RateLimits(store, {"a": Limit(9, timedelta(hours=1))}, moment=store.now)
    limits.take("a", turn="makes the row")
    with ThreadPoolExecutor(1) as pool, store.write() as session:
        session.execute(_GIVEN.with_for_update())
        waiting = pool.submit(limits.take, "a", turn="waits")
        time.sleep(0.3)
        freed = datetime.now(UTC)
    assert waiting.result() == 0.0
    with store.read() as session:
        given = session.execute(_GIVEN).scalar_one()
    assert given[-1] >= freed.timestamp() * 1e6 - 1000


def limited(sample: Sample, limit: Limit) -> KeyedOffice:
    office = sample.office
    return replace(office, limits=RateLimits(office.store, {"development": limit}, moment=office.store.now))


def test_signatures_wait_for_their_turn_and_that_is_no_failure(tmp_path: Path) -> None:
    sample = Sample.open(tmp_path, patience=replace(QUICK, tries=1))  # one failed try would be an incident
    sample.office = limited(sample, Limit(3, timedelta(seconds=0.5)))
    numbers = [sample.submit("A4") for _ in range(4)]
    with AuthorityServer(sample.office.authority.folder):
        for _ in range(6):
            sample.act(numbers)
            asyncio.run(sample.work())
    sample.require_finished(numbers)
    assert [sample.incidents(number) for number in numbers] == [[]] * 4
    steps = sample.office.meters.registry
    told = {"step": "sign", "variant": "A4", "outcome": "wait"}
    assert (steps.get_sample_value("paraaf_steps_total", told) or 0) > 0
    assert steps.get_sample_value("paraaf_steps_total", {**told, "outcome": "retry"}) is None
    sample.office.close()


def test_a_step_that_waits_says_for_how_long(tmp_path: Path) -> None:
    sample = Sample.open(tmp_path)
    number = sample.submit("A4")
    asyncio.run(sample.run_until("sealing", number))
    sample.office = limited(sample, Limit(3, timedelta(minutes=20)))
    sample.office.limits.take("development", turn="somebody else", count=3)
    with AuthorityServer(sample.office.authority.folder):
        (outcome,) = asyncio.run(sample.run_steps())
    assert (outcome.verdict, outcome.code) == (Verdict.WAIT, "signing-timestamp-limit")
    assert 1190 < outcome.after_s <= 1200
    assert sample.request(number).state == "sealing"
    sample.office.close()


def test_an_office_reads_its_limits(tmp_path: Path) -> None:
    (tmp_path / "signing.toml").write_text('[timestampers.development]\nlimit = "2/PT20M"\n')
    office = Office.open(tmp_path, environ={})
    assert office.limits.take("development", turn="a", count=2) == 0.0
    assert office.limits.take("development", turn="b") > 20 * 60  # and what a permit may be late
    office.close()
