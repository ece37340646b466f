"""Commands: what hands requests in and moves them, one or many; and proofs for consents."""

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Header, Response

from signing.secret import Secret
from web.api.described import BASE, BODY, COMMAND, errors, header, links
from web.api.errors import ScopeMissing
from web.api.guard import Caller, Operation, TheOffice, needs
from web.api.models import (
    AnswerTold,
    Batch,
    BatchItem,
    BatchResult,
    BatchResults,
    CommandSent,
    NewRequest,
    ProofAsked,
    ProofMade,
)
from web.api.problems import status_of, told_in_part
from web.api.requests import ETAG, Number
from workflow.commands import Answer, Command, Submission
from workflow.definition_model import SUBMIT
from workflow.errors import WorkflowError
from workflow.proofs import FRESH, Proof
from workflow.reauthentication import prove_by_password
from workflow.tokens import SIGN, WRITE, Bearer

REPLAYED: Final = "Idempotency-Replayed"
KEY_FORM: Final = '^"?[A-Za-z0-9_.:~-]{1,128}"?$'
SEEN_FORM: Final = '^([*]|"[0-9]{1,15}")$'

Key = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        pattern=KEY_FORM,
        description="Of one's own making, in quotes; with the same one a command is done once.",
        examples=['"8e03978e-40d5-43e8-bc93-6894a57f9324"'],
    ),
]
Seen = Annotated[
    str,
    Header(
        alias="If-Match",
        pattern=SEEN_FORM,
        description="The version that was seen, as its ETag; * where it does not matter.",
        examples=['"3"'],
    ),
]
AGAIN: Final = {REPLAYED: header("`true`: it was done before; this is the first answer.")}
DONE: Final = {"headers": {"ETag": ETAG, **AGAIN}}

router = APIRouter(route_class=Operation)


@dataclass(frozen=True)
class _Asked:
    """Who sends a command, under which key."""

    caller: Bearer
    key: str

    def command(
        self, sent: CommandSent, number: int, version: int | None, *, place: int | None = None
    ) -> Command:
        """The command; one that accepts a text needs a token for that. Raises ScopeMissing."""
        if (sent.consent is not None or sent.proof is not None) and SIGN not in self.caller.scopes:
            raise ScopeMissing(SIGN)
        return Command(
            trigger=sent.trigger,
            actor=self.caller.person,
            key=api_key(self.key, place),
            request_id=number,
            seen_version=version,
            on_behalf_of=sent.on_behalf_of,
            data=sent.data,
            remark=sent.remark,
            facts=sent.facts,
            consent=sent.consent,
            proof=None if sent.proof is None else Proof(sent.proof),
            channel="program",
        )


@router.post(
    "/requests",
    status_code=201,
    openapi_extra=needs(WRITE),
    responses={
        201: {
            "headers": {**DONE["headers"], "Location": header("Where the request is.")},
            "links": links("$response.body#/request"),
        },
        **errors(*BODY, 404, 409),
    },
)
def submit_request(
    response: Response, sent: NewRequest, key: Key, caller: Caller, office: TheOffice
) -> AnswerTold:
    """Hand a request in."""
    command = Command(
        trigger=SUBMIT,
        actor=caller.person,
        key=api_key(key),
        on_behalf_of=sent.on_behalf_of,
        data=sent.data,
        submission=Submission(sent.key, sent.variant, sent.language, sent.reference),
        channel="program",
    )
    answer = office.engine.execute(command)
    response.headers["Location"] = f"{BASE}/requests/{answer.request_id}"
    return told_of(answer, response)


@router.post(
    "/requests/{number}/commands",
    openapi_extra=needs(WRITE),
    responses={200: DONE, **errors(*COMMAND)},
)
def send_command(
    *,
    response: Response,
    number: Number,
    sent: CommandSent,
    key: Key,
    seen: Seen,
    caller: Caller,
    office: TheOffice,
) -> AnswerTold:
    """Do something with a request: claim, approve, return, sign and whatever else its state offers."""
    command = _Asked(caller, key).command(sent, number, version_of(seen))
    return told_of(office.engine.execute(command), response)


@router.post("/commands", openapi_extra=needs(WRITE), responses=errors(*BODY))
def send_commands(sent: Batch, key: Key, caller: Caller, office: TheOffice) -> BatchResults:
    """Do many things, in their order; each has its result, and one that is refused stops no other."""
    asked = _Asked(caller, key)
    commands = [
        asked.command(one, one.request, one.version, place=place) for place, one in enumerate(sent.commands)
    ]
    results = office.engine.execute_batch(commands)
    return BatchResults(
        results=[_result(one, result) for one, result in zip(sent.commands, results, strict=True)]
    )


@router.post("/proofs", status_code=201, openapi_extra=needs(SIGN), responses=errors(*BODY, 404))
def prove(sent: ProofAsked, caller: Caller, office: TheOffice) -> ProofMade:
    """Show who one is by one's password, for consents to these versions of these requests, within minutes."""
    for one in sent.requests:
        office.engine.show(one.request, caller.person)  # raises NotFound
    seen = {one.request: one.version for one in sent.requests}
    proof = prove_by_password(
        office.passwords, caller.person, Secret(sent.password), seen, token=caller.token
    )
    return ProofMade(proof=proof.token, expires_at=office.clock() + FRESH)


def told_of(answer: Answer, response: Response) -> AnswerTold:
    """What a command did, with the request's version in the answer's headers."""
    response.headers["ETag"] = f'"{answer.version}"'
    if answer.repeated:
        response.headers[REPLAYED] = "true"
    return answer_of(answer)


def answer_of(answer: Answer) -> AnswerTold:
    """What a command did."""
    return AnswerTold(
        request=answer.request_id, version=answer.version, state=answer.state, event_seq=answer.event_seq
    )


def _result(item: BatchItem, result: Answer | WorkflowError) -> BatchResult:
    if isinstance(result, Answer):
        return BatchResult(
            request=item.request, status=200, replayed=result.repeated, answer=answer_of(result), problem=None
        )
    return BatchResult(
        request=item.request,
        status=status_of(result),
        replayed=False,
        answer=None,
        problem=told_in_part(result),
    )


def api_key(key: str, place: int | str | None = None) -> str:
    """The office's key for one that was sent, without the quotes that the draft asks for; for one `place` of
    many, or another kind of command."""
    return f"api{'' if place is None else f'-{place}'}:" + key.strip('"')


def version_of(seen: str) -> int | None:
    """The version that was seen; None where it does not matter."""
    return None if seen == "*" else int(seen.strip('"'))
