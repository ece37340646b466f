"""A definition as BPMN 2.0 XML (ISO/IEC 19510), with its diagram.

A state is a task: of a person (`userTask`) or of the machine (`serviceTask`). Where several ways lead on, an
exclusive gateway follows it; where several ways lead in, one comes before it. Names are the definition's own,
so that an exported log can be replayed on it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from xml.sax.saxutils import quoteattr

from workflow.definition_model import Branch, Definition, State, Trigger

_TASK = (110, 70)
_SIZES = {"exclusiveGateway": (50, 50), "startEvent": (36, 36), "endEvent": (36, 36)}
_COLUMN, _ROW, _LEFT, _TOP = 320, 150, 160, 200
_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"'
    ' xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC"'
    ' xmlns:di="http://www.omg.org/spec/DD/20100524/DI" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
)
_NAMESPACE = "urn:paraaf:definition:"


@dataclass(frozen=True)
class Node:
    """A shape: what it is, what it is called, and where it stands."""

    id: str
    tag: str
    name: str
    x: int
    y: int
    size: tuple[int, int]
    note: str = ""

    @property
    def left(self) -> tuple[int, int]:
        """Where flows come in."""
        return self.x, self.y + self.size[1] // 2

    @property
    def right(self) -> tuple[int, int]:
        """Where flows go out."""
        return self.x + self.size[0], self.y + self.size[1] // 2


@dataclass(frozen=True)
class Flow:
    """An arrow."""

    id: str
    source: Node
    target: Node
    name: str = ""
    condition: str = ""


@dataclass
class _Drawing:
    definition: Definition
    nodes: list[Node] = field(default_factory=list)
    flows: list[Flow] = field(default_factory=list)
    entries: dict[str, Node] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._numbers = count(1)
        places = _places(self.definition)
        ways_in = _ways_in(self.definition)
        exits: dict[str, Node] = {}
        for name, state in self.definition.states.items():
            exits[name] = self._block(state, places[name], ways_in[name])
        begin = self._node("begin", "startEvent", "begun", (_LEFT - 100, _TOP + 17))
        self._flow(begin, self.entries[self.definition.start])
        for name, state in self.definition.states.items():
            for trigger in state.triggers.values():
                for branch in trigger.branches:
                    self._flow(exits[name], self.entries[branch.to], *_said(state, trigger, branch))

    def _block(self, state: State, place: tuple[int, int], ways_in: int) -> Node:
        """A state with its gateways: gives the shape from which its ways lead on."""
        x, y = _LEFT + place[0] * _COLUMN, _TOP + place[1] * _ROW
        joins = None
        if ways_in > 1:
            joins = self._node(f"into_{state.name}", "exclusiveGateway", "", (x, y + 10))
        self.entries[state.name] = own = self._own(state, x + 80, y)
        if joins is not None:
            self._flow(joins, own)
            self.entries[state.name] = joins
        if _ways_out(state) > 1:
            label = f"after {state.name}"
            splits = self._node(f"after_{state.name}", "exclusiveGateway", label, (x + 220, y + 10))
            self._flow(own, splits)
            return splits
        return own

    def _own(self, state: State, x: int, y: int) -> Node:
        if state.end:
            return self._node(f"s_{state.name}", "endEvent", state.name, (x, y + 17))
        if state.role:
            who = self.definition.roles.get(state.role, state.role)
            return self._node(f"s_{state.name}", "userTask", state.name, (x, y), note=who)
        return self._node(f"s_{state.name}", "serviceTask", state.name, (x, y), note=state.auto or "")

    def _node(self, id_: str, tag: str, name: str, place: tuple[int, int], *, note: str = "") -> Node:
        node = Node(id_, tag, name, *place, _SIZES.get(tag, _TASK), note)
        self.nodes.append(node)
        return node

    def _flow(self, source: Node, target: Node, name: str = "", condition: str = "") -> None:
        self.flows.append(Flow(f"flow_{next(self._numbers)}", source, target, name, condition))


def bpmn(definition: Definition) -> str:
    """The whole document: the process, then the diagram."""
    drawn = _Drawing(definition)
    process = quoteattr(f"{definition.key}-{definition.variant}".replace(" ", "-"))
    lines = [
        f'{_HEAD} id="definitions" targetNamespace={quoteattr(_NAMESPACE + definition.sha256_hex)}>',
        f'  <bpmn:process id={process} name={quoteattr(definition.label)} isExecutable="false">',
        *(f"    {line}" for line in _process(drawn)),
        "  </bpmn:process>",
        '  <bpmndi:BPMNDiagram id="diagram">',
        f'    <bpmndi:BPMNPlane id="plane" bpmnElement={process}>',
        *(f"      {line}" for line in _diagram(drawn)),
        "    </bpmndi:BPMNPlane>",
        "  </bpmndi:BPMNDiagram>",
        "</bpmn:definitions>",
        "",
    ]
    return "\n".join(lines)


def _process(drawn: _Drawing) -> Iterator[str]:
    for node in drawn.nodes:
        name = f" name={quoteattr(node.name)}" if node.name else ""
        yield f"<bpmn:{node.tag} id={quoteattr(node.id)}{name}>"
        if node.note:
            yield f"  <bpmn:documentation>{_text(node.note)}</bpmn:documentation>"
        yield from (
            f"  <bpmn:incoming>{flow.id}</bpmn:incoming>" for flow in drawn.flows if flow.target == node
        )
        yield from (
            f"  <bpmn:outgoing>{flow.id}</bpmn:outgoing>" for flow in drawn.flows if flow.source == node
        )
        yield f"</bpmn:{node.tag}>"
    for flow in drawn.flows:
        name = f" name={quoteattr(flow.name)}" if flow.name else ""
        ends = f"sourceRef={quoteattr(flow.source.id)} targetRef={quoteattr(flow.target.id)}"
        if flow.condition:
            yield f"<bpmn:sequenceFlow id={quoteattr(flow.id)}{name} {ends}>"
            kind = 'xsi:type="bpmn:tFormalExpression"'
            yield f"  <bpmn:conditionExpression {kind}>{_text(flow.condition)}</bpmn:conditionExpression>"
            yield "</bpmn:sequenceFlow>"
        else:
            yield f"<bpmn:sequenceFlow id={quoteattr(flow.id)}{name} {ends}/>"


def _diagram(drawn: _Drawing) -> Iterator[str]:
    for node in drawn.nodes:
        marker = ' isMarkerVisible="true"' if node.tag == "exclusiveGateway" else ""
        shape = quoteattr(f"shape_{node.id}")
        yield f"<bpmndi:BPMNShape id={shape} bpmnElement={quoteattr(node.id)}{marker}>"
        yield f'  <dc:Bounds x="{node.x}" y="{node.y}" width="{node.size[0]}" height="{node.size[1]}"/>'
        yield "</bpmndi:BPMNShape>"
    for flow in drawn.flows:
        yield f"<bpmndi:BPMNEdge id={quoteattr(f'edge_{flow.id}')} bpmnElement={quoteattr(flow.id)}>"
        yield from (f'  <di:waypoint x="{x}" y="{y}"/>' for x, y in _points(flow))
        yield "</bpmndi:BPMNEdge>"


def _points(flow: Flow) -> list[tuple[int, int]]:
    """Straight on where it can be; a way back goes over the top of both."""
    (x1, y1), (x2, y2) = flow.source.right, flow.target.left
    if x2 >= x1:
        middle = x2 - 20
        return [(x1, y1), (x2, y2)] if y1 == y2 else [(x1, y1), (middle, y1), (middle, y2), (x2, y2)]
    above = min(flow.source.y, flow.target.y) - 30 - 4 * (int(flow.id.removeprefix("flow_")) % 12)
    return [(x1, y1), (x1 + 15, y1), (x1 + 15, above), (x2 - 15, above), (x2 - 15, y2), (x2, y2)]


def _places(definition: Definition) -> Mapping[str, tuple[int, int]]:
    """Column and row of each state: as many columns from the beginning as the shortest way has steps."""
    column = {definition.start: 0}
    waiting = [definition.start]
    for name in waiting:
        for trigger in definition.states[name].triggers.values():
            for branch in trigger.branches:
                if branch.to not in column:
                    column[branch.to] = column[name] + 1
                    waiting.append(branch.to)
    rows: dict[int, int] = {}
    places = {}
    for name in waiting:
        row = rows.get(column[name], 0)
        rows[column[name]] = row + 1
        places[name] = (column[name], row)
    return places


def _ways_in(definition: Definition) -> Mapping[str, int]:
    found = dict.fromkeys(definition.states, 0)
    found[definition.start] += 1
    for state in definition.states.values():
        for trigger in state.triggers.values():
            for branch in trigger.branches:
                found[branch.to] += 1
    return found


def _ways_out(state: State) -> int:
    return sum(len(trigger.branches) for trigger in state.triggers.values())


def _said(state: State, trigger: Trigger, branch: Branch) -> tuple[str, str]:
    """What stands at an arrow, and its condition; nothing where there is one way only."""
    if _ways_out(state) == 1:
        return "", ""
    held = " and ".join(branch.when)
    condition = " and ".join([f"trigger = {trigger.name}", *branch.when])
    return (f"{trigger.name} ({held})" if held else trigger.name), condition


def _text(value: str) -> str:
    return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
