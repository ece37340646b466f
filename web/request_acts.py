"""What somebody does with a request, sent by a form of its page.

What was wrong with it comes back as a page that keeps what was typed, but never a password.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from problem import Problem
from web.asked import Asked
from web.problems import status_of
from web.step_up import NOT_SHOWN, proof_of
from workflow.commands import Command
from workflow.definition_model import FACTS
from workflow.errors import Reason, Refused, StaleVersion, WorkflowError
from workflow.office import Office
from workflow.proofs import Proof
from workflow.reading import RequestView
from workflow.throttle import Throttled
from workflow.words import ProcessWords

TAKE_AND_START = "take"
"""Claims, and starts at once: not a verb of the engine's, which times the two apart."""
FIELDS = frozenset({"remark", "consent", "proof", "file", *(f"facts.{name}" for name in FACTS)})
"""What a form of an act may have."""


@dataclass(frozen=True)
class Wrong:
    """What was refused of a form: with which status, why, and what was typed into it.

    `at` is the field that is to blame for a problem that names none.
    """

    trigger: str
    status: int
    problem: Problem
    at: str = ""
    typed: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_stale(self) -> bool:
        """Whether somebody changed the request meanwhile."""
        return isinstance(self.problem, StaleVersion)

    def told(self, words: ProcessWords, named: Callable[[Reason], Reason]) -> list[tuple[str, str]]:
        """Each reason in words, with the field of the form beside which it stands, "" for none."""
        if isinstance(self.problem, Refused):
            return [
                (one.field if one.field in FIELDS else "", words.reason(named(one)))
                for one in self.problem.reasons
            ]
        message, hint = words.error(self.problem)
        return [(self.at, f"{message} {hint}".strip())]


@dataclass(frozen=True)
class Done:
    """It was done; `proved`: they have just shown anew who they are."""

    proved: bool = False


def act(office: Office, asked: Asked, view: RequestView) -> Done | Wrong:
    """Do what a form says, or tell what is wrong with it.

    Raises NotFound, KeyReused, and what is nobody's fault: StoreUnavailable, Contended.
    """
    trigger = asked.text("trigger")[:60]
    try:
        if trigger == TAKE_AND_START:
            _take_and_start(office, asked, view)
            return Done()
        return _executed(office, asked, view, trigger)
    except (StaleVersion, Refused, Throttled, *NOT_SHOWN) as problem:
        at = "" if isinstance(problem, (StaleVersion, Refused)) else "proof"
        typed = {name: asked.text(name) for name in sorted(FIELDS - {"proof", "file"})}
        return Wrong(trigger, status_of(problem), problem, at, typed)


def _executed(office: Office, asked: Asked, view: RequestView, trigger: str) -> Done:
    consent = asked.text("consent")[:60] or None
    proof = _proof(office, asked, view, trigger, consent)
    command = Command(
        trigger=trigger,
        actor=asked.me.id,
        key=asked.text("key")[:100],
        request_id=view.id,
        seen_version=asked.version(),
        on_behalf_of=asked.text("for")[:60] or None,
        remark=asked.text("remark").strip() or None,
        facts=facts_of(asked),
        consent=consent,
        through="page",
        proof=proof,
    )
    office.engine.execute(command)
    return Done(proved=proof is not None)


def _proof(
    office: Office, asked: Asked, view: RequestView, trigger: str, consent: str | None
) -> Proof | None:
    """What shows that it is they; None where they showed nothing."""
    with office.store.read() as session:
        definition = office.engine.definition(session, view.definition_sha256)
    if consent is None or not office.engine.asks_proof(definition):
        return None
    seen = asked.version()
    if seen != view.version or not definition.asks_consent(view.state, trigger):
        return None  # the engine says what is amiss
    return proof_of(office, asked, {view.id: seen})


def _take_and_start(office: Office, asked: Asked, view: RequestView) -> None:
    """Claim a task and start on it, as two events: the first refusal is what is told."""
    key, principal = asked.text("key")[:90], asked.text("for")[:60] or None
    commands = [
        Command(
            verb,
            asked.me.id,
            key=f"{key}-{verb}",
            request_id=view.id,
            seen_version=seen,
            on_behalf_of=principal,
            through="page",
        )
        for verb, seen in (("claim", asked.version()), ("start", None))
    ]
    for answer in office.engine.execute_batch(commands):
        if isinstance(answer, WorkflowError):
            raise answer


def facts_of(asked: Asked) -> dict[str, str]:
    """What was filled in of what a person may report."""
    given = {name: asked.text(f"facts.{name}").strip() for name in FACTS}
    return {name: value for name, value in given.items() if value}
