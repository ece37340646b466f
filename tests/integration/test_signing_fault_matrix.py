"""Every fault of every authority that a signature needs: nothing bad is kept, the request waits and recovers.

One office seals at B-LTA. Its timestamp authority, its OCSP responder and its revocation lists go wrong in
fifteen ways, one at a time: the step ends in time with a reason, and leaves request, rows and files as they
were; when the fault is over, the same step is done without anybody's help. Where lists have no fault of their
own kind (an imprint, a nonce, a purpose), the nearest one stands in its place.

By default the timestamp authority meets all of them, the others a third each: what is made of their
answers is asked in test_certs_revocation.py. With PARAAF_CAMPAIGN=3 and more all meet all.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from aiohttp import web

from certs.authority_http import authority_app
from certs.faulty_authority import UnsafeFaultyAnswers
from certs.loopback import free_base_url
from signing.pades import SigningDesk
from signing.verify.verdict import verify_pdf
from tests.steps_office import Sample
from workflow.outcomes import StepOutcome, Verdict

TIMEOUT_S, SLACK_S = 0.5, 5.0
REFUSED = "refused"
PROTOCOLS = ("tsa", "ocsp", "crl")
MATRIX = {
    "refused": (REFUSED, REFUSED, REFUSED),
    "hangs": ("tsa-hangs", "ocsp-hangs", "crl-hangs"),
    "drips": ("tsa-drips", "ocsp-drips", "crl-drips"),
    "resets": ("tsa-resets", "ocsp-resets", "crl-resets"),
    "html": ("tsa-html", "ocsp-html", "crl-html"),
    "truncated": ("tsa-truncated", "ocsp-truncated", "crl-truncated"),
    "about something else": ("tsa-wrong-imprint", "ocsp-other-certificate", "crl-other-issuer"),
    "replayed": ("tsa-replays", "ocsp-wrong-nonce", "crl-stale"),
    "wrong purpose": ("tsa-no-eku", "ocsp-no-eku", "crl-bad-signature"),
    "expired": ("tsa-expired", "ocsp-expired", "crl-stale"),
    "busy": ("tsa-busy", "ocsp-busy", "crl-busy"),
    "5xx": ("tsa-down", "ocsp-down", "crl-down"),
    "wrong certificate": ("tsa-untrusted", "ocsp-untrusted", "crl-bad-signature"),
    "clock skew": ("tsa-wrong-time", "ocsp-future", "crl-future"),
    "lost answer": ("tsa-loses", "ocsp-loses", "crl-loses"),
}
CODES = {
    "tsa": "signing-timestamp",
    "ocsp": "signing-revocation-unavailable",
    "crl": "signing-revocation-unavailable",
}
WHOLE = float(os.environ.get("PARAAF_CAMPAIGN", "1")) >= 3
CASES = [
    pytest.param(protocol, MATRIX[fault][column], id=f"{protocol}: {fault}")
    for row, fault in enumerate(MATRIX)
    for column, protocol in enumerate(PROTOCOLS)
    if WHOLE or protocol == "tsa" or (row + column) % 3 == 0
]


class Faulty:
    """An office, and the authorities that it asks; each of them answers in this process."""

    def __init__(self, folder: Path) -> None:
        self.tsa_url = free_base_url()
        (folder / "signing.toml").write_text(
            f'[timestampers.far]\nurl = "{self.tsa_url}/tsa"\n'
            '[profiles.organisation-seal]\nkind = "seal"\nlevel = "B-LTA"\ntimestampers = ["far"]\n'
        )
        self.sample = Sample.open(folder)
        self.authority = self.sample.office.authority
        self.sealing: list[int] = []

    @asynccontextmanager
    async def served(self, *faults: str, refused: str = "") -> AsyncIterator[None]:
        """The authorities with these faults; nobody listens for the one that is refused."""
        answers = UnsafeFaultyAnswers(self.authority, clock=lambda: datetime.now(UTC), faults=faults)
        runner = web.AppRunner(authority_app(answers), shutdown_timeout=0.01)
        await runner.setup()
        urls = [self.tsa_url] * (refused != "tsa") + [self.authority.base_url] * (
            refused not in ("ocsp", "crl")
        )
        try:
            for url in urls:
                await web.TCPSite(runner, "127.0.0.1", int(url.rpartition(":")[2])).start()
            yield
        finally:
            await runner.cleanup()

    async def at_sealing(self) -> int:
        """A request whose next step is to seal it; several are brought there at once."""
        if not self.sealing:
            self.sealing = [self.sample.submit("A4") for _ in range(8)]
            while any(self.sample.request(one).state != "sealing" for one in self.sealing):
                if not self.sample.act(self.sealing):
                    rendering = [one for one in self.sealing if self.sample.request(one).state != "sealing"]
                    await self.sample.run_steps(self.sample.waiting(*rendering))
        return self.sealing.pop()

    async def step(self, number: int) -> StepOutcome:
        (outcome,) = await self.sample.run_steps(self.sample.waiting(number))
        return outcome

    def facts(self, number: int) -> tuple[Any, ...]:
        """What must not change while the step fails."""
        request, document = self.sample.request(number), self.sample.documents(number)[-1]
        files = sorted(one.name for one in self.sample.office.blobs.inner.folder.rglob("*") if one.is_file())
        of_document = document.current_sha256, document.level_reached, len(self.sample.signatures(number))
        return request.state, request.version, request.step_seq, of_document, files


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faulty]:
    made = Faulty(tmp_path_factory.mktemp("office"))
    yield made
    made.sample.require_sound()
    made.sample.office.close()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SigningDesk, "open", partial(SigningDesk.open, timeout_s=TIMEOUT_S))


async def recovered(faulty: Faulty, number: int) -> None:
    """Tried again, as the queue does, until it is done: soon, and without help."""
    for _ in range(20):
        outcome = await faulty.step(number)
        if outcome.verdict is Verdict.DONE:
            break
        await asyncio.sleep(max(outcome.after_s, 0.05))
    document = faulty.sample.documents(number)[-1]
    assert (outcome.verdict, document.level_reached) == (Verdict.DONE, "B-LTA"), outcome
    pdf = faulty.sample.office.blobs.get(document.current_sha256)
    trust = faulty.sample.office.trust
    report = await asyncio.to_thread(verify_pdf, pdf, trust=trust, now=datetime.now(UTC))
    assert (report.verdict, report.signatures[0].level) == ("authentic", "B-LTA"), report.sentence


@pytest.mark.parametrize(("protocol", "fault"), CASES)
def test_a_fault_leaves_nothing_behind_and_passes(faulty: Faulty, protocol: str, fault: str) -> None:
    faults = () if fault == REFUSED else (fault,)
    # an answer of the other kind would do
    faults += {"tsa": (), "ocsp": ("crl-down",), "crl": ("ocsp-down",)}[protocol]

    async def story() -> None:
        number = await faulty.at_sealing()
        before = faulty.facts(number)
        async with faulty.served(*faults, refused=protocol if fault == REFUSED else ""):
            begun = monotonic()
            outcome = await faulty.step(number)
            took_s = monotonic() - begun
        assert (outcome.verdict, outcome.code) == (Verdict.RETRY, CODES[protocol])
        assert outcome.message
        assert faulty.facts(number) == before
        assert took_s < TIMEOUT_S + SLACK_S
        async with faulty.served():
            await recovered(faulty, number)

    asyncio.run(story())


def test_every_authority_meets_as_many_faults_as_is_said() -> None:
    met = [str(case.id).split(": ") for case in CASES]
    counts = {protocol: sum(each == protocol for each, _ in met) for protocol in PROTOCOLS}
    others = 15 if WHOLE else 5
    assert counts == {"tsa": 15, "ocsp": others, "crl": others}
    assert {fault for _, fault in met} == set(MATRIX)


def test_a_busy_authority_is_left_alone_as_long_as_it_asks_for(faulty: Faulty) -> None:
    async def story() -> None:
        number = await faulty.at_sealing()
        async with faulty.served("tsa-busy"):
            assert (await faulty.step(number)).code == "signing-timestamp"
        async with faulty.served():  # it could answer again, and has asked not to be asked
            waits = await faulty.step(number)
            assert (waits.verdict, waits.code) == (Verdict.WAIT, "signing-timestamp-rest")
            assert 0.05 < waits.after_s <= 1.0  # without its word it would be 0.02
            await recovered(faulty, number)

    asyncio.run(story())
