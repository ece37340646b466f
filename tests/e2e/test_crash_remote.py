"""A process is killed while a person authorises signatures at a provider: one published signature a field.

Kills fall at the named points of `authorise`, and at random moments beside them. Each time the person
authorises again what is left; at the end every request is finished, every field signed once, and where the
key was used twice, over the same bytes. PARAAF_CAMPAIGN=10 kills ten times as often.
"""

import asyncio
import multiprocessing
import random
import signal
import time
from pathlib import Path

import pytest

from tests.campaign import times
from tests.remote_office import SIGNER, authorise_to_point, remote_office
from tests.steps_office import Sample
from workflow.authorising import ToSign
from workflow.faults import AUTHORISATION

pytestmark = pytest.mark.slow
SEED = 20261126
A_POINT = times(1)
AT_RANDOM = times(1)
LONGEST_S = 60

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.remote_office"])


def run(folder: Path, *, point: str = "", after_s: float | None = None) -> int | None:
    """Authorise all that waits in a process of its own; -9 when it was killed."""
    ready = CONTEXT.Event()
    process = CONTEXT.Process(target=authorise_to_point, args=(folder, point, ready))
    process.start()
    if after_s is not None:
        ready.wait(LONGEST_S)
        time.sleep(after_s)
        process.kill()
    process.join(LONGEST_S)
    return process.exitcode


def test_kills_while_signatures_are_authorised_leave_one_signature_a_field(tmp_path: Path) -> None:
    chance = random.Random(SEED)  # noqa: S311 (repeatable moments, no secret)
    kills = [(name, None) for name in sorted(AUTHORISATION) for _ in range(A_POINT)]
    kills += [("", chance.uniform(0, 0.4)) for _ in range(AT_RANDOM)]
    chance.shuffle(kills)
    with remote_office(tmp_path) as sample:
        asyncio.run(_filled(sample, 2))
        killed = 0
        for name, after_s in kills:
            if not asyncio.run(_waiting(sample)):
                asyncio.run(_filled(sample, 2))
            killed += run(tmp_path, point=name, after_s=after_s) == -signal.SIGKILL
        while asyncio.run(_waiting(sample)):
            assert run(tmp_path) == 0
        asyncio.run(sample.work())
        numbers = [request.id for request in sample.requests()]
        sample.require_finished(numbers)
        told = [event for number in numbers for event in sample.records(number, "document_signed")]
        uses = [row.attempts for number in numbers for row in sample.signatures(number)]
        assert len(told) == len(numbers)
        assert sum(event["repeated"] for event in told) == sum(use > 1 for use in uses)
        assert killed > len(kills) // 2


async def _filled(sample: Sample, count: int) -> None:
    for _ in range(count):
        await sample.run_until("sign", sample.submit("A3"))


async def _waiting(sample: Sample) -> list[ToSign]:
    async with sample.office.authorising() as authorising:
        return authorising.folder(SIGNER)
