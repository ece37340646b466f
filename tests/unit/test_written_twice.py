"""What two packages that must not import each other both write down is the same in both."""

import inspect
from collections.abc import Callable

from documents.render import ARCHIVE_TIMESTAMP
from signing.pades import ARCHIVE_FIELD
from signing.verify import summary
from throughput import faces


def test_both_name_the_archive_timestamps_field_alike() -> None:
    assert ARCHIVE_TIMESTAMP == ARCHIVE_FIELD


def body_of(function: Callable[[], None]) -> str:
    return inspect.getsource(function).split("    for ", 1)[1]


def test_both_reports_load_their_fonts_alike() -> None:
    assert body_of(summary._fonts).replace("_REGULAR", "REGULAR").replace("_BOLD", "BOLD") == body_of(
        faces.load_fonts
    )
