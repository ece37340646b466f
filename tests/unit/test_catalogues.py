"""The catalogues of words are complete, in step with the source, and compiled."""

import ast
import re
from collections.abc import Iterator

import pytest

from languages import LANGUAGES
from tests import catalogues
from tests.catalogues import DOCUMENTS, DOMAINS, FIGURES, PAGES, PROCESS, VERIFICATION, Domain

EVERY = [
    pytest.param(domain, language, id=f"{domain.name}-{language}")
    for domain in DOMAINS
    for language in catalogues.LANGUAGES
]
# the same in English and in another language
ALIKE = {
    *(
        "Administrator",
        "Auditor",
        "Database",
        "Format",
        "Model",
        "Post",
        "Postcode",
        "Reference",
        "Scan",
        "Start",
        "Team",
        "program",
    ),
    *(("{count} byte", "{count} bytes"), ("{count} revision", "{count} revisions")),
}
ENGLISH = {"the", "signed", "signature", "timestamp", "certificate", "cannot", "which", "that", "with", "not"}


def test_the_catalogues_are_those_of_the_languages() -> None:
    assert {"en", *catalogues.LANGUAGES} == set(LANGUAGES)


def forms(text: object) -> tuple[str, ...]:
    """The singular and the plural of a text that has both."""
    return tuple(text) if isinstance(text, list | tuple) else (str(text),)


@pytest.mark.parametrize(("domain", "language"), EVERY)
class TestCatalogue:
    def test_has_words_for_every_text_in_the_source_and_no_others(
        self, domain: Domain, language: str
    ) -> None:
        wanted = {message.id for message in catalogues.template(domain) if message.id}
        catalog = catalogues.read(language, domain)
        assert {message.id for message in catalog if message.id} == wanted
        assert not [m.id for m in catalog if m.id and (m.fuzzy or not m.string or not all(m.string))]

    def test_keeps_the_placeholders(self, domain: Domain, language: str) -> None:
        for message in catalogues.read(language, domain):
            if not message.id:
                continue
            wanted = {name for original in forms(message.id) for name in re.findall(r"{[^}]*}", original)}
            for string in forms(message.string):
                assert set(re.findall(r"{[^}]*}", string)) == wanted, message.id

    def test_is_compiled(self, domain: Domain, language: str) -> None:
        compiled = catalogues.po_path(language, domain).with_suffix(".mo").read_bytes()
        assert compiled == catalogues.compiled(catalogues.read(language, domain))


_NO_WORDS = r"{[^}]*}|docs/\S+"  # places for values, and files


@pytest.mark.parametrize("domain", [DOCUMENTS, PROCESS, VERIFICATION], ids=lambda one: one.name)
@pytest.mark.parametrize("language", catalogues.LANGUAGES)
def test_no_english_is_left_in_the_words(domain: Domain, language: str) -> None:
    for message in catalogues.read(language, domain):
        if not message.id:
            continue
        said = forms(message.string)
        words = {word for form in said for word in re.findall(r"[a-z]+", re.sub(_NO_WORDS, "", form))}
        assert not words & ENGLISH, said
        letters = any(re.search("[a-z]", re.sub(r"{[^}]*}", "", form)) for form in forms(message.id))
        known = message.id in ALIKE or not letters
        assert known or said != forms(message.id), message.id


def told_texts(tree: ast.AST) -> Iterator[tuple[ast.expr, bool]]:
    """What calls say to people: each text, and whether it stands there itself."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        wanted = VERIFICATION.keywords.get(name, ()) or (1,) if name in VERIFICATION.keywords else ()
        for place in wanted:
            if len(node.args) >= place:
                yield node.args[place - 1], isinstance(node.args[place - 1], ast.Constant)


def test_no_text_of_a_report_escapes_its_catalogue() -> None:
    """Texts inside other strings, and texts put together while running, are seen by no extractor."""
    known = {form for message in catalogues.template(VERIFICATION) for form in forms(message.id)}
    seen = set()
    for path in VERIFICATION.source.glob("*.py"):
        for text, written in told_texts(ast.parse(path.read_text())):
            where = f"{path.name}:{text.lineno}"
            assert not isinstance(text, ast.JoinedStr | ast.BinOp), where
            if written:
                value = ast.literal_eval(text)
                assert not isinstance(value, str) or value in known, (where, value)
                seen.add(value)
    assert len(seen) > 200


# on pages the beginning of a time, in reports where a figure comes from
_TWO_THINGS = {"From"}


@pytest.mark.parametrize("language", catalogues.LANGUAGES)
def test_pages_and_reports_of_figures_say_the_same_alike(language: str) -> None:
    """Who reads the page and then the report must not look for what the other word means."""
    pages = catalogues.read(language, PAGES)
    for message in catalogues.read(language, FIGURES):
        other = pages.get(message.id) if message.id and message.id not in _TWO_THINGS else None
        assert other is None or forms(other.string) == forms(message.string), message.id


@pytest.mark.parametrize(("domain", "language"), EVERY)
def test_words_are_quoted_as_the_language_does(domain: Domain, language: str) -> None:
    """The English opening mark closes nothing and opens nothing in the others."""
    for message in catalogues.read(language, domain):
        assert not any("\N{LEFT DOUBLE QUOTATION MARK}" in form for form in forms(message.string)), message.id


@pytest.mark.parametrize("language", ["da", "nb"])
@pytest.mark.parametrize("domain", [PAGES, FIGURES], ids=lambda one: one.name)
def test_a_number_is_on_one_line_with_per_cent(domain: Domain, language: str) -> None:
    """Where the language sets a space before the sign."""
    for message in catalogues.read(language, domain):
        assert not any(re.search("[0-9}] ?%", form) for form in forms(message.string)), message.id
