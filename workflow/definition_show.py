"""A definition for people to look at: as a table, as a Mermaid diagram, as a plain dictionary."""

from collections.abc import Iterator
from typing import Any

from workflow.definition_model import Branch, Definition, State, Trigger

_COLUMNS = ("state", "who", "trigger", "leads to", "sets", "asks for")


def table(definition: Definition) -> str:
    """Every state and every way out of it, one a line, under a heading."""
    rows = [_COLUMNS, *_rows(definition)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    lines = [_line(row, widths) for row in rows]
    lines.insert(1, "  ".join("─" * width for width in widths))
    dropped = " (dropped: not offered for new requests)" if definition.status == "dropped" else ""
    nobody = " (nobody signs)" if definition.is_unsigned else ""
    heading = [
        f"{definition.label}: {definition.title}{dropped}",
        f"signing {definition.signing}{nobody} · calendar {definition.calendar} · keep {definition.keep}",
        f"SHA-256 {definition.sha256_hex}",
        *(f"{name}: {title}" for name, title in definition.roles.items()),
    ]
    return "\n".join([*heading, "", *lines])


def mermaid(definition: Definition) -> str:
    """A Mermaid state diagram. Ids have a prefix: names such as `end` or `note` are words of Mermaid."""
    lines = ["stateDiagram-v2", f"    %% {definition.label}"]
    lines += [f'    state "{name}: {_who(state)}" as s_{name}' for name, state in definition.states.items()]
    lines.append(f"    [*] --> s_{definition.start}")
    for state, trigger, branch in _ways(definition):
        condition = f" ({' and '.join(branch.when)})" if branch.when else ""
        mark = f" / {branch.mark}" if branch.mark else ""
        lines.append(f"    s_{state.name} --> s_{branch.to} : {trigger.name}{condition}{mark}")
    lines += [f"    s_{name} --> [*]" for name, state in definition.states.items() if state.end]
    return "\n".join(lines)


def as_json(definition: Definition) -> dict[str, Any]:
    """The definition as JSON can carry it: what is not set is left out, durations as ISO 8601."""
    return {
        "key": definition.key,
        "variant": definition.variant,
        "version": definition.version,
        "title": definition.title,
        "status": definition.status,
        "start": definition.start,
        "calendar": definition.calendar,
        "keep": str(definition.keep),
        "signing": definition.signing,
        "roles": dict(definition.roles),
        "consents": {name: dict(texts) for name, texts in definition.consents.items()},
        "documents": {
            name: {"kind": document.kind, "signatures": list(document.signatures)}
            for name, document in definition.documents.items()
        },
        "states": {name: _state_json(state) for name, state in definition.states.items()},
        "sha256": definition.sha256_hex,
        "file": definition.path,
    }


def _state_json(state: State) -> dict[str, Any]:
    durations = {"due": state.due, "norm": state.norm}
    return _set(
        {name: getattr(state, name) for name in ("role", "auto", "end", "named_in", "field", "signs_as")}
        | {"not_by": list(state.not_by), "edits": list(state.edits)}
        | {name: str(length) for name, length in durations.items() if length is not None}
        | {"after": {str(after.wait): list(after.do) for after in state.after}}
        | {"triggers": {name: _trigger_json(trigger) for name, trigger in state.triggers.items()}}
    )


def _trigger_json(trigger: Trigger) -> dict[str, Any]:
    branches = [
        _set({"to": branch.to, "when": list(branch.when), "mark": branch.mark}) for branch in trigger.branches
    ]
    return _set(
        {
            "branches": branches,
            "remark": trigger.remark,
            "check": trigger.check,
            "consent": trigger.consent,
            "record": list(trigger.record),
        }
    )


def _set(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value}


def _ways(definition: Definition) -> Iterator[tuple[State, Trigger, Branch]]:
    for state in definition.states.values():
        for trigger in state.triggers.values():
            for branch in trigger.branches:
                yield state, trigger, branch


def _rows(definition: Definition) -> Iterator[tuple[str, ...]]:
    shown: State | None = None
    for state, trigger, branch in _ways(definition):
        to = f"{branch.to} when {' and '.join(branch.when)}" if branch.when else branch.to
        named = (state.name, _who(state)) if state is not shown else ("", "")
        yield (*named, trigger.name, to, branch.mark or "", ", ".join(_asks(trigger)))
        shown = state
    for name, state in definition.states.items():
        if state.end:
            yield (name, _who(state), "", "", "", "")


def _who(state: State) -> str:
    if state.role is None:
        return f"end, {state.end}" if state.end else f"step {state.auto} {state.field or ''}".rstrip()
    barred = f", not by {' or '.join(state.not_by)}" if state.not_by else ""
    named = f", named in {state.named_in}" if state.named_in else ""
    return f"{state.role}{barred}{named}"


def _asks(trigger: Trigger) -> Iterator[str]:
    if trigger.remark:
        yield "remark"
    if trigger.check:
        yield f"data for {trigger.check}"
    if trigger.consent:
        yield f"consent {trigger.consent}"
    yield from trigger.record


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
