"""What an office refuses is told in the languages of its people: asked of a real engine, at every turn."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from languages import LANGUAGES
from problem import Problem
from tests.integration.engine_office import FILES, PEOPLE, Office
from wording import Sentence
from workflow.definition_model import RESERVED_VERBS
from workflow.errors import ClaimedByAnother, Reason, Refused
from workflow.words import process_words

FOR = {"substitute": "manager", "clerk2": "signer", "manager2": "manager2", "signer": "gone"}
OTHERS = tuple(language for language in LANGUAGES if language != "en")


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office.open(tmp_path)
    yield office
    office.store.close()


def wishes(office: Office, number: int) -> Iterator[Problem]:
    """What is said to people who wish all sorts of things of a request."""
    definition = office.catalogue.by_hash(office.request(number).definition_sha256)
    named = {trigger for state in definition.states.values() for trigger in state.triggers}
    for actor in PEOPLE:
        for trigger in (*RESERVED_VERBS, *named, "dance"):
            command = office.command(
                trigger,
                actor,
                number,
                on_behalf_of={
                    "substitute": "manager",
                    "clerk2": "signer",
                    "manager2": "manager2",
                    "signer": "gone",
                }.get(actor),
                facts={"signed_on": "2031-01-01", "posted_on": "yesterday", "note": "123456782"},
                consent="something" if trigger == "close" else None,
                remark="\u202e" if trigger == "return" else None,
                brought=FILES["scan"] if trigger == "approve" else None,
                data={"income": {"gross_yearly": "0.00"}} if trigger in {"approve", "claim"} else {},
            )
            try:
                office.engine.execute(command)
            except Problem as problem:
                yield problem


def test_whatever_is_refused_is_told_in_every_language(office: Office) -> None:
    said: list[Problem] = []
    codes: set[str] = set()
    office_numbers = [office.submit(), office.to_review(), office.to_sign("A1"), office.to_sign("A0")]
    held, waiting = office.submit(), office.submit()
    office.do("claim", "manager2", held)
    office.do("suspend", "manager", waiting, remark="Waits for the tax office.")
    gone = office.submit()
    office.do("withdraw", "employee", gone)
    for number in (*office_numbers, held, waiting, gone):
        said += wishes(office, number)
    for problem in said:
        here = process_words("en").error(problem)
        for language in OTHERS:
            there = process_words(language).error(problem)
            assert here[0] != there[0], problem
        for reason in problem.reasons if isinstance(problem, Refused) else ():
            assert isinstance(reason.message, Sentence), reason
            codes.add(reason.code)
            for language in OTHERS:
                told = process_words(language).reason(reason)
                assert told != process_words("en").reason(reason), reason
                assert "`" not in told
    expected = {"role", "requester", "substitute", "claimed", "ended", "suspended", "not-here", "four-eyes"}
    expected |= {"unknown-trigger", "unclaimed", "fact", "data", "section", "remark", "file", "person"}
    assert codes >= expected, expected - codes


def test_who_holds_a_task_is_named(office: Office) -> None:
    number = office.submit()
    office.do("claim", "manager2", number)
    with pytest.raises(ClaimedByAnother) as caught:
        office.do("claim", "manager", number)
    [reason] = [one for one in caught.value.reasons if one.code == "claimed"]
    words = process_words("nl").knowing({"manager2": "M. Tweede"}.get)
    assert words.reason(reason) == "M. Tweede heeft deze taak in behandeling."
    assert words.error(caught.value)[1].startswith("Kies een andere taak")


def test_what_is_asked_for_before_anything_is_looked_up_is_told(office: Office) -> None:
    reasons: list[Reason] = []
    for command in (
        office.command("claim", "", 1),
        office.command("claim", "x" * 900, 1),
        office.command("submit", "employee"),
        office.submission(language="xx"),
        office.submission(reference=" padded "),
    ):
        with pytest.raises(Refused) as caught:
            office.engine.execute(command)
        reasons += caught.value.reasons
    assert {reason.code for reason in reasons} == {"form", "submission", "language", "reference"}
    for reason in reasons:
        assert process_words("da").reason(reason) != process_words("en").reason(reason)
