"""What somebody does with a request, sent by a form of its page.

What was wrong with it comes back as a page that keeps what was typed, but never a password.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from problem import Problem
from signing.secret import Secret
from web.asked import Asked
from workflow.commands import Answer, Command
from workflow.definition_model import FACTS
from workflow.errors import (
    ClaimedByAnother,
    KeyReused,
    NotFound,
    Reason,
    Refused,
    StaleVersion,
    WorkflowError,
)
from workflow.office import Office
from workflow.passwords import NotAuthenticated, PasswordGiven
from workflow.proofs import Proof
from workflow.reading import RequestView
from workflow.reauthentication import prove_by_password
from workflow.throttle import Throttled

TAKE_AND_START = "take"
"""Claims, and starts at once: not a verb of the engine's, which times the two apart."""
_FACT_FIELDS = frozenset(f"facts.{name}" for name in FACTS)
_TYPED = frozenset({"remark", "consent", "proof"}) | _FACT_FIELDS


@dataclass(frozen=True)
class Wrong:
    """What was refused of a form: with which status, why, and what was typed into it."""

    trigger: str
    status: int
    reasons: tuple[Reason, ...]
    typed: Mapping[str, str] = field(default_factory=dict)
    after_s: int = 0

    @property
    def at_fields(self) -> Mapping[str, Reason]:
        """Those that stand beside what was typed."""
        return {one.field: one for one in self.reasons if one.field in _TYPED}

    @property
    def elsewhere(self) -> tuple[Reason, ...]:
        """The others."""
        return tuple(one for one in self.reasons if one not in self.at_fields.values())


def act(office: Office, asked: Asked, view: RequestView) -> Answer | Wrong:
    """Do what a form says, or tell what is wrong with it.

    Raises NotFound, KeyReused, and what is nobody's fault: StoreUnavailable, Contended.
    """
    trigger = asked.text("trigger")[:60]
    try:
        if trigger == TAKE_AND_START:
            return _take_and_start(office, asked, view)
        return _executed(office, asked, view, trigger)
    except (StaleVersion, Refused, NotAuthenticated, PasswordGiven, Throttled) as problem:
        typed = {name: asked.text(name) for name in sorted(_TYPED - {"proof"})}
        after_s = problem.after_s if isinstance(problem, Throttled) else 0
        return Wrong(trigger, _status(problem), tuple(_reasons(problem)), typed, after_s)


def _status(problem: Problem) -> int:
    if isinstance(problem, (StaleVersion, ClaimedByAnother)):
        return 409
    return 429 if isinstance(problem, Throttled) else 422


def _reasons(problem: Problem) -> Iterable[Reason]:
    """What was refused; what is wrong with a password stands beside it."""
    if isinstance(problem, Refused):
        return problem.reasons
    return [Reason(problem.code, str(problem), "" if isinstance(problem, StaleVersion) else "proof")]


def _executed(office: Office, asked: Asked, view: RequestView, trigger: str) -> Answer:
    key, drafted = asked.text("key")[:100], bool(asked.text("draft"))
    data = {} if not drafted or view.draft is None else view.draft.data
    consent = asked.text("consent")[:60] or None
    command = Command(
        trigger=trigger,
        actor=asked.me.id,
        key=key,
        request_id=view.id,
        seen_version=_version(asked),
        on_behalf_of=asked.text("for")[:60] or None,
        data=data,
        remark=asked.text("remark").strip() or None,
        facts=facts_of(asked),
        consent=consent,
        through="page",
        proof=_proof(office, asked, view, trigger, consent),
    )
    try:
        return office.engine.execute(command)
    except (KeyReused, NotFound):
        # sent twice, and the draft that was sent is gone, or the request is out of sight
        answer = office.engine.answered(asked.me.id, key, view.id, trigger)
        if answer is None or not drafted:
            raise
        return answer


def _proof(
    office: Office, asked: Asked, view: RequestView, trigger: str, consent: str | None
) -> Proof | None:
    """What shows that it is they, by the password that they typed; None where they typed none."""
    password = asked.text("password")
    with office.store.read() as session:
        definition = office.engine.definition(session, view.definition_sha256)
    if not password or consent is None or not office.engine.asks_proof(definition):
        return None
    seen = _version(asked)
    if seen != view.version or not definition.asks_consent(view.state, trigger):
        return None  # the engine says what is amiss
    return prove_by_password(office.passwords, asked.me.id, Secret(password), {view.id: seen})


def _take_and_start(office: Office, asked: Asked, view: RequestView) -> Answer:
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
        for verb, seen in (("claim", _version(asked)), ("start", None))
    ]
    answers = office.engine.execute_batch(commands)
    for answer in answers:
        if isinstance(answer, WorkflowError):
            raise answer
    return [one for one in answers if isinstance(one, Answer)][-1]


def facts_of(asked: Asked) -> dict[str, str]:
    """What was filled in of what a person may report."""
    given = {name: asked.text(f"facts.{name}").strip() for name in FACTS}
    return {name: value for name, value in given.items() if value}


def _version(asked: Asked) -> int | None:
    """Which version the form was about."""
    text = asked.text("version")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 9 else None
