"""What `paraaf demo` did, as it tells it: to people, and as JSON."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.folder import TRUST_FILE
from signing.verify.report import Indication, Report
from throughput.compare import Comparison
from throughput.compare_data import as_json
from throughput.compare_text import as_text
from workflow.logcheck import LogReport


@dataclass(frozen=True)
class Outcome:
    """What the demo did."""

    seconds: float
    requests: int
    compared: Comparison
    reports: Mapping[Indication, int]
    failures: Sequence[Report]
    log: LogReport
    unfinished: Mapping[str, int]
    look: tuple[int, str]
    """A request, and somebody who may see it."""
    provider_latency_ms: int | None = None
    """How long the simulated provider waited before each answer; None when there was none."""

    @property
    def sound(self) -> bool:
        """Every request where it should be, every file passed, the log whole."""
        return not self.unfinished and not self.failures and self.log.ok

    def as_dict(self) -> dict[str, Any]:
        """Stable keys for --json and comparison.json."""
        return {
            "seconds": round(self.seconds, 3),
            "requests": self.requests,
            "comparison": as_json(self.compared),
            "simulated": {"provider_latency_ms": self.provider_latency_ms},
            "verified": {str(indication): count for indication, count in self.reports.items()},
            "log": {"events": self.log.checked, "ok": self.log.ok},
            "unfinished": dict(self.unfinished),
        }


def tell(outcome: Outcome, signed: Path, data: Path, say: Callable[[str], None]) -> None:
    """What was done, with the signed PDFs in a folder, and what to try next."""
    passed = outcome.reports.get(Indication.PASSED, 0)
    say(f"{passed} of {sum(outcome.reports.values())} signed PDFs verified: {Indication.PASSED}")
    for report in outcome.failures[:10]:
        say(f"  {report.name}: {report.sentence}")
    say(f"event log: {outcome.log.checked} events, {'the chain holds' if outcome.log.ok else 'BROKEN'}")
    for state, count in outcome.unfinished.items():
        say(f"  not finished: {count} in {state}")
    say(f"{outcome.requests} requests in {outcome.seconds:.1f} s\n")
    say(as_text(outcome.compared))
    if outcome.provider_latency_ms is not None:
        waits = f"Simulated: the provider is ours, for trials; it waits {outcome.provider_latency_ms} ms"
        say(f"{waits} before each answer.\n")
    say(f"The root certificate to trust: {signed / TRUST_FILE}")
    say("Try next:")
    say(f"  paraaf verify {signed} --trust {signed / TRUST_FILE}")
    number, clerk = outcome.look
    say(f"  paraaf show {number} --as {clerk} --data {data}")
    say(f"  paraaf throughput --data {data}")
    say(f"  paraaf log verify --data {data}")
    say(f"  paraaf serve --data {data}")
