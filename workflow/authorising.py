"""A person authorises signatures with their key at a remote provider: many at once, and each goes on.

  (1) look: the person's tasks that lead to a signature, and what of them is signed already; what they may not
      do now is left out: a value that no command follows would keep everybody else from signing
  (2) prepare; commit the intent, as every signature's (`step_sign`)
  (3) the person's word, over exactly the hashes of what was prepared
  (4) note that the key is about to be used, where the request is as it was; have the provider use it; commit
      the values
  (5) the command that the task asks for, under a key of the signature's own

(3) to (5) are done for as many at a time as one authorisation takes: what the person has authorised goes on
before they are asked for the next, and who says no once is not asked again.

A crash between any two leads back to (1): what is signed there is not signed again, and (5) does nothing a
second time. Where the provider's answer was lost, the key may be used once more over the same bytes when the
person authorises that; `repeated` says so, in what comes back and in the log. One value is ever kept.
"""

from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import Session

from problem import Problem
from signing.belonging import require_value
from signing.csc import Authorisation, CscClient, CscSigner, RemoteCredential, hash_to_sign
from signing.csc_errors import RemoteCountError, RemoteError
from signing.csc_service import service_of
from workflow import intents
from workflow.commands import Answer, Channel, Command, StepRef, Through
from workflow.engine import QUEUE_MOST
from workflow.errors import Raced, Refused, WorkflowError
from workflow.faults import point
from workflow.intents import Intent
from workflow.keys import RemoteKey, SignerMissing, remote_key
from workflow.remote import NOT_AUTHORISED, signs_next
from workflow.step_sign import Signing, by_the_same, prepare, require_level
from workflow.tables import Person, Request
from workflow.workbench import Work, Workbench, found, latest_documents, read_all, timed, written

if TYPE_CHECKING:
    from workflow.office import Office
    from workflow.queue_page import QueueItem

Word = Callable[[CscClient, RemoteCredential, Sequence[bytes], str], Awaitable[Authorisation]]
"""Asks the person: client, key, hashes and their digest algorithm → the authorisation."""

MOST = 1000
"""Signatures in one batch."""


@dataclass(frozen=True)
class Part:
    """What a person is asked for at once: of `of` questions that at `place`, from 1, for these requests.

    All of them together are for `total` signatures.
    """

    place: int
    of: int
    request_ids: tuple[int, ...]
    total: int


Announce = Callable[[Part], None]
"""Told of each question, before the person is asked it."""
Tell = Callable[[Sequence["Outcome"]], None]
"""Told what came of some, as soon as it is known."""
_TOGETHER = 100  # commands in one transaction


class NothingToAuthorise(WorkflowError):
    """None of these requests waits for a signature of this person's with a key at a provider."""

    code = "workflow-nothing-to-authorise"


@dataclass(frozen=True)
class ToSign:
    """A task that leads to a signature with the person's key at a provider, and its document.

    `trigger` is what the task then does, `consent` the name of the text that goes with it. `signed`: the
    value is there, and only the command is missing. `tried`: how often the key was, or may have been, used.
    """

    request_id: int
    version: int
    key: str
    variant: str
    trigger: str
    consent: str | None
    on_behalf_of: str | None
    number: str
    document: str
    field: str
    document_sha256: str
    provider: str
    requester: str
    offered_at: datetime
    signed: bool
    tried: int


@dataclass(frozen=True)
class Outcome:
    """What came of one: `code` is "" when it is signed and has gone on, else what stood in the way.

    `problem` is the same, for who tells it in another language.
    """

    request_id: int
    code: str = ""
    message: str = ""
    hint: str = ""
    repeated: bool = False
    problem: Problem | None = field(default=None, compare=False, repr=False)


@dataclass
class _Item:
    """One on its way: what the folder tells of it, its work, and from (2) on its signature."""

    to_sign: ToSign
    work: Work
    remote: RemoteKey
    signing: Signing | None = None
    repeated: bool = False

    @property
    def intent(self) -> Intent:
        """What is signed, from (2) on."""
        assert self.signing is not None  # noqa: S101 (prepared in (2), or out of the batch)
        return self.signing.kept

    @property
    def hash(self) -> bytes:
        """What the provider signs."""
        prepared = self.intent.prepared
        return hash_to_sign(prepared.signed_attributes, prepared.digest_algorithm)


@dataclass(frozen=True)
class _Asked:
    """What a task asks for: a signature in this field, of a document that is looked up for many at once."""

    work: Work
    remote: RemoteKey
    trigger: str
    field: str
    consent: str | None

    @property
    def place(self) -> intents.Place | None:
        """Where the signature is kept; None when there is no document."""
        document = self.work.document
        return None if document is None else (document.id, self.field)

    def item(self, task: "QueueItem", actor: str, kept: intents.Kept | None) -> _Item:
        """The same with its document, and with what is kept in its place."""
        request, document = self.work.request, self.work.document
        assert document is not None  # noqa: S101 (it has a place)
        current = kept if isinstance(kept, Intent) and _is_over(kept, self.work) else None
        to_sign = ToSign(
            request_id=request.id,
            version=request.version,
            key=task.key,
            variant=task.variant,
            trigger=self.trigger,
            consent=self.consent,
            on_behalf_of=task.on_behalf_of,
            number=document.number,
            document=document.name,
            field=self.field,
            document_sha256=document.current_sha256,
            provider=self.remote.provider,
            requester=request.requester_id,
            offered_at=task.offered_at,
            signed=current is not None and current.value is not None and current.signer_id == actor,
            tried=current.attempts if current is not None else 0,
        )
        return _Item(to_sign, self.work, self.remote)


class Authorising:
    """The signing folders of people whose keys are at a provider."""

    def __init__(self, office: "Office", bench: Workbench) -> None:
        self._office = office
        self._bench = bench

    def folder(self, actor: str, wanted: Collection[int] | None = None) -> list[ToSign]:
        """What waits for this person's authorisation, oldest first; of some requests only, if they are named.

        Raises Refused for no name.
        """
        items, how = self._items(actor, wanted), _How(actor, "person", consents=True)
        found = (item for item, why in zip(items, self._why_not(items, how), strict=True) if why is None)
        return [item.to_sign for item in islice(found, MOST)]

    async def authorise(
        self,
        actor: str,
        wanted: Sequence[int],
        word: Word,
        *,
        channel: Channel = "person",
        shown: Collection[str] | None = None,
        consents: bool = False,
        through: Through = "program",
        announce: Announce = lambda _: None,
        tell: Tell = lambda _: None,
    ) -> list[Outcome]:
        """Sign what these requests wait for with the person's key, and do what their tasks ask for.

        `channel`: whether a person does it, or a program in their place, which is never timed as a person.
        `shown`: the digests of the documents that the person was shown; another one is left out, and told.
        `consents`: whether they accept the texts that go with it, `through` where. What their task would
        refuse is not signed. `announce` is told of each question, `tell` of what came of some while others
        are on their way. One that can't be signed stops no other, nor does a provider. Raises
        NothingToAuthorise; a Problem when at the only provider the person's word was not had: then nothing
        was signed.
        """
        items = (await written(self._bench, self._items, actor, set(wanted)))[:MOST]
        if not items:
            raise NothingToAuthorise(
                "Nothing of this waits for your signature at a provider.",
                hint="`paraaf authorise --as YOU` without numbers lists what does.",
            )
        outcomes = {
            number: Outcome(number, NothingToAuthorise.code, "Nothing of it waits for your signature.")
            for number in wanted
        }
        how = _How(actor, channel, consents, through)
        ready: list[_Item] = []
        reasons = await written(self._bench, self._why_not, items, how, shown)
        for item, why in zip(items, reasons, strict=True):
            if why is None:
                ready.append(item)
            else:
                outcomes[item.to_sign.request_id] = _outcome(item, why)
        ready_numbers = {item.to_sign.request_id for item in ready}
        tell([one for one in outcomes.values() if one.request_id not in ready_numbers])
        asked = _Asker(word, announce, tell)
        keys = list(dict.fromkeys(item.remote for item in ready))
        for remote in keys:
            theirs = [item for item in ready if item.remote == remote]
            try:
                told = await self._with_key(how, remote, theirs, asked)
            except Problem as error:
                if len(keys) == 1:
                    raise
                told = [_failed(item, error) for item in theirs]
            outcomes |= {outcome.request_id: outcome for outcome in told}
        return list(outcomes.values())

    # (1) look

    def _items(self, actor: str, asked: Collection[int] | None = None) -> list[_Item]:
        tasks = [
            item
            for item in self._office.engine.queue(actor, limit=QUEUE_MOST, counted=False).items
            if not item.suspended_at and (asked is None or item.request_id in asked)
        ]
        with self._office.store.read() as session:
            return [
                item
                for start in range(0, len(tasks), MOST)
                for item in self._of_tasks(session, actor, tasks[start : start + MOST])
            ]

    def _why_not(
        self, items: Sequence[_Item], how: "_How", shown: Collection[str] | None = None
    ) -> list[WorkflowError | None]:
        """What keeps the person from each, asked before their key is used."""
        commands = [how.command(item) for item in items]
        found = [
            why
            for start in range(0, len(commands), _TOGETHER)
            for why in self._office.engine.against(commands[start : start + _TOGETHER])
        ]
        return [
            _moved()
            if shown is not None and item.to_sign.document_sha256 not in shown
            else None
            if _is_the_signature_alone(why)
            else why
            for item, why in zip(items, found, strict=True)
        ]

    def _of_tasks(self, session: Session, actor: str, tasks: Sequence["QueueItem"]) -> list[_Item]:
        """What of these tasks asks for a signature with the person's key at a provider."""
        numbers = [task.request_id for task in tasks]
        requests = {one.id: one for one in session.scalars(select(Request).where(Request.id.in_(numbers)))}
        asked = [
            (task, found)
            for task in tasks
            if task.request_id in requests
            and (found := self._asked(session, actor, task, requests[task.request_id])) is not None
        ]
        documents = latest_documents(session, [found.work.request.id for _, found in asked])
        for _, found in asked:
            found.work.document = documents.get((found.work.request.id, found.work.named_document().name))
        rows = intents.recall(session, [place for _, found in asked if (place := found.place) is not None])
        return [
            found.item(task, actor, rows.get(found.place)) for task, found in asked if found.place is not None
        ]

    def _asked(self, session: Session, actor: str, task: "QueueItem", request: Request) -> "_Asked | None":
        """What the task asks for; None when that is no signature with the person's key at a provider."""
        definition = self._office.engine.definition(session, request.definition_sha256)
        profile = self._office.profiles.get(definition.signing)
        signing_state = next(iter(signs_next(definition, task.state).items()), None)
        if profile is None or signing_state is None:
            return None
        trigger, state = signing_state
        try:
            remote = remote_key(profile, actor, self._office.signing.signers)
        except SignerMissing:  # who has no key at the provider signs nothing, and `fire` tells why
            return None
        if remote is None or state.field is None:
            return None
        work = Work(StepRef(request.id, state.name, request.step_seq), request, definition, profile)
        consent = definition.states[task.state].triggers[trigger].consent
        return _Asked(work, remote, trigger, state.field, consent)

    # (2) to (5), with one key

    async def _with_key(
        self, how: "_How", remote: RemoteKey, items: Sequence[_Item], asked: "_Asker"
    ) -> list[Outcome]:
        """What came of each. Raises a Problem when it kept all of them from being signed."""
        done = [item for item in items if item.to_sign.signed]
        unsigned = [item for item in items if not item.to_sign.signed]
        outcomes = await written(self._bench, self._go_on, how, done) if done else []
        asked.tell(outcomes)
        try:
            async for signed in self._parts(how, remote, unsigned, asked):
                asked.tell(signed)
                outcomes += signed
        except Problem as error:
            if not outcomes:
                raise
            told = {outcome.request_id for outcome in outcomes}
            outcomes += [_failed(item, error) for item in unsigned if item.to_sign.request_id not in told]
        return outcomes

    async def _parts(
        self, how: "_How", remote: RemoteKey, items: Sequence[_Item], asked: "_Asker"
    ) -> AsyncIterator[list[Outcome]]:
        """What came of those that were signed at once, of the next, at last of those that were not signed."""
        if not items:
            return
        service = service_of(remote.provider, remote.source)
        async with CscClient.open(service, clock=self._office.clock) as client:
            batch = _Batch(self._office, self._bench, client, await client.credential(remote.credential_id))
            async with aclosing(batch.run(how.actor, items, asked.word, asked.announce)) as parts:
                async for signed in parts:
                    yield await written(self._bench, self._go_on, how, signed)
            yield batch.failed

    def _go_on(self, how: "_How", items: Sequence[_Item]) -> list[Outcome]:
        """(5) Do what the tasks ask for; nothing where that was done before."""
        outcomes: list[Outcome] = []
        for start in range(0, len(items), _TOGETHER):
            some = items[start : start + _TOGETHER]
            answers = self._office.engine.execute_batch([how.command(one) for one in some])
            outcomes += [_outcome(item, answer) for item, answer in zip(some, answers, strict=True)]
            point("authorise.gone-on")
        return outcomes


@dataclass(frozen=True)
class _Asker:
    """Who asks the person, and is told how it goes."""

    word: Word
    announce: Announce
    tell: Tell


@dataclass(frozen=True)
class _How:
    """Who authorises, by which channel, and whether they accept the texts that go with it."""

    actor: str
    channel: Channel
    consents: bool
    through: Through = "program"

    def command(self, item: _Item) -> Command:
        """What the task then does."""
        one = item.to_sign
        return Command(
            one.trigger,
            self.actor,
            f"{key_of_release(one.request_id, one.version)}{one.document_sha256[:32]}-{one.field}",
            one.request_id,
            seen_version=one.version,
            on_behalf_of=one.on_behalf_of,
            consent=one.consent if self.consents else None,
            channel=self.channel,
            through=self.through,
        )


def key_of_release(request_id: int, version: int) -> str:
    """How the idempotency key begins under which a signature goes on."""
    return f"authorised-{request_id}-{version}-"


def _is_the_signature_alone(why: WorkflowError | None) -> bool:
    return isinstance(why, Refused) and {reason.code for reason in why.reasons} == {NOT_AUTHORISED}


def _outcome(item: _Item, answer: Answer | WorkflowError) -> Outcome:
    number = item.to_sign.request_id
    if isinstance(answer, Answer):
        return Outcome(number, repeated=item.repeated)
    return Outcome(number, answer.code, str(answer), answer.hint, item.repeated, answer)


def _failed(item: _Item, error: Problem) -> Outcome:
    return Outcome(item.to_sign.request_id, error.code, str(error), error.hint, item.repeated, error)


def _moved() -> Raced:
    return Raced("The request has moved on meanwhile.", hint="Look at it again.")


def _is_over(kept: Intent, work: Work) -> bool:
    return work.document is not None and kept.prepared.source_sha256 == work.document.current_sha256


class _Batch:
    """Signatures with one key, from (2) to (4)."""

    def __init__(
        self, office: "Office", bench: Workbench, client: CscClient, credential: RemoteCredential
    ) -> None:
        self._office = office
        self._bench = bench
        self._client = client
        self._credential = credential
        self.failed: list[Outcome] = []

    async def run(
        self, actor: str, items: Sequence[_Item], word: Word, announce: Announce
    ) -> AsyncGenerator[list[_Item]]:
        """Those that are signed, as they are: part by part; `failed` is what became of the others.

        Raises a Problem when the person's word for the first was not had, and there is nothing else to tell.
        """
        prepared = await self._prepared(actor, items)  # (2)
        point("authorise.prepared")
        before = [item for item in prepared if item.intent.value is not None]
        if before:
            yield before
        parts = list(self._parts([item for item in prepared if item not in before]))
        total = sum(map(len, parts))
        for at, part in enumerate(parts):
            if at and self._credential.otp.is_needed:  # a code is good for one authorisation
                self._fail(part, RemoteCountError(f"One code is for {len(parts[0])} signatures.", hint=_ANEW))
                continue
            announce(Part(at + 1, len(parts), tuple(one.to_sign.request_id for one in part), total))
            took: dict[str, int] = {}
            try:
                authorisation = await self._authorised(part, word, took)
            except Problem as error:
                if not (at or before or self.failed):
                    raise
                # whoever said no is not asked for the rest: a PIN that was wrong once more may lock the key
                self._fail([item for rest in parts[at:] for item in rest], error)
                return
            yield await self._signed(part, authorisation, took)

    def _parts(self, items: Sequence[_Item]) -> Iterator[Sequence[_Item]]:
        """As many at a time as one authorisation takes; all of a part have one digest algorithm."""
        digests = dict.fromkeys(item.intent.prepared.digest_algorithm for item in items)
        for digest in digests:
            most = self._credential.multisign
            if self._credential.mode == "oauth2code":
                most = min(most, self._client.most_on_a_page(digest))
            alike = [item for item in items if item.intent.prepared.digest_algorithm == digest]
            for start in range(0, len(alike), most):
                yield alike[start : start + most]

    def _fail(self, items: Sequence[_Item], error: Problem) -> None:
        self.failed += [_failed(item, error) for item in items]

    # (2) prepare, and commit the intent

    async def _prepared(self, actor: str, items: Sequence[_Item]) -> list[_Item]:
        signer = CscSigner(self._client, self._credential)
        with self._office.store.read() as session:
            names = {row.id: row.name for row in session.execute(select(Person.id, Person.name))}
        sources = await read_all(self._bench, [item.to_sign.document_sha256 for item in items])
        ready: list[_Item] = []
        for item in items:
            try:
                await self._prepare(item, actor, names, signer, found(sources, item.to_sign.document_sha256))
            except Problem as error:
                self._fail([item], error)
            else:
                ready.append(item)
        return await written(self._bench, self._keep_intents, ready) if ready else []

    async def _prepare(
        self, item: _Item, actor: str, names: Mapping[str, str], signer: CscSigner, source: bytes
    ) -> None:
        one, work = item.to_sign, item.work
        assert work.document is not None  # noqa: S101 (the folder lists none without)
        require_level(self._bench, work)
        principal = names[one.on_behalf_of] if one.on_behalf_of else None
        item.signing = Signing(work, work.document, source, actor, names[actor], principal, signer, None)
        await prepare(self._bench, item.signing)
        work.us.update(item.signing.us)

    def _keep_intents(self, items: Sequence[_Item]) -> list[_Item]:
        """From here on the row is what is signed; an earlier one over the same document goes on."""
        with self._office.store.write() as session:
            still = _unmoved(session, items)
            held = intents.keep(session, [item.intent for item in still], uses=0)
        self._fail([item for item in items if item not in still], _moved())
        kept: list[_Item] = []
        for item, row in zip(still, held, strict=True):
            assert item.signing is not None  # noqa: S101 (prepared just now)
            try:
                item.signing.intent = by_the_same(row, item.signing.person_id)
            except Problem as error:
                self._fail([item], error)
            else:
                kept.append(item)
        return kept

    # (3) the person's word; (4) the values

    async def _authorised(self, items: Sequence[_Item], word: Word, took: dict[str, int]) -> Authorisation:
        digest = items[0].intent.prepared.digest_algorithm
        with timed(took, "authorise"):
            return await word(self._client, self._credential, [item.hash for item in items], digest)

    async def _signed(
        self, items: Sequence[_Item], authorisation: Authorisation, took: dict[str, int]
    ) -> list[_Item]:
        """Those of a part that are signed."""
        fresh, there = await written(self._bench, self._note_use, items)
        if not fresh:
            return there
        point("authorise.about-to-sign")
        try:
            with timed(took, "sign"):
                await self._client.sign_hashes(authorisation, [item.hash for item in fresh], again=True)
        except RemoteError as error:
            self._fail([item for item in fresh if item.hash not in authorisation.values], error)
        point("authorise.signed")
        made = [item for item in fresh if item.hash in authorisation.values]
        if not made:
            return there
        return there + await written(self._bench, self._keep_values, made, authorisation, took)

    def _note_use(self, items: Sequence[_Item]) -> tuple[list[_Item], list[_Item]]:
        """Before the key is used: whoever looks later sees that it may have been.

        A person takes their time: on which it is to be used still, and which was signed meanwhile.
        """
        with self._office.store.write() as session:
            still = _unmoved(session, items)
            rows = intents.recall(session, [item.intent.place for item in still], to_change=True)
            fresh: list[_Item] = []
            there: list[_Item] = []
            for item in still:
                row = rows.get(item.intent.place)
                if not isinstance(row, Intent) or not row.same_bytes(item.intent):
                    continue
                assert item.signing is not None  # noqa: S101 (prepared in (2))
                item.signing.intent, item.repeated = row, row.value is None and row.attempts > 0
                (fresh if row.value is None else there).append(item)
            intents.use_again(session, [item.intent.place for item in fresh])
        self._fail([item for item in items if item not in still], _moved())
        self._fail([item for item in still if item not in fresh and item not in there], _anew())
        return fresh, there

    def _keep_values(
        self, items: Sequence[_Item], authorisation: Authorisation, begun: Mapping[str, int]
    ) -> list[_Item]:
        for item in items:
            assert item.signing is not None  # noqa: S101 (prepared in (2))
            value = authorisation.values[item.hash]
            require_value(item.intent.prepared, value)
            shared = {part: took // len(items) for part, took in begun.items()}
            how = {
                "provider": self._client.service.name,
                "way": _way(self._credential),
                "repeated": item.repeated,
                "us": dict(item.work.us),
                "provider_us": shared,
            }
            item.signing.intent = replace(item.intent, value=value, authorised=how)
        with self._office.store.write() as session:
            held = intents.keep_values(session, [item.intent for item in items])
        point("authorise.kept")
        lost = [item for item, kept in zip(items, held, strict=True) if kept is None]
        self._fail(lost, _anew())
        return [item for item in items if item not in lost]


_ANEW = "Authorise the rest with a new code."


def _anew() -> Raced:
    return Raced("The signature was prepared anew meanwhile.", hint="Authorise it again.")


def _unmoved(session: Session, items: Sequence[_Item]) -> list[_Item]:
    """Those whose request is as it was when it was looked at, and stays so until the transaction ends.

    The requests are locked in the order in which the engine does.
    """
    rows = session.execute(
        select(Request.id, Request.version)
        .where(Request.id.in_([item.to_sign.request_id for item in items]))
        .order_by(Request.id)
        .with_for_update(key_share=True)
    )
    versions = {row.id: row.version for row in rows}
    return [item for item in items if versions.get(item.to_sign.request_id) == item.to_sign.version]


def _way(credential: RemoteCredential) -> str:
    """How the person authorised: on the provider's page, by a device of theirs, by PIN, code, or both."""
    if credential.mode == "oauth2code":
        return "page"
    if credential.mode == "implicit":
        return "device"
    factors = [name for name in ("pin", "otp") if getattr(credential, name).is_possible]
    return " and ".join(factors) or "nothing more"
