"""The sample people at work: they submit, judge, return, approve and sign, as a program.

Every command is marked as a program's, so none of it is ever reported as human time.
"""

import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from cli.sample_papers import CONTINUED, LANGUAGES, SIGNING, declaration_of, facts_of, plan_of, reasons_for
from documents.register import Person, Register
from workflow.commands import Answer, Command, Submission
from workflow.definition_model import Definition, OutsideFile
from workflow.engine import QUEUE_MOST, Engine
from workflow.errors import WorkflowError
from workflow.proofs import Proof
from workflow.queue_filter import QueueFilter
from workflow.queue_page import QueueItem
from workflow.reading import RequestView
from workflow.tables import Request

DECLARATION, PLAN = "employer-declaration", "team-action-plan"
BATCH = 100
ASKING = 5
"""People whose requests are left waiting."""
WAITING = ("manager", "review", "sign", "request")
"""States in which requests are left for people to go on with; the last is of who has to answer a return."""
EVERY_NTH_IS_RETURNED = 10


@dataclass
class SampleOffice:
    """Drives requests of the sample people through an engine, and remembers what it started."""

    engine: Engine
    register: Register
    today: date
    run: str = field(default_factory=lambda: secrets.token_hex(6))
    requests: set[int] = field(default_factory=set)
    returned: set[int] = field(default_factory=set)
    at_provider: Callable[[str, QueueItem], bool] = lambda _who, _item: False
    """Whether a task is to be signed with the person's key at a provider."""
    prove: Callable[[str, Mapping[int, int]], Proof] | None = None
    """Has a person show that it is they who consent, for the versions that they have seen."""
    stays: dict[int, str] = field(default_factory=dict)
    """In which state a request is left as it is."""
    to_authorise: dict[str, list[int]] = field(default_factory=dict)
    """Who has to authorise which requests now."""
    to_exchange: list[tuple[str, QueueItem, OutsideFile]] = field(default_factory=list)
    """Who has to give or take which file of which request now."""

    def submit_declarations(self, variant: str, count: int, *, few: int = 0) -> list[int]:
        """Start so many declarations of a variant, prefilled from the register, in all four languages.

        `few`: of so many people with no other duties, who so have several each.
        """
        able = [
            (person, data)
            for person in self.register.people()
            if (data := declaration_of(self.register, person, self.today)) is not None
        ]
        if "second_release" in self.engine.catalogue.get(DECLARATION, variant).states:
            able = [one for one in able if self._is_no_signers_affair(one[0])]
        if few:
            able = [one for one in able if not one[0].duties][:few]
        commands = []
        for number in range(count):
            person, data = able[number % len(able)]
            language = LANGUAGES[number % len(LANGUAGES)]
            commands.append(
                self._submit(Submission(DECLARATION, variant, language), person.person_id, data, number)
            )
        return [answer.request_id for answer in self._execute(commands)]

    def submit_waiting(self, variants: Iterable[str], count: int) -> None:
        """Start declarations that stay in a state where people work, so many of each variant in each."""
        for variant in variants:
            started = self.submit_declarations(variant, count * len(WAITING), few=ASKING)
            for place, number in enumerate(started):
                self.stays[number] = WAITING[place % len(WAITING)]

    def busiest(self) -> list[str]:
        """Of each duty the person for whom most waits, or the first; the auditor, the administrator, and who
        asked."""
        people = self.register.people()
        waits = Counter(
            {
                one.person_id: sum(item.request_id in self.requests for item in self._queue(one.person_id))
                for one in (people if self.requests else ())
            }
        )
        duties = ("manager", "clerk", "signer", "auditor", "administrator")
        chosen = [max((one for one in people if _only(one, duty)), key=_most(waits)) for duty in duties]
        asked = max((one for one in people if not one.duties), key=_most(waits))
        return list(dict.fromkeys(one.person_id for one in (asked, *chosen)))

    def _is_no_signers_affair(self, person: Person) -> bool:
        """Whether neither this person nor their manager signs: two others have to be left for that."""
        signers = {one.person_id for one in self.register.people() if one.has_duty("signer")}
        return signers.isdisjoint({person.person_id, person.manager_id})

    def submit_plans(self, count: int, variant: str = "standard") -> None:
        """Start so many action plans, drawn up by people of different teams."""
        authors = [person for person in self.register.people() if not person.duties]
        commands = []
        for number in range(count):
            author = authors[number * 7 % len(authors)]
            data = plan_of(self.register, author, self.today, safety=number % 3 == 2)
            commands.append(self._submit(Submission(PLAN, variant), author.person_id, data, number))
        self._execute(commands)

    def work(self) -> int:
        """Let everybody do what waits for them, once; gives the number of tasks done."""
        offers: dict[int, list[tuple[str, QueueItem]]] = {}
        for person in self.register.people():
            for item in self._queue(person.person_id):
                if item.request_id in self.requests and self.stays.get(item.request_id) != item.state:
                    offers.setdefault(item.request_id, []).append((person.person_id, item))
        todo = []
        for offered in offers.values():
            who, item = self._chosen(offered)
            act = self._act(who, item)
            if act is not None:
                todo.append((who, item, act))
        self._execute([self._command("claim", who, item) for who, item, _ in todo])
        started = self._execute([self._command("start", who, item) for who, item, _ in todo])
        versions = (answer.version for answer in started)
        acts = [replace(act, seen_version=seen) for (*_, act), seen in zip(todo, versions, strict=True)]
        files = [
            self._state(item).triggers[act.trigger].file for (_, item, _), act in zip(todo, acts, strict=True)
        ]
        at_provider = [self.at_provider(who, item) for who, item, _ in todo]
        here = zip(acts, at_provider, files, strict=True)
        self._execute(self._proven([act for act, remote, file in here if not remote and file is None]))
        handed = zip(todo, files, strict=True)
        self.to_exchange = [(who, item, file) for (who, item, _), file in handed if file is not None]
        self.to_authorise = {}
        for (who, item, _), remote in zip(todo, at_provider, strict=True):
            if remote:
                self.to_authorise.setdefault(who, []).append(item.request_id)
        return len(todo)

    def _queue(self, who: str) -> tuple[QueueItem, ...]:
        """Everything that somebody can do, in the order in which it came."""
        return self.engine.queue(who, QueueFilter(sort="age"), limit=QUEUE_MOST, counted=False).items

    def _proven(self, acts: Sequence[Command]) -> list[Command]:
        """The same, with what shows that it is they where that is asked, once for all of a person's."""
        with self.engine.store.read() as session:
            asking = {
                act.request_id: act.actor
                for act in acts
                if act.consent is not None and self.engine.asks_proof(self._definition(session, act))
            }
        proofs: dict[str, Proof] = {}
        for who in dict.fromkeys(asking.values()):
            seen = {
                act.request_id: act.seen_version
                for act in acts
                if act.request_id in asking and act.actor == who
                if act.request_id is not None and act.seen_version is not None
            }
            assert self.prove is not None  # noqa: S101 (whoever has people consent says how)
            proofs[who] = self.prove(who, seen)
        return [replace(act, proof=proofs[act.actor]) if act.request_id in asking else act for act in acts]

    def _definition(self, session: Session, act: Command) -> Definition:
        request = session.get_one(Request, act.request_id)
        return self.engine.definition(session, request.definition_sha256)

    def _chosen(self, offered: Sequence[tuple[str, QueueItem]]) -> tuple[str, QueueItem]:
        """Who takes a task: the signer that the declaration names, else people take turns."""
        who, item = offered[item_turn(offered)]
        if item.role in ("signer", "leader"):
            data = self.engine.show(item.request_id, who).data
            named = data["signing" if item.role == "signer" else "approval"]["name"]
            return next(
                (offer for offer in offered if self.register.person(offer[0]).name == named), (who, item)
            )
        return who, item

    def _signer_for(self, view: RequestView) -> str:
        """A signer who neither asked for the declaration nor judged it as manager."""
        barred = {view.requester_id}
        barred |= {e.body["actor"] for e in view.history if e.body and e.record.get("from") == "manager"}
        able = [p for p in self.register.people() if p.has_duty("signer") and p.person_id not in barred]
        return able[view.id % len(able)].name

    def _act(self, who: str, item: QueueItem) -> Command | None:
        """What this person does with this task; None when they leave it as it is."""
        if self._is_returned(item) or (
            item.state == "manager" and self.stays.get(item.request_id) == "request"
        ):
            remark = (
                "Please check the amounts against the pay slip."
                if item.state == "manager"
                else "Not clear yet."
            )
            self.returned.add(item.request_id)
            return self._command("return", who, item, remark=remark)
        act = _ACTS.get((item.key, item.state))
        return None if act is None else act(self, who, item)

    def _is_returned(self, item: QueueItem) -> bool:
        returnable = item.state in ("manager", "review", "approve") and item.request_id not in self.returned
        return returnable and item.request_id % EVERY_NTH_IS_RETURNED == (3 if item.state == "review" else 7)

    def _approve(self, who: str, item: QueueItem) -> Command:
        view = self.engine.show(item.request_id, who)
        data = view.data
        change: dict[str, Any] = {}
        if item.state == "manager" and data["employment"]["contract"] == "temporary":
            change["continuation"] = CONTINUED
        if item.state == "review":
            change["signing"] = {"name": self._signer_for(view), **SIGNING}
            change["reasons"] = reasons_for(self.register, item.requester_id, {**data, **change}, self.today)
        return self._command("approve", who, item, data=change)

    def _sign(self, who: str, item: QueueItem) -> Command:
        state = self._state(item)
        trigger = next(iter(state.triggers.values()))
        return self._command(
            trigger.name, who, item, consent=trigger.consent, facts=self._facts(who, trigger.record)
        )

    def _facts(self, who: str, names: Iterable[str]) -> dict[str, str]:
        return facts_of(self.register.person(who).name, names, self.today)

    def _resubmit(self, who: str, item: QueueItem) -> Command:
        return self._command("submit", who, item)

    def _run_plan(self, who: str, item: QueueItem) -> Command | None:
        """Half of the plans are followed up and closed; the others go on running."""
        if item.request_id % 2:
            return None
        if item.version < 14:
            return self._command("follow_up", who, item, facts=self._facts(who, ("note",)))
        return self._command("close", who, item)

    def _state(self, item: QueueItem) -> Any:
        return self.engine.catalogue.get(item.key, item.variant).states[item.state]

    def _submit(self, submission: Submission, who: str, data: Mapping[str, Any], number: int) -> Command:
        return Command(
            trigger="submit",
            actor=who,
            key=f"sample-{self.run}-{submission.key}-{submission.variant}-{number}",
            data=data,
            submission=submission,
            channel="program",
        )

    def _command(self, trigger: str, who: str, item: QueueItem, **rest: Any) -> Command:
        return Command(
            trigger=trigger,
            actor=who,
            key=f"sample-{self.run}-{item.request_id}-{item.version}-{trigger}",
            request_id=item.request_id,
            on_behalf_of=item.on_behalf_of,
            channel="program",
            **rest,
        )

    def _execute(self, commands: Sequence[Command]) -> list[Answer]:
        """Do them in batches; the sample people know what they do, so a refusal is an error."""
        answers: list[Answer] = []
        for start in range(0, len(commands), BATCH):
            for answer in self.engine.execute_batch(commands[start : start + BATCH]):
                if isinstance(answer, WorkflowError):
                    raise answer
                assert isinstance(answer, Answer)  # noqa: S101 (the two outcomes of a batch)
                self.requests.add(answer.request_id)
                answers.append(answer)
        return answers


def _only(person: Person, duty: str) -> bool:
    """Whether this is their duty; of a manager, whether it is the only one."""
    return person.has_duty(duty) and not (duty == "manager" and person.has_duty("signer"))


def _most(waits: Mapping[str, int]) -> Callable[[Person], int]:
    return lambda person: waits[person.person_id]


def item_turn(offered: Sequence[tuple[str, QueueItem]]) -> int:
    """Whose turn it is among those who could take a task."""
    return offered[0][1].request_id % len(offered)


_Act = Callable[[SampleOffice, str, QueueItem], Command | None]
_ACTS: Mapping[tuple[str, str], _Act] = {
    (DECLARATION, "request"): SampleOffice._resubmit,  # noqa: SLF001 (a table of this class's own verbs)
    (DECLARATION, "manager"): SampleOffice._approve,  # noqa: SLF001
    (DECLARATION, "review"): SampleOffice._approve,  # noqa: SLF001
    (PLAN, "draft"): SampleOffice._resubmit,  # noqa: SLF001
    (PLAN, "approve"): SampleOffice._approve,  # noqa: SLF001
    (PLAN, "running"): SampleOffice._run_plan,  # noqa: SLF001
    **{
        (key, state): SampleOffice._sign  # noqa: SLF001
        for key in (DECLARATION, PLAN)
        for state in (
            "sign",
            "second_release",
            "countersign",
            "second_countersign",
            "export",
            "signed_elsewhere",
            "printing",
            "wet_signature",
            "second_wet_signature",
            "stamping",
            "scanning",
            "posting",
        )
    },
}
