"""What an office's workers do so that its figures are there to be read."""

from typing import TYPE_CHECKING

from throughput import kept, monitor_kept, monitor_reports
from workflow.chores import Chore

if TYPE_CHECKING:
    from workflow.office import Office


def chores(office: "Office") -> list[Chore]:
    """Times as the log tells them; the months that are over; their reports."""
    return [
        kept.chore(office.store),
        monitor_kept.chore(office.store, office.folder, office.clock),
        monitor_reports.chore(office),
    ]
