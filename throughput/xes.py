"""XES, the exchange form of event logs: IEEE 1849-2016, with the extensions concept, lifecycle, time and org.

One trace a request, one event a change of an activity's state, by the standard lifecycle. Attributes of our
own begin with `paraaf:`. Events say that they are simulated; what says nothing was measured.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from xml.sax.saxutils import quoteattr

from throughput.mining import Moment, Trace
from throughput.origins import MEASURED
from workflow.invented import Invented

_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="1849-2016" xes.features="" xmlns="http://www.xes-standard.org/">
 <extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>
 <extension name="Lifecycle" prefix="lifecycle" uri="http://www.xes-standard.org/lifecycle.xesext"/>
 <extension name="Time" prefix="time" uri="http://www.xes-standard.org/time.xesext"/>
 <extension name="Organizational" prefix="org" uri="http://www.xes-standard.org/org.xesext"/>
 <global scope="trace">
  <string key="concept:name" value=""/>
 </global>
 <global scope="event">
  <string key="concept:name" value=""/>
  <string key="lifecycle:transition" value="complete"/>
  <date key="time:timestamp" value="1970-01-01T00:00:00.000+00:00"/>
 </global>
 <classifier name="Activity" keys="concept:name"/>
 <classifier name="Activity and transition" keys="concept:name lifecycle:transition"/>
 <string key="lifecycle:model" value="standard"/>
"""


def xes(found: Iterable[Trace], past: Invented | None = None) -> Iterator[bytes]:
    """The log as XML in pieces, a trace each; of a sample office it says until when its past is invented."""
    yield _HEAD.encode()
    if past is not None:
        yield f' <date key="paraaf:invented_until" value="{_time(past.until)}"/>\n'.encode()
    for trace in found:
        yield "".join(_trace(trace)).encode()
    yield b"</log>\n"


def _trace(trace: Trace) -> Iterator[str]:
    case = trace.case
    yield " <trace>\n"
    yield _string("concept:name", str(case.request))
    yield _string("paraaf:key", case.key)
    yield _string("paraaf:variant", case.variant)
    yield _string("paraaf:definition", case.definition)
    if case.unit is not None:
        yield _string("org:group", case.unit)
    yield _string("paraaf:outcome", case.outcome or "open")
    # Their times rise: a machine's step is told at its end, and began before.
    for moment in sorted(trace.moments, key=lambda one: one.at):
        yield from _event(moment)
    yield " </trace>\n"


def _event(moment: Moment) -> Iterator[str]:
    yield "  <event>\n"
    yield _string("concept:name", moment.activity, depth=3)
    yield _string("concept:instance", str(moment.instance), depth=3)
    yield _string("lifecycle:transition", moment.transition, depth=3)
    yield f'   <date key="time:timestamp" value="{_time(moment.at)}"/>\n'
    for key, value in (
        ("org:resource", moment.resource),
        ("paraaf:channel", moment.channel),
        ("paraaf:trigger", moment.trigger),
        ("paraaf:mark", moment.mark),
        ("paraaf:origin", None if moment.origin == MEASURED else moment.origin),
    ):
        if value is not None:
            yield _string(key, value, depth=3)
    yield "  </event>\n"


def _string(key: str, value: str, *, depth: int = 2) -> str:
    if not value.isprintable():  # XML has no others
        value = "".join(character for character in value if character.isprintable())
    return f"{' ' * depth}<string key={quoteattr(key)} value={quoteattr(value)}/>\n"


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
