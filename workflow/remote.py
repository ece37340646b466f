"""What has to be signed at a remote signing provider before a person's command may lead to it."""

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from signing.organisation import Organisation
from wording import Sentence
from workflow.cases import Case
from workflow.commands import Command
from workflow.definition_evidence import SIGN
from workflow.definition_model import Branch, Definition, State
from workflow.errors import Reason
from workflow.keys import remote_key
from workflow.tables import DocumentRow, SignatureRow

NOT_AUTHORISED = "not-authorised"


def signs_next(definition: Definition, state: str) -> Mapping[str, State]:
    """The states that sign for whoever acts in this one, by the trigger that leads there."""
    return {
        trigger.name: definition.states[branch.to]
        for trigger in definition.states[state].triggers.values()
        for branch in trigger.branches
        if definition.states[branch.to].auto == SIGN and definition.states[branch.to].signs_as == state
    }


def why_not_signed(
    session: Session, case: Case, command: Command, branch: Branch, *, signing: Organisation
) -> Reason | None:
    """Why a command can't lead to a signature yet: its person has not authorised it at the provider."""
    state, profile = case.definition.states[branch.to], signing.profiles.get(case.definition.signing)
    if state.auto != SIGN or state.signs_as != case.state or profile is None:
        return None
    if remote_key(profile, command.actor, signing.signers) is None:
        return None
    # of the last revision alone: what was authorised on an earlier one is a signature on that
    last = (
        select(DocumentRow.id)
        .where(DocumentRow.request_id == case.id)
        .where(DocumentRow.name.in_(_documents_with(case.definition, state)))
        .order_by(DocumentRow.revision_no.desc())
        .limit(1)
        .scalar_subquery()
    )
    found = (
        select(SignatureRow.value, SignatureRow.signer_id)
        .join(DocumentRow, DocumentRow.id == SignatureRow.document_id)
        .where(DocumentRow.id == last, SignatureRow.field == state.field)
        .where(SignatureRow.source_sha256 == DocumentRow.current_sha256)
    )
    row = session.execute(found).one_or_none()
    if row is not None and row.value is not None and row.signer_id == command.actor:
        return None
    return Reason(
        "not-authorised",  # NOT_AUTHORISED; written out, as docs/errors.md is held to
        Sentence.for_both(
            "The signature has to be authorised at the provider first: `paraaf authorise` does both.",
            "The signature has to be authorised at the provider first: do both in the signing folder.",
        ),
        "trigger",
    )


def _documents_with(definition: Definition, state: State) -> list[str]:
    """The document that a state signs, by its field."""
    return [one.name for one in definition.documents.values() if state.field in one.signatures][:1]
