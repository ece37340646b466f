"""That a report can be told in every language, with no text that its catalogue doesn't have."""

import re
from functools import cache

from languages import LANGUAGES
from signing.verify.output import text_of_report
from signing.verify.report import Report
from signing.verify.sentence import sentence_in
from signing.verify.transport import packed, unpacked
from signing.verify.words import ENGLISH, words_in
from tests import catalogues

_PLACE = re.compile(r"\{[a-z]")


@cache
def texts() -> frozenset[str]:
    """Every text that has words in all languages."""
    found = catalogues.template(catalogues.VERIFICATION)
    return frozenset(str(message.id) for message in found if message.id)


def require_words(report: Report) -> None:
    """Fails for a text without words, a place that stays unfilled, and a sentence other than the stored."""
    findings = [*report.findings, *(found for each in report.signatures for found in each.findings)]
    assert {finding.text for finding in findings} <= texts()
    whys = {each.qualified.why for each in report.signatures}
    assert whys - {None} <= texts()
    assert sentence_in(report, ENGLISH) == report.sentence
    through = unpacked(packed(report))
    said = {language: sentence_in(through, words_in(language)) for language in LANGUAGES}
    english = said.pop("en")
    assert english not in said.values()
    for language, sentence in said.items():
        told = [finding.told(words_in(language)) for finding in findings]
        assert not [each for each in (*told, sentence) if _PLACE.search(each)]
        assert text_of_report(through, words_in(language))
