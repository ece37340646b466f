"""The way of a request by its definition, and a document's data by dotted names."""

from typing import Any

import pytest

from workflow.changes import Change, since_return
from workflow.definition import load_folder
from workflow.dotted import flat, put_back
from workflow.names import known_names
from workflow.path import path_of
from workflow.reading import HistoryEntry

CATALOGUE = load_folder(known_names())
PERMANENT, TEMPORARY = ({"employment": {"contract": one}} for one in ("permanent", "temporary"))


@pytest.mark.parametrize(
    ("variant", "data", "stops"),
    [
        ("A3", PERMANENT, ["request", "manager", "review", "sign", "delivered"]),
        ("A3", TEMPORARY, ["request", "manager", "review", "sign", "countersign", "delivered"]),
        ("A3", {}, ["request", "manager", "review", "sign", "delivered"]),
    ],
)
def test_the_stops_go_by_the_data(variant: str, data: dict[str, Any], stops: list[str]) -> None:
    path = path_of(CATALOGUE.get("employer-declaration", variant), "request", data)
    assert list(path.stops) == stops
    assert path.at == 0


def test_an_automatic_step_is_on_its_way_to_the_next_stop() -> None:
    path = path_of(CATALOGUE.get("employer-declaration", "A3"), "rendering", PERMANENT)
    assert path.at is not None
    assert path.stops[path.at] == "sign"


def test_what_was_withdrawn_has_left_the_way() -> None:
    assert path_of(CATALOGUE.get("employer-declaration", "A3"), "withdrawn", PERMANENT).at is None


@pytest.mark.parametrize("definition", list(CATALOGUE), ids=lambda one: one.label)
def test_every_process_ends_well(definition: Any) -> None:
    stops = path_of(definition, definition.start, PERMANENT).stops
    assert stops[0] == definition.start
    assert definition.states[stops[-1]].end == "done"


DATA = {"a": {"b": "1", "c": [{"d": "2"}, {"d": "3"}]}, "reasons": {"some-rule": "so"}}


def test_dotted_names_and_back() -> None:
    assert dict(flat(DATA)) == {"a.b": "1", "a.c.1.d": "2", "a.c.2.d": "3", "reasons.some-rule": "so"}
    assert put_back(DATA, {}) == DATA


def test_what_was_is_put_back() -> None:
    assert put_back(DATA, {"a.b": None, "a.c.2.d": None, "a.e": False}) == {
        "a": {"c": [{"d": "2"}], "e": False},
        "reasons": {"some-rule": "so"},
    }


def event(seq: int, kind: str, body: dict[str, Any] | None) -> HistoryEntry:
    record = {"trigger": "submit", "channel": "person"}
    return HistoryEntry(seq, "2026-11-20T09:00:00+00:00", kind, record, body)


RETURN = event(2, "request_returned", {"data_sha256": "x"})


def test_what_was_never_returned_has_nothing_to_compare_with() -> None:
    assert since_return([event(1, "request_submitted", {"data_sha256": "x"})], DATA) is None


def test_of_several_changes_the_first_tells_what_it_was() -> None:
    found = since_return(
        [
            RETURN,
            event(3, "request_submitted", {"data_sha256": "y", "before": {"a.b": "0", "a.c.1.d": "2"}}),
            event(4, "request_advanced", {"data_sha256": "z", "before": {"a.b": "9"}}),
        ],
        DATA,
    )
    assert found is not None
    assert found.changes == (Change("a.b", "0", "1"),)  # the other is again what it was
    assert found.whole
    assert found.before(DATA)["a"]["b"] == "0"


@pytest.mark.parametrize("body", [None, {"data_sha256": "y"}])
def test_a_change_that_nobody_kept_is_told(body: dict[str, Any] | None) -> None:
    found = since_return([RETURN, event(3, "request_submitted", body)], DATA)
    assert found is not None
    assert not found.whole
