"""Exports for process mining as bytes, piece by piece: no more than a few requests are in memory."""

from collections.abc import Iterator
from typing import Literal, get_args

from throughput.ocel import Traces, as_json
from throughput.slices import slices
from throughput.xes import xes
from workflow.invented import Invented

Form = Literal["xes", "ocel", "slices"]
FORMS: tuple[Form, ...] = get_args(Form)
SUFFIXES: dict[Form, str] = {"xes": "xes", "ocel": "ocel.json", "slices": "csv"}
MEDIA: dict[Form, str] = {"xes": "application/xml", "ocel": "application/json", "slices": "text/csv"}


def pieces(form: Form, found: Traces, past: Invented | None = None) -> Iterator[bytes]:
    """The requests in one of the forms; `past`: what XES says of the log as a whole, beside each event."""
    if form == "xes":
        return xes(found(), past)
    return slices(found()) if form == "slices" else as_json(found)
