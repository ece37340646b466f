"""What can go wrong when timings are asked for."""

from typing import ClassVar

from problem import Problem


class ThroughputError(Problem):
    """The timings could not be computed as asked."""

    code: ClassVar[str] = "throughput"


class CostsUnusable(ThroughputError):
    """A file of costs can't be used."""

    code: ClassVar[str] = "throughput-costs"


class LogOutOfOrder(ThroughputError):
    """The events were not given in the order of their sequence."""

    code: ClassVar[str] = "throughput-order"


class DurationsUnusable(ThroughputError):
    """Durations can't be reckoned with."""

    code: ClassVar[str] = "throughput-durations"


class SumsWrong(ThroughputError):
    """Counts of a report do not add up."""

    code: ClassVar[str] = "throughput-sums"


class PeriodUnusable(ThroughputError):
    """A report can't be made of such a period."""

    code: ClassVar[str] = "throughput-period"


class ScenarioUnusable(ThroughputError):
    """Assumptions can't be simulated."""

    code: ClassVar[str] = "throughput-scenario"


class TimingsOfNewer(ThroughputError):
    """The timings are kept by a newer release, whose rules this one does not know."""

    code: ClassVar[str] = "throughput-newer"
