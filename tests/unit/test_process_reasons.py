"""Why something can't be done is told in every language, with its values in it as people write them."""

import ast
import copy
import json
import pickle
import re
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
from jinja2 import Environment

from documents.errors import FieldProblem, KindProblems
from documents.kinds import KINDS
from documents.kinds.fields import wrong_text
from languages import LANGUAGES
from problem import Problem
from wording import Sentence
from workflow.error_texts import ERRORS
from workflow.errors import (
    ClaimedByAnother,
    Contended,
    KeyReused,
    NotFound,
    Reason,
    Refused,
    StaleVersion,
    StoreUnavailable,
    SubstitutionRefused,
    WorkflowError,
)
from workflow.passwords import NotAuthenticated, PasswordGiven, PasswordRefused
from workflow.throttle import Throttled
from workflow.words import process_words

ROOT = Path(__file__).resolve().parents[2]
OTHERS = tuple(language for language in LANGUAGES if language != "en")
MARKUP = "<img src=x onerror=alert(1)> {person} {name:person} {{7*7}}"
REASON = Reason(
    "nobody-named",
    Sentence(
        "Nobody with the role '{role:word}' is called {name}.",
        role="Signer for the employer",
        name="A. Linde",
    ),
    "signing.name",
)


# what stays as it was


def test_a_reason_is_the_english_sentence_for_programs_and_commands() -> None:
    english = "Nobody with the role 'Signer for the employer' is called A. Linde."
    assert str(REASON) == f"signing.name: {english}"
    given = asdict(REASON)
    assert given == {"code": "nobody-named", "message": english, "field": "signing.name"}
    assert json.loads(json.dumps(given))["message"] == english
    assert {REASON.message: 1}[english] == 1


def test_a_sentence_outlives_copying_and_pickling() -> None:
    for other in (copy.deepcopy(REASON), pickle.loads(pickle.dumps(REASON))):  # noqa: S301 (our own)
        assert other == REASON
        assert process_words("nl").reason(other) == process_words("nl").reason(REASON)


# values


def test_values_are_in_it_as_people_write_them() -> None:
    words = process_words("nl")
    assert words.reason(REASON) == "Niemand met de rol ‘Ondertekenaar namens de werkgever’ heet A. Linde."
    late = Reason(
        "fact", Sentence("It was signed later than that, on {on:day}.", on="2026-11-20"), "facts.posted_on"
    )
    assert str(late.message) == "It was signed later than that, on 2026-11-20."
    assert words.reason(late) == "Er is later ondertekend, op 20 november 2026."
    most = Sentence("An amount can't be more than {most:amount}.", most="9999999.99")
    assert words.reason(Reason("amount-too-large", most)) == "Een bedrag kan niet meer zijn dan 9.999.999,99."
    ended = Reason("ended", Sentence("The request has ended: {state:state}.", state="withdrawn"))
    assert words.reason(ended) == "De aanvraag is afgesloten: Ingetrokken."
    here = Sentence(
        "'{trigger:trigger}' can't be done in state '{state:state}'; possible: {triggers:triggers}.",
        trigger="sign",
        state="review",
        triggers="approve, withdraw",
    )
    assert words.reason(Reason("not-here", here)) == (
        "‘Ondertekenen’ kan niet in de stap ‘Beoordeling’; wat wel kan: Goedkeuren, Intrekken."
    )


def test_people_are_named_where_their_names_are_known() -> None:
    reason = Reason("claimed", Sentence("{holder:person} holds this task.", holder="s-3"))
    words = process_words("da")
    assert words.reason(reason) == "s-3 har denne opgave."
    assert words.knowing({"s-3": "B. Kvist"}.get).reason(reason) == "B. Kvist har denne opgave."
    assert words.reason(reason) == "s-3 har denne opgave."


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_value_stays_the_text_that_it_is(language: str) -> None:
    words = process_words(language)
    reason = Reason(
        "not-named",
        Sentence("The document names {name} for this: they do it, or it is returned.", name=MARKUP),
    )
    told = words.knowing(lambda _person: "nobody").reason(reason)
    assert MARKUP in told
    page = Environment(autoescape=True).from_string("{{ words.reason(reason) }}")
    shown = page.render(words=words, reason=reason)
    assert "<img" not in shown
    assert "&lt;img src=x" in shown
    assert (
        words.reason(Reason("x", Sentence("{n:day}", n=MARKUP))) == MARKUP
    )  # no day: it is shown as it came


# nothing is left out


@cache
def calls_of(name: str, room: str) -> tuple[tuple[ast.Call, str], ...]:
    """The calls of a function in a room, and where."""
    return tuple(
        (node, f"{path.relative_to(ROOT)}:{node.lineno}")
        for path in sorted((ROOT / room).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == name
    )


def test_no_sentence_is_put_together_before_it_is_one() -> None:
    """An f-string is seen by no extractor; only errors that are told by their codes come so."""
    told_by_code = {"workflow/judge.py"}
    for room in ("workflow", "documents"):
        for call, where in calls_of("Sentence", room):
            assert (
                not isinstance(call.args[0], ast.JoinedStr | ast.BinOp) or where.split(":")[0] in told_by_code
            )
        for call, where in calls_of("for_both", room):
            assert isinstance(call.args[1], ast.Constant), where


@pytest.mark.parametrize("language", OTHERS)
def test_every_rule_of_every_kind_is_told(language: str) -> None:
    words = process_words(language)
    count = 0
    for kind in KINDS.values():
        for rule in kind.rules:
            problem = FieldProblem("", rule.id, Sentence(rule.message))
            assert words.problem(problem) != rule.message, rule.id
            count += 1
    assert count > 45


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_wrong_with_data_is_told_whatever_is_sent(kind: str, language: str) -> None:
    """Every field of every kind, with values of every kind of wrong."""
    words, english = process_words(language), process_words("en")
    wrong: list[object] = [
        None,
        "",
        "x" * 9000,
        "123456782",
        "\u202e",
        "\U0001f600",
        "31-02-2024",
        "1.234",
        "-3",
    ]
    wrong += ["a\nb", 1e300, -1, 10**13, "1.001", True, [], {}, ["x"], "2500-01-01", 601, 12.345, "101", "07"]
    rules = set()
    for value in wrong:
        for data in mangled(KINDS[kind].example(), value):
            try:
                KINDS[kind].parse(data, "final")
            except KindProblems as error:
                for problem in error.problems:
                    assert isinstance(problem.message, Sentence)
                    assert words.problem(problem) != english.problem(problem), problem
                    rules.add(problem.rule)
    assert len(rules) > (20 if kind == "employer_declaration" else 8)


def mangled(data: object, value: object) -> Iterator[dict[str, object]]:
    """The data with one of its fields put wrong."""
    assert isinstance(data, dict)
    for section, fields in data.items():
        yield {**data, section: value}
        if isinstance(fields, dict):
            for name in fields:
                yield {**data, section: {**fields, name: value}}
            yield {**data, section: {**fields, "unheard_of": value}}


def test_a_choice_is_told_by_its_labels() -> None:
    data = KINDS["employer_declaration"].example()
    data["employment"]["contract"] = "eternal"
    with pytest.raises(KindProblems) as caught:
        KINDS["employer_declaration"].parse(data)
    [problem] = [one for one in caught.value.problems if one.rule == "choice"]
    assert str(problem.message) == "Choose one of: permanent, temporary or flexible."
    assert process_words("nl").problem(problem) == (
        "Kies uit: Vast (onbepaalde tijd), Tijdelijk (bepaalde tijd), Flexibel (oproep of uitzend)."
    )


def test_a_remark_that_is_wrong_is_told() -> None:
    found = wrong_text("my number is 123456782", longest=100, lines=True)
    assert found is not None
    assert process_words("nb").told(found).startswith("Denne teksten viser et nummer")
    assert wrong_text("Seen.", longest=100, lines=True) is None


# errors

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
HELD = Reason("claimed", Sentence("{holder:person} holds this task.", holder="s-3"))
PAGES_MEET: tuple[Problem, ...] = (
    NotFound(7),
    StaleVersion(seen=3, version=4),
    ClaimedByAnother([HELD], holder="s-3", since=NOW),
    ClaimedByAnother([HELD], holder="s-3", since=NOW, lapsed=True),
    Refused([REASON, HELD]),
    KeyReused(),
    Contended("Others changed the same rows each time it was tried.", hint="Send it again."),
    StoreUnavailable("The database /srv/x.db is locked.", hint="See `paraaf check`."),
    NotAuthenticated(),
    PasswordGiven(),
    PasswordRefused(Sentence("This is no password that is kept."), hint="x"),
    Throttled(8),
    SubstitutionRefused(Sentence("The last day lies before the first."), hint=Sentence("Change the days.")),
)


@pytest.mark.parametrize("problem", PAGES_MEET, ids=lambda one: one.code)
def test_what_went_wrong_is_told_without_a_command_and_without_english(problem: Problem) -> None:
    here = process_words("en").error(problem)
    assert all(here) or problem.code == "workflow-password"
    for language in OTHERS:
        told = process_words(language).error(problem)
        for ours, theirs in zip(here, told, strict=True):
            assert not ours or ours != theirs
            assert "`" not in theirs
            assert "paraaf" not in theirs
            assert not re.search(r"\{[a-z]", theirs)


def test_an_error_is_told_with_its_numbers_and_never_with_what_only_the_log_may_say() -> None:
    words = process_words("nl")
    assert "8 seconden" in words.error(Throttled(8))[0]
    assert words.error(StoreUnavailable("The database /srv/x.db is locked."))[0] == (
        "De gegevens zijn nu niet bereikbaar."
    )


def test_an_error_without_words_is_told_by_its_code() -> None:
    class Strange(WorkflowError):
        """Something new."""

        code = "workflow-strange"

    class Nearer(StoreUnavailable):
        """One that is near another."""

        code = "workflow-nearer"

    words = process_words("nl")
    assert words.error(Strange("Some English.", hint="Run `paraaf check`.")) == (
        "Dit kon niet worden gedaan (workflow-strange).",
        "Meld het aan de systeembeheerder.",
    )
    assert words.error(Nearer("x"))[0] == "De gegevens zijn nu niet bereikbaar."


@pytest.mark.parametrize("language", OTHERS)
def test_every_code_with_words_is_told_by_itself(language: str) -> None:
    for code in ERRORS:
        here, there = process_words("en").trouble(code), process_words(language).trouble(code)
        assert here[0] != there[0], code
        assert not here[1] or here[1] != there[1], code


def test_a_reason_that_is_an_error_has_the_error_s_words() -> None:
    english = Sentence("No register is at hand. Run: paraaf people --register FILE")
    assert process_words("nl").reason(Reason("workflow-register-missing", english)) == (
        "Er is hier geen personeelsregister om mee te vergelijken. Meld het aan de systeembeheerder."
    )
