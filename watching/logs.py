"""The program's log: what happened, with the ids to find it again, and nothing about anybody.

A line has the name of what happened and fields from a closed list. Of an error it tells class, code and where
in the program it was; its text only when the Problem declares that it names nobody (`impersonal`), else the
sentence of its class. What libraries log is told by its place; of those in OUTSPOKEN the text too.

The log is for whoever keeps the server. What is evidence stands in the event log, which is another thing.
"""

import json
import logging
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

from problem import Problem
from watching.errors import WatchingSetting

Value = str | int | float | bool | None | Sequence[str] | Mapping[str, int]

VARIABLE = "PARAAF_LOG"
LEVEL_VARIABLE = "PARAAF_LOG_LEVEL"
LEVELS = ("debug", "info", "warning", "error")
FORMS = ("text", "json")
FRAMES = 12
LONGEST = 500

FIELDS = frozenset(
    {
        # whose: ids and names of the process definitions, never of people
        "request",
        "webhook",
        "key",
        "variant",
        "state",
        "step",
        "step_seq",
        "definition",  # its digest
        "command",  # the digest of its idempotency key, which a sender may make of anything
        "trigger",
        "version",
        "event_seq",
        "job",
        "chore",
        "worker",
        "authority",
        "profile",
        # what came of it
        "outcome",
        "code",
        "reasons",
        "tries",
        "deaths",
        "count",
        "days",
        "duration_ms",
        "durations_us",
        "wait_s",
        "clock",
        "since",
        "until",
        "limit",
        "status",
        "address",
    }
)
"""The fields that a line may have. None of them may hold what a person typed, or who a person is."""

OUTSPOKEN = ("procrastinate",)
"""Libraries whose messages hold ids of ours and nothing else."""

_EXTRA = "paraaf_fields"
_within: ContextVar[Mapping[str, Value]] = ContextVar("paraaf_log", default=MappingProxyType({}))


@contextmanager
def within(**fields: Value) -> Iterator[None]:
    """Have everything that is logged in the block, by whomever, carry these fields."""
    before = _within.set({**_within.get(), **fields})
    try:
        yield
    finally:
        _within.reset(before)


def note(
    log: logging.Logger, level: int, event: str, *, error: BaseException | None = None, **fields: Value
) -> None:
    """Log what happened: `event` is its name, `fields` are of FIELDS."""
    if log.isEnabledFor(level):
        log.log(level, event, extra={_EXTRA: fields}, exc_info=error, stacklevel=2)


def start(environ: Mapping[str, str]) -> None:
    """Write the log of this process to standard error: text from warnings on, or as the environment says.

    PARAAF_LOG=json writes one JSON object a line, from the level info on. PARAAF_LOG_LEVEL sets another
    level. May be called again. Raises WatchingSetting.
    """
    form = _choice(environ, VARIABLE, FORMS) or "text"
    level = _choice(environ, LEVEL_VARIABLE, LEVELS) or ("info" if form == "json" else "warning")
    root = logging.getLogger()
    for handler in root.handlers[:]:
        if isinstance(handler, _ToStandardError):
            root.removeHandler(handler)
    ours = _ToStandardError()
    if level == "info":  # libraries tell every move at this level
        ours.addFilter(lambda record: hasattr(record, _EXTRA) or record.levelno >= logging.WARNING)
    ours.setFormatter(JsonLines() if form == "json" else TextLines())
    root.addHandler(ours)
    root.setLevel(level.upper())


def _choice(environ: Mapping[str, str], variable: str, known: Sequence[str]) -> str:
    value = environ.get(variable, "")
    if value and value not in known:
        raise WatchingSetting(
            f"{variable} is {value[:40]!r}, which means nothing.", hint=f"Write one of {', '.join(known)}."
        )
    return value


class _ToStandardError(logging.Handler):
    """Writes to whatever standard error is at the moment."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stderr.write(f"{self.format(record)}\n")
            sys.stderr.flush()
        except Exception:  # noqa: BLE001 (logging's own way: the program goes on without the line)
            self.handleError(record)


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        return json.dumps(told(record), ensure_ascii=False, default=str)


class TextLines(logging.Formatter):
    """Time, level, what happened, and name=value."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        facts = told(record)
        head = [str(facts.pop(name)) for name in ("at", "level", "event")]
        return " ".join([head[0], head[1].upper(), head[2], *(f"{k}={_plain(v)}" for k, v in facts.items())])


def _plain(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    bare = text.isprintable() and " " not in text and '"' not in text
    return text if bare or not isinstance(value, str) else json.dumps(text, ensure_ascii=False)


def told(record: logging.LogRecord) -> dict[str, object]:
    """What a line says of a record: `at`, `level`, `event`, `logger`, the fields, the error."""
    at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
    fields = getattr(record, _EXTRA, None)
    facts: dict[str, object] = {"at": at.replace("+00:00", "Z"), "level": record.levelname.lower()}
    if fields is None:
        facts.update(_foreign(record))
        fields = {}
    else:
        facts.update(event=record.msg, logger=record.name)
    everything = {**_within.get(), **fields}
    facts.update((k, _short(v)) for k, v in everything.items() if k in FIELDS and v is not None)
    if left_out := sorted(everything.keys() - FIELDS):
        facts["left_out"] = left_out
    if record.exc_info and record.exc_info[1] is not None:
        facts.update(_error(record.exc_info[1]))
    return facts


def _short(value: object) -> object:
    return value[:LONGEST] if isinstance(value, str) else value


def _foreign(record: logging.LogRecord) -> dict[str, object]:
    """What is told of a record that is not of our making."""
    place = {"event": "library", "logger": record.name, "where": f"{record.filename}:{record.lineno}"}
    if record.name.partition(".")[0] in OUTSPOKEN:
        return {**place, "said": _short(record.getMessage())}
    return dict(place)


def _error(error: BaseException) -> dict[str, object]:
    """Class, code and place of an error and of what caused it; no text that may name somebody."""
    facts: dict[str, object] = {"error": type(error).__name__}
    if isinstance(error, Problem):
        facts["code"] = error.code
        facts["message"] = _short(error.impersonal_text)
    causes: list[str] = []
    cause = error.__cause__ or error.__context__
    while cause is not None and len(causes) < FRAMES:
        causes.append(type(cause).__name__)
        cause = cause.__cause__ or cause.__context__
    if causes:
        facts["caused_by"] = causes
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
    if frames:
        facts["trace"] = [f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in frames]
    return facts
