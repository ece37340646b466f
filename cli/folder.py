"""Which data folder a command works on, and how it is opened."""

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workflow.office import Office

VARIABLE = "PARAAF_DATA"


def add_data_option(parser: argparse.ArgumentParser) -> None:
    """Add --data DIR, which every command that touches requests has."""
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(os.environ.get(VARIABLE, "data")),
        metavar="DIR",
        help="the data folder (default: ./data, or PARAAF_DATA)",
    )


def add_json_option(parser: argparse.ArgumentParser) -> None:
    """Add --json."""
    parser.add_argument("--json", action="store_true", help="print one JSON document")


@contextmanager
def office_of(args: argparse.Namespace) -> Iterator[Office]:
    """The office of the data folder, closed at the end. Raises a Problem when it can't be opened."""
    office = Office.open(args.data)
    try:
        yield office
    finally:
        office.close()
