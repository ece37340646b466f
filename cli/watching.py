"""What `serve` and `worker` show of an office and of themselves: readiness and figures."""

from collections.abc import Callable, Sequence

from prometheus_client.metrics_core import Metric

from watching.endpoint import Check
from watching.meters import labelled, together
from workflow.figures import Figures
from workflow.office import Office
from workflow.readiness import checks


def ready(office: Office) -> Callable[[], Sequence[Check]]:
    """What finds out whether the office is ready."""
    return lambda: checks(office)


def families(
    office: Office, *, process: str, others: Callable[[], Sequence[Metric]] = lambda: ()
) -> Callable[[], Sequence[Metric]]:
    """What reads the database's figures, this process's own and those of `others`."""
    figures = Figures(office)
    own = office.meters.registry
    return lambda: together(figures.families(), labelled(own.collect(), process), others())
