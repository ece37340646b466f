"""Does every name in a definition name something?"""

from collections.abc import Collection, Iterable

from workflow.definition_model import (
    FACTS,
    MILESTONES,
    REMINDERS,
    RESERVED_VERBS,
    RETURN,
    Definition,
    Names,
    State,
    Trigger,
)
from workflow.refusal import KeyPath, Refusals, Rule, near


def check_names(definition: Definition, names: Names, refusals: Refusals) -> None:
    """Refuse names that nothing answers to, and things that nothing names."""
    _NamesCheck(definition, names, refusals).run()


class _NamesCheck:
    def __init__(self, definition: Definition, names: Names, refusals: Refusals) -> None:
        self._definition = definition
        self._names = names
        self._refusals = refusals
        self._fields = [name for one in definition.documents.values() for name in one.signatures]

    def run(self) -> None:
        definition, names = self._definition, self._names
        self._known("state", definition.start, definition.states, ("process", "start"))
        self._known("calendar", definition.calendar, names.calendars, ("process", "calendar"))
        self._known("signing profile", definition.signing, names.profiles, ("process", "signing"))
        for document in definition.documents.values():
            self._known("document kind", document.kind, names.kinds, ("documents", document.name, "kind"))
        for state in definition.states.values():
            self._state(state)
            for trigger in state.triggers.values():
                self._trigger(state, trigger)
        self._fields_once()
        self._unused()

    def _state(self, state: State) -> None:
        place: KeyPath = ("state", state.name)
        if state.role is not None and state.role not in self._definition.roles:
            self._refusals.add(
                Rule.NOBODY_RESPONSIBLE,
                (*place, "role"),
                f"Nobody is responsible: the role {state.role!r} is not in [roles].",
                near(state.role, self._definition.roles),
            )
        if state.auto is not None:
            self._known("step", state.auto, self._names.steps, (*place, "auto"))
            self._step_keys(state, place)
        for other in state.not_by:
            self._known("state", other, self._definition.states, (*place, "not_by"))
        for section in state.edits:
            self._known("section of the document's data", section, self._sections(), (*place, "edits"))
        if state.named_in is not None:
            self._named(state, state.named_in, place)
        for word in (word for after in state.after for word in after.do):
            self._known("reminder", word, REMINDERS, (*place, "after"))

    def _named(self, state: State, path: str, place: KeyPath) -> None:
        kinds = [one.kind for one in self._definition.documents.values()]
        if not any(self._names.is_field(kind, path) for kind in kinds):
            mend = "Name a field that holds a person's name, such as signing.name."
            message = f"No document here has the field {path!r}."
            self._refusals.add(Rule.UNKNOWN_NAME, (*place, "named_in"), message, mend)
        if RETURN not in state.triggers:
            message = f"{RETURN!r} is missing: the document may name nobody who can do this."
            mend = f'Add on.{RETURN} = {{ to = "…", remark = true }}.'
            self._refusals.add(Rule.MISSING, (*place, "named_in"), message, mend)

    def _step_keys(self, state: State, place: KeyPath) -> None:
        if not self._definition.documents:
            message = f"The step {state.auto!r} needs a document, and there is none."
            self._refusals.add(Rule.MISSING, (*place, "auto"), message, "Add a table [documents.…].")
        if state.auto != "sign":
            for key in (key for key in ("field", "signs_as") if getattr(state, key) is not None):
                message = f"{key!r} makes no sense with auto = {state.auto!r}."
                self._refusals.add(Rule.MISPLACED_KEY, (*place, key), message, 'Remove it, or auto = "sign".')
        elif state.field is None:
            mend = f"Add field = one of: {', '.join(self._fields)}."
            self._refusals.add(Rule.MISSING, (*place, "field"), "'field' is missing: what is signed?", mend)
        else:
            self._known("signature field of a document", state.field, self._fields, (*place, "field"))
        if state.auto == "sign" and state.signs_as is not None:
            self._known("state", state.signs_as, self._definition.states, (*place, "signs_as"))

    def _trigger(self, state: State, trigger: Trigger) -> None:
        place: KeyPath = ("state", state.name, "on", trigger.name)
        if trigger.name in RESERVED_VERBS:
            message = f"{trigger.name!r} is a verb of the engine, in every state."
            self._refusals.add(Rule.RESERVED_VERB, place, message, "Give the trigger another name.")
        for branch in trigger.branches:
            self._known("state", branch.to, self._definition.states, (*place, "to"))
            for guard in branch.when:
                self._known("guard", guard, self._names.guards, (*place, "branches"))
            if branch.mark is not None:
                self._known("milestone", branch.mark, MILESTONES, (*place, "mark"))
        if trigger.consent is not None:
            self._known("text in [consents]", trigger.consent, self._definition.consents, (*place, "consent"))
        for fact in trigger.record:
            self._known("fact to record", fact, FACTS, (*place, "record"))

    def _fields_once(self) -> None:
        for field in sorted({field for field in self._fields if self._fields.count(field) > 1}):
            message = f"The signature field {field!r} is in two documents."
            self._refusals.add(Rule.DUPLICATE, ("documents",), message, "Give each field a name of its own.")

    def _unused(self) -> None:
        states = self._definition.states.values()
        triggers = [trigger for state in states for trigger in state.triggers.values()]
        for table, given, used in (
            ("roles", self._definition.roles, {state.role for state in states}),
            ("consents", self._definition.consents, {trigger.consent for trigger in triggers}),
        ):
            for name in (name for name in given if name not in used):
                message = f"{name!r} in [{table}] is used by no state."
                self._refusals.add(Rule.UNUSED, (table, name), message, "Remove it, or let a state use it.")

    def _sections(self) -> list[str]:
        kinds = [one.kind for one in self._definition.documents.values()]
        return sorted({section for kind in kinds for section in self._names.kinds.get(kind, ())})

    def _known(self, what: str, name: str, known: Collection[str], place: KeyPath) -> None:
        if name not in known:
            words: Iterable[str] = known if not isinstance(known, frozenset) else sorted(known)
            self._refusals.add(Rule.UNKNOWN_NAME, place, f"There is no {what} {name!r}.", near(name, words))
