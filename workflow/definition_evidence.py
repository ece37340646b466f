"""Would the evidence hold? Rules of four eyes, rendering, signing and milestones, over every path.

What is true on arrival in a state is worked out as facts that each way out of a state adds or takes away;
every branch is taken to be possible, so a rule holds for whatever the data say.
"""

from collections.abc import Callable

from workflow.definition_graph import Edge, FactSet, Graph
from workflow.definition_model import (
    DELIVERED,
    MILESTONES,
    RETURN,
    SIGNED,
    WITHDRAW,
    Definition,
    Names,
    State,
    Trigger,
)
from workflow.refusal import Refusals, Rule

RENDER, SIGN, DELIVER = "render", "sign", "deliver"
# Kinds of profile under which this application makes no signature itself.
BY_HAND = frozenset({"paper", "elsewhere"})
# The kind of profile under which nobody signs, neither here nor elsewhere.
UNSIGNED = "none"
# Kinds of profile whose signature is a person's, so it must be known whose.
PERSONAL = frozenset({"person", "click"})
SIGNED_BY, SIGNED_ON = "signed_by", "signed_on"
# Which files go out and come back under a kind of profile.
FILES = {"elsewhere": ("given", "signed"), "paper": ("given", "scan")}

# Facts on arrival in a state.
_RENDERED = "rendered"  # there has been a rendering
_CURRENT = "current"  # and the data can't have changed since
_APPROVED = (
    "approved"  # somebody who may not be the requester approved, and the data can't have changed since
)
_SIGNED = "field "  # + a field's name: it carries a signature in the present rendering
_PENDING = "pending"  # something is signed and not yet delivered
_MARKED = "mark "  # + a milestone


def check_evidence(definition: Definition, names: Names, refusals: Refusals) -> None:
    """Refuse every path on which a signature would not mean what it seems to mean."""
    _EvidenceCheck(definition, names, refusals).run()


class _EvidenceCheck:
    def __init__(self, definition: Definition, names: Names, refusals: Refusals) -> None:
        self._definition = definition
        self._names = names
        self._profile_kind = names.profiles[definition.signing]
        self._refusals = refusals
        self._graph = Graph(definition)
        self._states = definition.states
        self._surely = self._graph.on_all_paths(self._after)
        self._perhaps = self._graph.on_some_path(self._after)

    def run(self) -> None:
        for state in self._states.values():
            for other in state.not_by:
                self._four_eyes(state, other)
            if state.auto == SIGN:
                self._approved(state, self._surely[state.name])
                self._signer(state)
                self._signed_once(state)
            if state.auto in (SIGN, DELIVER):
                self._rendered(state, self._surely[state.name])
            if state.auto == DELIVER and self._profile_kind == UNSIGNED:
                self._approved(state, self._surely[state.name])  # the page says that it was
            if state.end == "done":
                self._milestones_set(state)
            for trigger in state.triggers.values():
                self._outside(state, trigger)
        for edge in self._graph.edges:
            self._edge(edge)
        self._profile_fits()
        self._fields_signed()

    def _edge(self, edge: Edge) -> None:
        if _signed_by_hand(edge):
            facts = self._kept(edge.source, self._surely[edge.source.name])
            self._approved(edge.source, facts)
            self._rendered(edge.source, facts)
        if edge.trigger.name == WITHDRAW:
            self._withdrawn_unsigned(edge)
        if edge.branch.mark is not None:
            self._milestone_order(edge, edge.branch.mark)
            self._milestone_once(edge)

    # Facts

    def _after(self, edge: Edge, facts: FactSet) -> FactSet:
        source, mark = edge.source, edge.branch.mark
        facts = self._kept(source, facts)
        if source.auto == RENDER and edge.trigger.name == "rendered":
            facts = frozenset(fact for fact in facts if not fact.startswith(_SIGNED)) | {_RENDERED, _CURRENT}
        if source.auto == SIGN and edge.trigger.name == "signed":
            facts |= {f"{_SIGNED}{source.field}", _PENDING}
        if _signed_by_hand(edge):
            facts |= {f"{_SIGNED}by hand", _PENDING}
        if DELIVERED in edge.branch.when:
            facts |= {f"{_MARKED}{passed}" for passed in self._definition.milestones}
        if mark == DELIVERED or edge.trigger.name == RETURN:
            facts -= {_PENDING}  # a return gives up what was signed: the document is made anew
        if mark == "approved" and self._definition.start in source.not_by:
            facts |= {_APPROVED}
        return facts if mark is None else facts | {f"{_MARKED}{mark}"}

    @staticmethod
    def _kept(source: State, facts: FactSet) -> FactSet:
        """What still holds after the person of `source` may have changed the data."""
        if not source.edits:
            return facts
        gone = {_CURRENT, _APPROVED}
        return frozenset(fact for fact in facts if fact not in gone and not fact.startswith(_SIGNED))

    # Four eyes

    def _four_eyes(self, state: State, other: str) -> None:
        place = ("state", state.name, "not_by")
        if other == state.name:
            message = "not_by names the state itself: whoever came back to it could never act again."
            self._refusals.add(
                Rule.FOUR_EYES_SELF, place, message, "Name the states whose people are excluded."
            )
        elif self._states[other].role is None:
            message = f"not_by names {other!r}, where no person acts."
            self._refusals.add(Rule.FOUR_EYES_NOBODY, place, message, "Name a state with a role.")
        elif state.role is None:
            message = "not_by makes no sense where no person acts."
            self._refusals.add(
                Rule.FOUR_EYES_NOBODY, place, message, "Put the rule on the state with a role."
            )
        elif state.name not in self._graph.reach(other):
            message = f"not_by names {other!r}, which can't come before it."
            mend = f"Remove it, or put the rule on {other!r}."
            self._refusals.add(Rule.FOUR_EYES_ORDER, place, message, mend)
        elif (detour := self._graph.path(state.name, avoid=frozenset({other}))) is not None:
            message = f"The four eyes with {other!r} are bypassed on the path {_arrows(detour)}."
            mend = f"Let every path to it pass {other!r}, or make two states of it, one for each path."
            self._refusals.add(Rule.FOUR_EYES_BYPASSED, place, message, mend)

    def _approved(self, state: State, facts: FactSet) -> None:
        if _APPROVED not in facts:
            start = self._definition.start
            does = "deliver" if state.auto == DELIVER else "sign"
            message = f"It can {does} what nobody but the person of {start!r} has approved as it is."
            mend = (
                f'Let every path to it pass a trigger with mark = "approved" in a state with '
                f"not_by = [{start!r}], after the last state with edits."
            )
            self._refusals.add(Rule.SIGNED_UNAPPROVED, ("state", state.name), message, mend)

    # Rendering and signing

    def _rendered(self, state: State, facts: FactSet) -> None:
        place = ("state", state.name)
        if _RENDERED not in facts:
            message = "A path leads to it on which the document was never rendered."
            mend = 'Let every path to it pass a state with auto = "render".'
            self._refusals.add(Rule.SIGNED_UNRENDERED, place, message, mend)
        elif _CURRENT not in facts:
            message = "A path leads to it on which the data may have been edited after rendering."
            mend = 'Let every path from a state with edits pass auto = "render" again.'
            self._refusals.add(Rule.EDITED_AFTER_RENDERING, place, message, mend)

    def _signed_once(self, state: State) -> None:
        if f"{_SIGNED}{state.field}" in self._perhaps[state.name]:
            message = f"The field {state.field!r} may be signed already when it comes here."
            mend = "Sign another field, or render anew in between."
            self._refusals.add(Rule.SIGNED_TWICE, ("state", state.name, "field"), message, mend)

    def _signer(self, state: State) -> None:
        who, place = state.signs_as, ("state", state.name, "signs_as")
        if who is None:
            if self._profile_kind in PERSONAL:
                message = (
                    f"The profile {self._definition.signing!r} signs for a person: whose signature is it?"
                )
                mend = 'Add signs_as = "…", the state whose person signs.'
                self._refusals.add(Rule.SIGNER, place, message, mend)
            return
        if self._states[who].role is None or not self._graph.dominates(who, state.name):
            message = f"signs_as names {who!r}, where not always a person has acted before."
            mend = "Name a state with a role that every path to it passes."
            self._refusals.add(Rule.SIGNER, place, message, mend)
        elif self._profile_kind == "click":
            self._consented(state, who)

    def _consented(self, state: State, who: str) -> None:
        for edge in (edge for edge in self._graph.edges if edge.source.name == who):
            onward = self._graph.reach(edge.branch.to, avoid=frozenset({who}))
            if edge.trigger.consent is None and state.name in onward:
                message = f"{edge.trigger.name!r} leads to the seal {state.name!r} without a consent."
                mend = 'Add consent = "…", a text of [consents].'
                self._refusals.add(Rule.SIGNER, edge.place, message, mend)

    def _profile_fits(self) -> None:
        place, profile = ("process", "signing"), self._definition.signing
        signing = [state for state in self._states.values() if state.auto == SIGN]
        by_hand = [edge for edge in self._graph.edges if _signed_by_hand(edge)]
        if self._profile_kind == UNSIGNED:
            self._nothing_signed(place, signs=bool(signing or by_hand))
        elif self._profile_kind in BY_HAND:
            if signing or not by_hand:
                message = f"Under the profile {profile!r} people sign outside, and report it."
                mend = f'Have no state with auto = "sign", and a trigger with record = ["{SIGNED_BY}"].'
                self._refusals.add(Rule.PROFILE_MISMATCH, place, message, mend)
        elif by_hand or not signing:
            message = f"Under the profile {profile!r} the signatures are made here."
            mend = f'Have a state with auto = "sign", and no trigger with record = ["{SIGNED_BY}"].'
            self._refusals.add(Rule.PROFILE_MISMATCH, place, message, mend)

    def _nothing_signed(self, place: tuple[str, ...], *, signs: bool) -> None:
        """Where no signature is needed, nothing looks like one; the register knows what was delivered."""
        message = f"Under the profile {self._definition.signing!r} nobody signs."
        fields = any(document.signatures for document in self._definition.documents.values())
        if signs or fields or SIGNED in self._definition.milestones:
            mend = (
                f'Have no auto = "sign", no record = ["{SIGNED_BY}"], no signatures and no mark = "{SIGNED}".'
            )
            self._refusals.add(Rule.PROFILE_MISMATCH, place, message, mend)
        if not any(state.auto == DELIVER for state in self._states.values()):
            message += " Only the register of what was delivered vouches for a document."
            mend = 'Let every path to the end pass a state with auto = "deliver".'
            self._refusals.add(Rule.PROFILE_MISMATCH, place, message, mend)

    def _fields_signed(self) -> None:
        signed = {state.field for state in self._states.values()}
        if self._profile_kind in BY_HAND or self._profile_kind == UNSIGNED:
            return
        for document in self._definition.documents.values():
            for field in (field for field in document.signatures if field not in signed):
                message = f"The signature field {field!r} is signed by no state."
                mend = f'Remove it, or add a state with auto = "sign" and field = "{field}".'
                place = ("documents", document.name, "signatures")
                self._refusals.add(Rule.FIELD_NEVER_SIGNED, place, message, mend)

    # Files that go out and come back

    def _outside(self, state: State, trigger: Trigger) -> None:
        """A file that comes back signed says itself who signed when, and it is known who should have."""
        place = ("state", state.name, "on", trigger.name)
        fitting = FILES.get(self._profile_kind, ())
        if trigger.file is not None and trigger.file not in fitting:
            message = f"Under the profile {self._definition.signing!r} no file is {trigger.file!r}."
            mend = f"Possible here: {', '.join(fitting) or 'none'}."
            self._refusals.add(Rule.OUTSIDE, place, message, mend)
        if trigger.file is not None:
            self._rendered(state, self._kept(state, self._surely[state.name]))
        if trigger.file != "signed":
            if trigger.signers:
                self._refusals.add(
                    Rule.OUTSIDE, place, "'signers' goes with a signed file.", 'Add file = "signed".'
                )
            return
        if not {SIGNED_BY, SIGNED_ON} <= set(trigger.record):
            message = "A file that comes back signed tells who signed it and when."
            mend = f'Add record = ["{SIGNED_BY}", "{SIGNED_ON}"]: they are taken from the signatures.'
            self._refusals.add(Rule.OUTSIDE, place, message, mend)
        fields = {field for one in self._definition.documents.values() for field in one.signatures}
        if fields != {field for field, _ in trigger.signers}:
            message = "It is not said of every signature field who signs it."
            mend = f"Add signers with: {', '.join(sorted(fields))}."
            self._refusals.add(Rule.OUTSIDE, place, message, mend)
        for field, who in trigger.signers:
            self._signs_outside(state, field, who, (*place, "signers"))

    def _signs_outside(self, state: State, field: str, who: str, place: tuple[str, ...]) -> None:
        kinds = [document.kind for document in self._definition.documents.values()]
        if any(self._names.is_field(kind, who) for kind in kinds):
            return
        there = self._states.get(who)
        if there is None or there.role is None or not self._graph.dominates(who, state.name):
            message = f"Nobody is known by {who!r} to sign {field!r}."
            mend = "Name a field of the data that holds a name, or a state with a role passed before."
            self._refusals.add(Rule.OUTSIDE, place, message, mend)

    def _withdrawn_unsigned(self, edge: Edge) -> None:
        facts = self._kept(edge.source, self._perhaps[edge.source.name])
        if _PENDING in facts or any(fact.startswith(_SIGNED) for fact in facts):
            message = "The request could be withdrawn after a signature."
            mend = f"Remove on.{WITHDRAW} here: what is signed is evidence."
            self._refusals.add(Rule.WITHDRAWAL, edge.place, message, mend)
        elif self._states[edge.branch.to].end and f"{_MARKED}{DELIVERED}" in facts:
            # A new revision of what was delivered may be given up; the delivered one stays what it is.
            earlier = edge.trigger.branches[: edge.trigger.branches.index(edge.branch)]
            if not any(branch.when == (DELIVERED,) for branch in earlier):
                message = "The request could be withdrawn after it was delivered."
                mend = f'Put a branch {{ to = "…", when = ["{DELIVERED}"] }} before it.'
                self._refusals.add(Rule.WITHDRAWAL, edge.place, message, mend)

    # Milestones

    def _milestones_set(self, end: State) -> None:
        for mark in _in_order(self._definition.milestones):
            missing = self._graph.path(end.name, without=_marks(mark))
            if missing is not None:
                message = f"The milestone {mark!r} is missing on the path {_arrows(missing)}."
                mend = f'Add mark = "{mark}" to a trigger on it.'
                self._refusals.add(Rule.MILESTONE_MISSING, ("state", end.name), message, mend)

    def _milestone_order(self, edge: Edge, mark: str) -> None:
        before = _in_order(self._definition.milestones)
        facts = self._surely[edge.source.name]
        for other in before[: before.index(mark)]:
            if f"{_MARKED}{other}" not in facts:
                message = f"The milestone {mark!r} can be set before {other!r}."
                mend = f"Their order is: {', '.join(MILESTONES)}."
                self._refusals.add(Rule.MILESTONE_ORDER, edge.place, message, mend)
        if mark == SIGNED and (later := self._signature_after(edge)) is not None:
            message = f"The milestone 'signed' is set before the signature in {later!r}."
            mend = "Set it with the last signature."
            self._refusals.add(Rule.MILESTONE_ORDER, edge.place, message, mend)

    def _signature_after(self, edge: Edge) -> str | None:
        """A state that signs the same rendering after `edge`."""
        renders = frozenset(state.name for state in self._states.values() if state.auto == RENDER)
        onward = self._graph.reach(edge.branch.to, avoid=renders)
        by_hand = {other.source.name for other in self._graph.edges if _signed_by_hand(other)}
        signs = {state.name for state in self._states.values() if state.auto == SIGN} | by_hand
        return min(onward & signs, default=None)

    def _milestone_once(self, edge: Edge) -> None:
        """A loop may set a milestone again by the same trigger; a second trigger further on may not."""
        passed = frozenset(name for name in self._states if self._graph.dominates(name, edge.source.name))
        onward = self._graph.reach(edge.branch.to, avoid=passed)
        for other in self._graph.edges:
            if other != edge and other.branch.mark == edge.branch.mark and other.source.name in onward:
                message = f"The milestone {edge.branch.mark!r} is set again after state {edge.source.name!r}."
                mend = "Set each milestone once on a path: remove this mark or the earlier one."
                self._refusals.add(Rule.MILESTONE_TWICE, other.place, message, mend)


def _signed_by_hand(edge: Edge) -> bool:
    return edge.source.role is not None and SIGNED_BY in edge.trigger.record


def _marks(milestone: str) -> Callable[[Edge], bool]:
    # what is open only to what was delivered, comes after all milestones
    return lambda edge: edge.branch.mark == milestone or DELIVERED in edge.branch.when


def _in_order(milestones: frozenset[str]) -> list[str]:
    return [name for name in MILESTONES if name in milestones]


def _arrows(path: tuple[str, ...]) -> str:
    return " → ".join(path)
