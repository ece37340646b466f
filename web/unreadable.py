"""What stands in an address and can't be: told field by field to who asked for it.

It is 400 for what nobody could be shown, whoever asks; what there is not, or not for them, is 404.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from starlette.exceptions import HTTPException

from documents.words import mark
from workflow.calendar import ZONE

TEXT: Final = mark("It is too long, or holds characters that do not show.")
MONTH: Final = mark("Choose a month from 2000 on that has begun, such as 2024-11.")
PERIOD: Final = mark("Choose a month that is not before the first one.")
CHOICE: Final = mark("Choose one of those that are offered.")
PERCENT: Final = mark("Write a whole number from 0 to 100.")
LONGEST: Final = 200
_MONTH = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])", re.ASCII)


class Unreadable(HTTPException):
    """An address that asks for what can't be: `wrong` says of each field, by its label, what to do instead.

    `again` is where to begin anew.
    """

    def __init__(self, wrong: Mapping[str, str], *, again: str) -> None:
        self.wrong, self.again = wrong, again
        super().__init__(400)


def wrong_texts(said: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Those of the fields, by their labels, that hold no text that anything could be called."""
    for label, text in said.items():
        if len(text) > LONGEST or not text.isprintable():
            yield label, TEXT


def wrong_months(first: tuple[str, str], last: tuple[str, str], now: datetime) -> Iterator[tuple[str, str]]:
    """What is wrong with a period, each end of it a label and a month ("" leaves it open)."""
    this = f"{now.astimezone(ZONE):%Y-%m}"
    ends = [(label, month) for label, month in (first, last) if month]
    wrong = [(label, MONTH) for label, month in ends if _MONTH.fullmatch(month) is None or month > this]
    if not wrong and len(ends) == 2 and last[1] < first[1]:
        wrong = [(last[0], PERIOD)]
    yield from wrong
