"""The figures that a process counts itself, for Prometheus. What the database knows is read from there.

Labels have bounded sets of values: names of the process definitions, of steps, of configured authorities.
Nothing that a person typed, and nobody's name, becomes a label.
"""

from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.metrics_core import Metric
from prometheus_client.samples import Sample

STEP_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
ANSWER_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10)


class Meters:
    """The counters of one process, in a registry of their own."""

    def __init__(self) -> None:
        own = self.registry = CollectorRegistry()
        self.commands = Counter(
            "paraaf_commands", "Commands by trigger and outcome.", ["trigger", "outcome"], registry=own
        )
        self.steps = Counter(
            "paraaf_steps", "Tries of automatic steps.", ["step", "variant", "outcome"], registry=own
        )
        self.step_seconds = Histogram(
            "paraaf_step_seconds",
            "How long steps took that were done: their share of the machine's time.",
            ["step", "variant"],
            buckets=STEP_BUCKETS_S,
            registry=own,
        )
        self.chores = Counter(
            "paraaf_chores", "What is done beside the steps.", ["chore", "outcome"], registry=own
        )
        self.recovered = Counter(
            "paraaf_jobs_recovered", "Jobs of dead workers that were taken up again.", registry=own
        )
        self.reconciled = Counter(
            "paraaf_steps_reconciled", "Steps that had no job and got one.", registry=own
        )
        self._authority_up = Gauge(
            "paraaf_timestamp_authority_up",
            "Whether the authority's last answer was a good timestamp.",
            ["authority"],
            registry=own,
        )
        self._authority_success = Gauge(
            "paraaf_timestamp_authority_last_success_timestamp_seconds",
            "When the authority last gave a good timestamp.",
            ["authority"],
            registry=own,
        )
        self._authority_failures = Counter(
            "paraaf_timestamp_authority_failures",
            "Timestamps that were refused, late, or did not stand the checks.",
            ["authority"],
            registry=own,
        )
        self._authority_seconds = Histogram(
            "paraaf_timestamp_authority_seconds",
            "How long the authority took to give a good timestamp.",
            ["authority"],
            buckets=ANSWER_BUCKETS_S,
            registry=own,
        )
        self._authority_limited = Counter(
            "paraaf_timestamp_authority_limited",
            "Times that a step was to wait for the limit of an authority.",
            ["authority"],
            registry=own,
        )

    def authority_answered(self, authority: str, *, at: float, seconds: float) -> None:
        """An authority gave a good timestamp: `at` in Unix time, after so many seconds."""
        label = authority_label(authority)
        self._authority_up.labels(label).set(1)
        self._authority_success.labels(label).set(at)
        self._authority_failures.labels(label)  # shown as 0: a rate needs a first value
        self._authority_seconds.labels(label).observe(seconds)

    def authority_failed(self, authority: str) -> None:
        """An authority gave no good timestamp."""
        label = authority_label(authority)
        self._authority_up.labels(label).set(0)
        self._authority_failures.labels(label).inc()

    def authority_limited(self, authority: str) -> None:
        """A step was told to wait, because the authority may not be asked so often."""
        self._authority_limited.labels(authority_label(authority)).inc()


def authority_label(name: str) -> str:
    """A configured name as it is; of a URL host and port: its path or its user may be a secret."""
    if "://" not in name:
        return name
    parts = urlsplit(name)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.hostname or 'unknown'}{port}"


def labelled(families: Iterable[Metric], process: str) -> Iterator[Metric]:
    """The families with a label that says which kind of process counted; without when counters began."""
    for family in families:
        one = Metric(family.name, family.documentation, family.type, family.unit)
        one.samples = [
            Sample(each.name, {**each.labels, "process": process}, each.value)
            for each in family.samples
            if not each.name.endswith("_created")
        ]
        yield one


def together(*collections: Iterable[Metric]) -> list[Metric]:
    """Families of the same name as one: an exposition may name each once."""
    found: dict[str, Metric] = {}
    for family in (family for families in collections for family in families):
        if family.name in found:
            found[family.name].samples.extend(family.samples)
        else:
            found[family.name] = family
    return list(found.values())
