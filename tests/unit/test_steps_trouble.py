"""What becomes of a step that went wrong: a line for every error, so that a new one is thought about."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from certs import errors as certs_errors
from documents import errors as document_errors
from documents.sheet import DocumentTooLong
from documents.words import UnknownLanguage
from fonts import UnprintableText
from problem import Problem
from signing import errors as signing_errors
from signing.profile import packaged_profiles
from workflow import errors as workflow_errors
from workflow.commands import StepRef
from workflow.definition import load_folder
from workflow.keys import EmployerUnknown, OrganisationUnknown
from workflow.names import known_names
from workflow.step_deliver import NothingToDeliver
from workflow.step_trouble import (
    AnotherSignerBegan,
    Fate,
    NobodySigned,
    RowReplaced,
    SignatureUnfinishable,
    fate_of,
    tried,
)
from workflow.workbench import ProfileMissing, Work

AGAIN, LATER, BACK, GIVEN_UP = Fate.AGAIN, Fate.LATER, Fate.BACK, Fate.GIVEN_UP

# With a person's profile; what differs for a seal is below.
FATES: dict[type[Exception], Fate] = {
    # nobody foresaw it: it may pass
    OSError: AGAIN,
    RuntimeError: AGAIN,
    # authorities, devices, disks, the database
    signing_errors.TimestampError: AGAIN,
    signing_errors.RevocationUnavailableError: AGAIN,
    signing_errors.SignerError: AGAIN,
    signing_errors.TokenUnavailableError: AGAIN,
    certs_errors.RevocationUnavailable: AGAIN,
    document_errors.BlobError: AGAIN,
    workflow_errors.StoreUnavailable: AGAIN,
    workflow_errors.Raced: AGAIN,
    RowReplaced: AGAIN,
    # its turn will come
    signing_errors.TimestampLimitError: LATER,
    signing_errors.TimestampRestError: LATER,
    # a person can mend it, or return the request
    document_errors.KindProblems: BACK,
    DocumentTooLong: BACK,
    UnknownLanguage: BACK,
    UnprintableText: BACK,
    signing_errors.CertificateUnusableError: BACK,
    signing_errors.CertificateRevokedError: BACK,
    signing_errors.UnsupportedKeyError: BACK,
    signing_errors.DocumentRefusedError: BACK,
    signing_errors.FieldError: BACK,
    signing_errors.StampError: BACK,
    signing_errors.ContentsOverflowError: BACK,
    AnotherSignerBegan: BACK,
    NobodySigned: BACK,
    SignatureUnfinishable: BACK,
    EmployerUnknown: BACK,
    # whoever runs the office has to look
    signing_errors.ProfileError: GIVEN_UP,
    signing_errors.ChainError: GIVEN_UP,
    signing_errors.TimestamperUnknownError: GIVEN_UP,
    signing_errors.PreparedMismatchError: GIVEN_UP,
    signing_errors.SelfCheckError: GIVEN_UP,
    signing_errors.ArchiveMissingError: GIVEN_UP,
    signing_errors.RenewalPointlessError: GIVEN_UP,
    signing_errors.LevelNotReachedError: GIVEN_UP,
    signing_errors.KeyAddressError: GIVEN_UP,
    signing_errors.TokenError: GIVEN_UP,
    signing_errors.ExtractableKeyError: GIVEN_UP,
    signing_errors.TokenPinError: GIVEN_UP,
    certs_errors.KeystoreError: GIVEN_UP,
    certs_errors.WrongPassphrase: GIVEN_UP,
    certs_errors.AuthorityError: GIVEN_UP,
    document_errors.UnknownKind: GIVEN_UP,
    document_errors.BlobMissing: GIVEN_UP,
    document_errors.BlobCorrupt: GIVEN_UP,
    OrganisationUnknown: GIVEN_UP,
    ProfileMissing: GIVEN_UP,
    NothingToDeliver: GIVEN_UP,
}
OF_THE_SEAL = {
    signing_errors.CertificateUnusableError: GIVEN_UP,
    signing_errors.CertificateRevokedError: GIVEN_UP,
    signing_errors.UnsupportedKeyError: GIVEN_UP,
    AnotherSignerBegan: BACK,
}


def work(variant: str, state: str) -> Work:
    definition = load_folder(names=known_names()).get("employer-declaration", variant)
    request: Any = SimpleNamespace(id=1, language="en")
    return Work(StepRef(1, state, 1), request, definition, packaged_profiles()[definition.signing])


def made(kind: type[Exception]) -> Exception:
    if kind is document_errors.KindProblems:
        return document_errors.KindProblems("employer_declaration", [])
    if kind is signing_errors.ContentsOverflowError:
        return signing_errors.ContentsOverflowError("Too long.", needed_bytes=1)
    if issubclass(kind, signing_errors.TimestampLimitError):
        return kind(after_s=1)
    return kind("It went wrong.")


@pytest.mark.parametrize(("kind", "fate"), FATES.items(), ids=lambda value: getattr(value, "__name__", value))
def test_each_error_has_its_fate(kind: type[Exception], fate: Fate) -> None:
    assert fate_of(made(kind), work("A3", "sealing")) is fate


@pytest.mark.parametrize(("kind", "fate"), OF_THE_SEAL.items())
def test_the_seals_certificate_is_not_the_signers_affair(kind: type[Exception], fate: Fate) -> None:
    assert fate_of(made(kind), work("A4", "sealing")) is fate


@pytest.mark.parametrize("kind", [kind for kind, fate in FATES.items() if fate is BACK])
def test_where_nobody_is_before_the_step_it_is_given_up(kind: type[Exception]) -> None:
    assert fate_of(made(kind), work("A3", "delivering")) is GIVEN_UP


def test_every_error_of_signing_is_in_the_table() -> None:
    assert set(_below(signing_errors.SigningError)) <= set(FATES)


def _below(base: type[Problem]) -> Iterator[type[Problem]]:
    for kind in base.__subclasses__():
        if kind.__module__ == "signing.errors":
            yield kind
            yield from _below(kind)


def test_what_one_runs_into_stops_no_other() -> None:
    first, second = work("A3", "sealing"), work("A3", "sealing")

    def do(each: Work) -> str:
        if each is first:
            raise ValueError("no")
        return "done"

    done, troubles = tried([first, second], do, work_of=lambda each: each)
    assert done == ["done"]
    assert [(trouble.work, type(trouble.error)) for trouble in troubles] == [(first, ValueError)]
