"""The words for what happens to a request, in the languages of the people who work with it.

Sources hold English; `workflow/locale/<language>/LC_MESSAGES/process.po` holds the rest, compiled to .mo
beside it. What is said of a document's data has the documents' own words, so that a page calls a field as the
document does. A place in a sentence may say what kind of value it has:

  {on:day}            a date, as ISO 8601
  {at:time}           a moment, such as 2026-11-20 09:30 UTC
  {most:amount}       an amount, in its canonical form
  {role:word}         another text, translated where it is known
  {state:state}       a state of a process, and so `trigger`, and `duty` of a role
  {process:process}   key, variant and version of a definition
  {holder:person}     a person's id, shown as the name where that is known: never of one that was typed
  {triggers:triggers} names in a row; and so `choices`, of a field that has a few
  {kind:kind}         a kind of document
"""

import gettext
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any, Self

from documents import labels as documents_labels
from documents.errors import FieldProblem
from documents.kinds import KINDS
from documents.words import Words as DocumentWords
from documents.words import words_in
from problem import Problem
from wording import Sentence, Value, Wording, catalogue, mark
from workflow import labels
from workflow.calendar import Duration
from workflow.definition_model import Definition
from workflow.error_texts import ERRORS, UNKNOWN
from workflow.errors import Reason, Refused

NameOf = Callable[[str], str | None]
"""Gives the name of the person of an id, where it is known."""
_RELEASE = "release_seal"
_COMMAND = re.compile("`([^`]*)`")
_BETWEEN = re.compile(", | or | and ")
_EMPTY = ""
_BOTH = "{first} {second}"
_NONE = Sentence(_EMPTY)


@dataclass(frozen=True)
class Story:
    """What is told of a problem, in whichever language: what went wrong, and what to do."""

    message: tuple[Sentence, ...]
    hint: Sentence = _NONE

    def kept(self) -> list[Any]:
        """As JSON."""
        return [[one.kept() for one in self.message], self.hint.kept()]

    @classmethod
    def of_kept(cls, kept: Sequence[Any]) -> Self:
        """The same again."""
        message, hint = kept
        return cls(tuple(map(Sentence.of_kept, message)), Sentence.of_kept(hint))


class ProcessWords(Wording):
    """One language; make it with `process_words`."""

    def __init__(
        self,
        language: str,
        translations: gettext.NullTranslations,
        documents: DocumentWords,
        name_of: NameOf = lambda _person: None,
    ) -> None:
        super().__init__(language, translations)
        self._documents = documents
        self._kinds |= {
            "time": lambda value: self._moment(str(value)),
            "day": lambda value: self._writing.day(date.fromisoformat(str(value))),
            "amount": lambda value: documents.amount(str(value)),
            "state": lambda value: self._named(labels.STATES, str(value)),
            "duty": lambda value: self.duty(str(value)),
            "trigger": lambda value: self._named(labels.TRIGGERS, str(value)),
            "process": lambda value: self._process(str(value)),
            "person": lambda value: name_of(str(value)) or str(value),
            "triggers": lambda value: self._listed(labels.TRIGGERS, str(value)),
            "kind": lambda value: self.kind(str(value)),
            "choices": lambda value: self._listed(_choices_of(str(value)), str(value)),
        }

    def knowing(self, name_of: NameOf) -> Self:
        """The same words, for who knows people by their names."""
        return type(self)(self.language, self._translations, self._documents, name_of)

    # of definitions

    def title(self, definition: Definition) -> str:
        """What kind of request it is."""
        return self.text(definition.title)

    def process(self, key: str) -> str:
        """What kind of request it is, whatever its variant."""
        return self._named(labels.PROCESSES, key)

    def variant(self, variant: str) -> str:
        """How it is signed."""
        return self.text(labels.VARIANTS.get(variant, variant))

    def state(self, definition: Definition, state: str) -> str:
        """Where a request is: a noun, for columns and headings."""
        if _releases(definition, state) and state in labels.RELEASES:
            return self.text(labels.RELEASES[state])
        return self._named(labels.STATES, state)

    def waits(self, definition: Definition, state: str) -> str:
        """For what a request waits there: a sentence."""
        told = definition.states.get(state)
        if told is not None and told.role is not None:
            return self.text(mark("Waits for: {role}."), role=self.role(definition, told.role))
        if told is not None and told.auto is not None:
            return self.text(mark("The system is at work on it."))
        return self.text(mark("It has ended."))

    def trigger(self, definition: Definition, state: str, trigger: str) -> str:
        """What can be done, as a button says it."""
        told = definition.states.get(state)
        if told is not None and told.auto is not None and trigger in labels.OUTCOMES_OF_STEPS:
            return self.text(labels.OUTCOMES_OF_STEPS[trigger])
        return self._named(labels.TRIGGERS, trigger)

    def role(self, definition: Definition, role: str) -> str:
        """Whose turn it is."""
        return self.text(definition.roles[role]) if role in definition.roles else self.duty(role)

    def duty(self, role: str) -> str:
        """What somebody is here, whatever the process."""
        return self._named(labels.DUTIES, role)

    def profile(self, title: str) -> str:
        """What a signing profile is called, by its title."""
        return self.text(title)

    def length(self, duration: Duration) -> str:
        """A length of time as a definition gives it: "3 months"."""
        counted = self.counted
        parts = (
            duration.years and counted("{count} year", "{count} years", duration.years),
            duration.months and counted("{count} month", "{count} months", duration.months),
            duration.weeks and counted("{count} week", "{count} weeks", duration.weeks),
            duration.days and counted("{count} day", "{count} days", duration.days),
            duration.hours and counted("{count} hour", "{count} hours", duration.hours),
            duration.minutes and counted("{count} minute", "{count} minutes", duration.minutes),
            duration.seconds and counted("{count} second", "{count} seconds", duration.seconds),
        )
        return " ".join(part for part in parts if part)

    def condition(self, guard: str) -> str:
        """On what a way on depends."""
        return self._named(labels.CONDITIONS, guard)

    # of what happens

    def event(self, kind: str) -> str:
        """What happened."""
        return self._named(labels.EVENTS, kind)

    def outcome(self, end: str) -> str:
        """How a request has ended."""
        return self._named(labels.OUTCOMES, end)

    def milestone(self, mark: str) -> str:
        """What a request has reached."""
        return self._named(labels.MILESTONES, mark)

    def step(self, auto: str) -> str:
        """What the system does by itself."""
        return self._named(labels.STEPS, auto)

    def channel(self, channel: str) -> str:
        """Who does it: a person, a program, or the system."""
        return self._named(labels.CHANNELS, channel)

    def fact(self, name: str) -> str:
        """What a person enters of what happened outside."""
        return self._named(labels.FACTS, name)

    # of what can't be done

    def reason(self, reason: Reason) -> str:
        """Why something can't be done."""
        return " ".join(map(self.told, _why(reason)))

    def reasons(self, reasons: Iterable[Reason]) -> list[str]:
        """Why something can't be done, each sentence once."""
        return list(dict.fromkeys(map(self.reason, reasons)))

    def problem(self, problem: FieldProblem) -> str:
        """Which rule a field breaks."""
        return self.told(problem.message)

    def error(self, problem: Problem) -> tuple[str, str]:
        """What went wrong, and what to do."""
        return self.story(story_of(problem))

    def story(self, story: Story) -> tuple[str, str]:
        """What went wrong, and what to do, of a problem that was kept."""
        return " ".join(map(self.told, story.message)), self.told(story.hint)

    def trouble(self, code: str) -> tuple[str, str]:
        """What went wrong, and what to do, where nothing but an error's code is known."""
        message, hint = _of_code(code)
        return self.told(message or Sentence(UNKNOWN[0], code=code)), self.told(hint)

    def advice(self, advice: str) -> str:
        """What whoever runs the office does about a step that failed, as a sentence."""
        said = self.to_operators(self.text(advice))
        return f"{said[:1].upper()}{said[1:]}."

    def to_operators(self, sentence: str) -> str:
        """What is said to whoever runs the office: commands in quotation marks."""
        return _COMMAND.sub(r"“\1”", self.told(sentence))

    def area(self, area: str) -> str:
        """Which part of the office was looked at."""
        return self._named(labels.AREAS, area)

    def fault(self, fault: str) -> str:
        """What is wrong with the log, by the code of a finding."""
        return self._named(labels.FAULTS, fault)

    # of a document's data

    def kind(self, kind: str) -> str:
        """What kind of document it is."""
        return self.text(KINDS[kind].title) if kind in KINDS else _plain(kind)

    def section(self, kind: str, section: str) -> str:
        """A part of a document's data."""
        return self._named(documents_labels.SECTIONS.get(kind, {}), section)

    def field(self, kind: str, path: str) -> str:
        """A field of a document's data, by its dotted name."""
        about = documents_labels.explained(kind, path)
        if about is not None:
            return self.text(mark("Explanation: {about}"), about=self.text(about))
        plain = documents_labels.without_places(path)
        label = documents_labels.FIELDS.get(kind, {}).get(plain) or labels.ENTRIES.get(plain, "")
        if not label and plain.startswith("facts."):
            return self.fact(plain.removeprefix("facts."))
        if not label and "." not in plain:
            return self.section(kind, plain)
        return self.text(label) if label else _plain(plain.rpartition(".")[2])

    def place(self, kind: str, path: str) -> str:
        """A field and where it is, for lists that tell of many: "Actions, row 2: Responsible"."""
        section, *steps = path.split(".")
        label = self.field(kind, path)
        if not steps or section == "reasons" or section not in documents_labels.SECTIONS.get(kind, {}):
            return label
        row = next((step for step in steps if step.isdecimal()), None)
        if row is None:
            return f"{self.section(kind, section)}: {label}"
        return self.text(
            mark("{part}, row {row}: {label}"), part=self.section(kind, section), row=row, label=label
        )

    def help(self, kind: str, path: str) -> str:
        """What is often got wrong in a field; "" for nothing."""
        return self.text(documents_labels.HELP.get(kind, {}).get(documents_labels.without_places(path), ""))

    def choice(self, kind: str, path: str, value: str) -> str:
        """One of the values that a field may have."""
        there = documents_labels.CHOICES.get(kind, {}).get(documents_labels.without_places(path), {})
        return self._named(there, value)

    # inside

    def _named(self, known: Mapping[str, str], name: str) -> str:
        """The label of a name; of one that is not known, the name itself as words."""
        return self.text(known[name]) if name in known else _plain(name)

    def _moment(self, said: str) -> str:
        moment = datetime.fromisoformat(said.removesuffix(" UTC"))
        return f"{self._writing.day(moment.date())} {self._writing.time(moment)} UTC"

    def _process(self, label: str) -> str:
        key, _, variant = label.partition(" ")
        return f"{self.process(key)} ({variant})" if variant else self.process(key)

    def _listed(self, known: Mapping[str, str], names: str) -> str:
        """Names in a row, as a sentence has them."""
        return ", ".join(self._named(known, name) for name in _BETWEEN.split(names))


def _choices_of(listed: str) -> Mapping[str, str]:
    """The labels of the field that takes just these values."""
    values = set(_BETWEEN.split(listed))
    every = (choices for fields in documents_labels.CHOICES.values() for choices in fields.values())
    return next((choices for choices in every if choices.keys() == values), {})


@cache
def process_words(language: str) -> ProcessWords:
    """The words of a language, read on first use; raises UnknownLanguage."""
    documents = words_in(language)
    translations = catalogue("process", Path(__file__).parent, language)
    translations.add_fallback(catalogue("documents", Path(documents_labels.__file__).parent, language))
    return ProcessWords(language, translations, documents)


def _releases(definition: Definition, state: str) -> bool:
    """Whether a seal is released in a state, or in the one whose person a step acts for."""
    told = definition.states.get(state)
    asked = told if told is None or told.signs_as is None else definition.states.get(told.signs_as)
    return asked is not None and _RELEASE in asked.triggers


def story_of(problem: Problem) -> Story:
    """What is told of a problem, in sentences that can be kept, and told in whichever language."""
    if isinstance(problem, Refused):
        reasons = tuple(part for reason in problem.reasons for part in _why(reason))
        advice = problem.hint
        return Story(reasons, advice if isinstance(advice, Sentence) else Sentence(advice))
    code = _code_told(problem)
    said = problem.args[0] if problem.args else ""
    own, own_hint = (one if isinstance(one, Sentence) else _NONE for one in (said, problem.hint))
    message, hint = _of_code(code, **_numbers(problem))
    if code not in ERRORS and own:
        return Story((own,), own_hint)
    if message:
        return Story((message,), hint or own_hint)
    return Story((own or Sentence(UNKNOWN[0], code=code),), own_hint or hint)


def sentence_of(problem: Problem) -> Sentence:
    """What went wrong, as one sentence: for who types commands in the problem's words, on pages in theirs."""
    first, *others = story_of(problem).message
    for one in others:
        first = Sentence(_BOTH, first=first, second=one)
    return first.beside(str(problem))


def _why(reason: Reason) -> tuple[Sentence, ...]:
    if reason.code not in ERRORS:
        return (reason.message,)
    message, hint = _of_code(reason.code)
    return tuple(part for part in (message or Sentence(UNKNOWN[0], code=reason.code), hint) if part)


def _of_code(code: str, **values: Value) -> tuple[Sentence, Sentence]:
    message, hint = ERRORS.get(code, UNKNOWN)
    return Sentence(message, **{"code": code, **values}), Sentence(hint)


def _code_told(problem: Problem) -> str:
    """The error's code, or the nearest above it of which pages have words."""
    above = (kind.code for kind in type(problem).__mro__ if issubclass(kind, Problem))
    return next((code for code in above if code in ERRORS), problem.code)


def _numbers(problem: Problem) -> dict[str, Value]:
    """The numbers that an error carries beside its sentence."""
    return {name: value for name, value in vars(problem).items() if type(value) is int}


def _plain(name: str) -> str:
    """An identifier as words."""
    text = " ".join(name.replace("_", " ").split())
    return text[:1].upper() + text[1:]
