"""A report on its way out of a fenced process: as JSON, because whoever broke that process may write it.

Unpickling would run what it says; this makes values of the report's own types, or raises ValueError.
"""

import json
import re
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any

from signing.verify.findings import KINDS, Finding
from signing.verify.qc_statements import QcStatements
from signing.verify.qualified import Qualified, Status
from signing.verify.register import MOST_BEGINNINGS, Expected, RegisterWord, Standing, Traces
from signing.verify.report import (
    Indication,
    Report,
    RevocationStatus,
    Role,
    SignatureReport,
    Verdict,
)
from signing.verify.strength import Strength

MAX_BYTES = 16 * 1024 * 1024  # a report tells at most 50 findings about each of 100 signatures
_NUMBERS = frozenset(
    {
        "size",
        "revisions",
        "duration_us",
        "pages_compared",
        "request",
        "added_bytes",
        "revision",
        "signed_bytes_end",
        "age_s",
        "good_until",
    }
)
_MOMENTS = frozenset(
    {"claimed_at", "proven_at", "revocation_checked_at", "validation_time"}
    | {"revoked_at", "issued_at", "next_update"}
)
_TRUTHS = frozenset({"compliance", "sscd", "readable"})
_TEXTS = frozenset({"types", "disclosures", "countries"})
_SHA256 = re.compile("[0-9a-f]{64}")
_PARTS = {"qc": QcStatements, "revocation": RevocationStatus, "strength": Strength}


def packed(report: Report) -> bytes:
    """The report as JSON in ASCII."""
    return _ENCODER.encode(report).encode("ascii")


def _written(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if is_dataclass(value):
        return vars(value)  # what `asdict` gives, which would copy it to the bottom first
    raise TypeError(f"not a part of a report: {type(value).__name__}")


_ENCODER = json.JSONEncoder(default=_written)


def unpacked(data: bytes) -> Report:
    """The report that `packed` wrote; raises ValueError for anything else."""
    try:
        values = json.loads(data)
        made = {
            "signatures": tuple(SignatureReport(**_signature(each)) for each in values.pop("signatures")),
            "verdict": Verdict(values.pop("verdict")),
            "whole": values.pop("whole") is True,
            "register": _register(values.pop("register")),
            "traces": _traces(values.pop("traces")),
            **_common(values),
        }
        return Report(**made, **_rest(values))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"not a report: {error}") from error


def _register(values: dict[str, Any] | None) -> RegisterWord | None:
    if values is None:
        return None
    made: dict[str, Any] = {
        "standing": Standing(values.pop("standing")),
        "tied": values.pop("tied") is True,
        "unsigned": values.pop("unsigned", False) is True,  # a run that an earlier release began
        "expected": tuple(
            Expected(**{key: _text(value) for key, value in each.items()})  # type: ignore[arg-type]
            for each in values.pop("expected")
        ),
        **{name: tuple(_text(each) for each in values.pop(name)) for name in ("missing", "unexpected")},
    }
    return RegisterWord(**made, **_rest(values))


def _traces(values: dict[str, Any] | None) -> Traces | None:
    if values is None:
        return None
    beginnings = tuple((int(length), _digest(sha256)) for length, sha256 in values.pop("beginnings"))
    numbers = tuple(str(_text(each)) for each in values.pop("numbers"))
    if values or len(beginnings) > MOST_BEGINNINGS:
        raise ValueError("more than traces")
    return Traces(beginnings, numbers)


def _digest(value: Any) -> str:
    if not isinstance(value, str) or not _SHA256.fullmatch(value):
        raise TypeError("a digest was expected")
    return value


def _signature(values: dict[str, Any]) -> dict[str, Any]:
    chain = tuple(_text(each) for each in values.pop("chain"))
    development = values.pop("development") is True
    status = values.pop("qualified")
    qualified = Status(
        Qualified(status["qualified"]), *(_text(status.get(name)) for name in ("service", "why", "standing"))
    )
    parts = {name: _part(kind, values.pop(name)) for name, kind in _PARTS.items()}
    return {
        **parts,
        "qualified": qualified,
        **_common(values),
        "role": Role(values.pop("role")),
        "chain": chain,
        "development": development,
        **_rest(values),
    }


def _part(kind: Any, values: dict[str, Any] | None) -> Any:
    """A part of a signature's report, every member of which has a value of its own type."""
    if values is None:
        return None
    return kind(**{each.name: _value(each.name, values[each.name]) for each in fields(kind)})


def _common(values: dict[str, Any]) -> dict[str, Any]:
    findings = tuple(_finding(each) for each in values.pop("findings"))
    return {"indication": Indication(values.pop("indication")), "findings": findings}


def _finding(values: dict[str, Any]) -> Finding:
    filled = {str(_text(name)): _value_of_text(each) for name, each in values.pop("values", {}).items()}
    if "message" in values:  # a run that an earlier release began: in English, its values in it
        values["text"] = values.pop("message")
    texts: dict[str, Any] = {key: _text(value) for key, value in values.items()}
    made = Finding(**texts, values=filled)
    if made.code not in KINDS:
        raise ValueError(f"unknown finding {made.code[:50]!r}")
    return made


def _value_of_text(value: Any) -> str | int:
    if not isinstance(value, str | int):
        raise TypeError("a text or a number was expected")
    return value


def _rest(values: dict[str, Any]) -> dict[str, Any]:
    return {key: _value(key, value) for key, value in values.items()}


def _value(key: str, value: Any) -> Any:
    if value is None:
        return None
    if key in _NUMBERS:
        return int(value)
    if key in _TRUTHS:
        return value is True
    if key in _TEXTS:
        return tuple(_text(each) for each in value)
    return datetime.fromisoformat(value) if key in _MOMENTS else _text(value)


def _text(value: Any) -> str | None:
    if not isinstance(value, str | None):
        raise TypeError("a text was expected")
    return value
