"""Figures are held for whoever asks for the same again, and no more of them than fit into memory."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import cast

from throughput.overview_rows import Compared
from throughput.scope import Scope
from throughput.told import Told
from web.figures_pages import HELD, KEPT, Recent

NOW = datetime(2026, 11, 27, tzinfo=UTC)


def figures(requests: int) -> Told:
    return cast(Told, SimpleNamespace(whole=Compared("", came=requests), in_hand=[], made_at=NOW))


def held(recent: Recent, count: int) -> list[int]:
    scopes = [Scope(key=str(number)) for number in range(count)]
    return [number for number, one in enumerate(scopes) if recent.find(one, "variant", NOW) is not None]


def test_the_newest_are_held() -> None:
    recent = Recent()
    for number in range(KEPT + 2):
        recent.keep(Scope(key=str(number)), "variant", figures(10), took=timedelta(0))
    assert held(recent, KEPT + 2) == list(range(2, KEPT + 2))


def test_of_very_many_requests_few_sets_are_held_and_one_always() -> None:
    """A set of a million takes some 70 MB: 64 of them would be more than a machine has."""
    recent = Recent()
    for number in range(6):
        recent.keep(Scope(key=str(number)), "variant", figures(HELD // 3), took=timedelta(0))
    assert held(recent, 6) == [3, 4, 5]
    recent.keep(Scope(key="6"), "variant", figures(2 * HELD), took=timedelta(0))
    assert held(recent, 7) == [6]
