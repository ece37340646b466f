"""Documents speak four languages: words, amounts, dates."""

from datetime import UTC, date, datetime

import pytest

from documents.stamp import METHODS_SHOWN, REASONS, THROUGH_SHOWN, Consent, reason_in, stamp_lines
from documents.words import LANGUAGES, UnknownLanguage, words_in
from signing.profile import packaged_profiles
from workflow.commands import THROUGH
from workflow.proofs import METHODS


@pytest.mark.parametrize(
    ("language", "amount", "money", "percentage", "day"),
    [
        ("en", "1,234,567.80", "€1,234,567.80", "12.5%", "3 March 2025"),
        ("nl", "1.234.567,80", "€\u00a01.234.567,80", "12,5%", "3 maart 2025"),
        ("da", "1.234.567,80", "1.234.567,80\u00a0€", "12,5\u00a0%", "3. marts 2025"),
        ("nb", "1\u00a0234\u00a0567,80", "1\u00a0234\u00a0567,80\u00a0€", "12,5\u00a0%", "3. mars 2025"),
    ],
)
def test_figures_are_written_as_the_language_does(
    language: str, amount: str, money: str, percentage: str, day: str
) -> None:
    words = words_in(language)
    assert words.amount("1234567.80") == amount
    assert words.money("1234567.80") == money
    assert words.percentage("12.50") == percentage
    assert words.day("2025-03-03") == words.day(date(2025, 3, 3)) == day


def test_small_figures() -> None:
    words = words_in("nl")
    assert words.amount("0.00") == "0,00"
    assert words.amount("999.05") == "999,05"
    assert words.percentage("100.00") == "100%"
    assert words.percentage("0.00") == "0%"


def test_lengths_have_a_singular() -> None:
    assert words_in("en").months(1) == "1 month"
    assert words_in("nl").months(1) == "1 maand"
    assert words_in("nl").months(12) == "12 maanden"
    assert words_in("da").months(2) == "2 måneder"


def test_an_unknown_language_is_refused_by_name() -> None:
    with pytest.raises(UnknownLanguage, match="“xx”") as caught:
        words_in("xx")
    assert "nl" in caught.value.hint


def test_every_packaged_profiles_reason_is_said_in_every_language() -> None:
    reasons = {profile.reason for profile in packaged_profiles().values() if profile.reason}
    assert reasons == set(REASONS)
    for reason in reasons:
        assert len({reason_in(words_in(language), reason) for language in LANGUAGES}) == len(LANGUAGES)
    assert reason_in(words_in("nl"), "") == ""
    assert reason_in(words_in("nl"), "Gezien") == "Gezien"


@pytest.mark.parametrize(
    ("language", "line"),
    [
        ("en", "On behalf of H. Voorbeeld-Esdoorn"),
        ("nl", "Namens H. Voorbeeld-Esdoorn"),
        ("da", "På vegne af H. Voorbeeld-Esdoorn"),
        ("nb", "På vegne av H. Voorbeeld-Esdoorn"),
    ],
)
def test_a_stamp_says_on_whose_behalf(language: str, line: str) -> None:
    for signed_as in ("person", "seal", "click"):
        for principal in ("H. Voorbeeld-Esdoorn", None):
            lines = stamp_lines(
                words_in(language),
                signed_as=signed_as,  # type: ignore[arg-type]
                field="employer",
                person="R. Voorbeeld-Linde",
                organisation="Seal",
                at=datetime(2024, 11, 20, tzinfo=UTC),
                level="B-LTA",
                development=True,
                principal=principal,
            )
            assert (line in lines) is (principal is not None)


DIGEST = "0123456789abcdef" * 4


def click_lines(language: str, **consent: str) -> tuple[str, ...]:
    return stamp_lines(
        words_in(language),
        signed_as="click",
        field="employer",
        person="R. Voorbeeld-Linde",
        organisation="Gemeente Voorbeeld",
        at=datetime(2024, 11, 20, 9, 31, tzinfo=UTC),
        level="B-LT",
        development=False,
        consent=Consent(datetime(2024, 11, 20, 9, 30, 5, tzinfo=UTC), DIGEST, **consent),
    )


@pytest.mark.parametrize(
    ("language", "sealed", "isnt", "consented", "how"),
    [
        (
            "en",
            "Sealed by Gemeente Voorbeeld",
            "R. Voorbeeld-Linde has not signed with a key of their own",
            "R. Voorbeeld-Linde consented on 20 November 2024, 09:30:05 UTC",
            "Channel: web page. Identity confirmed anew by: password",
        ),
        (
            "nl",
            "Verzegeld door Gemeente Voorbeeld",
            "R. Voorbeeld-Linde heeft niet met een eigen sleutel ondertekend",
            "R. Voorbeeld-Linde heeft ingestemd op 20 november 2024, 09:30:05 UTC",
            "Kanaal: webpagina. Identiteit opnieuw bevestigd met: wachtwoord",
        ),
        (
            "da",
            "Forseglet af Gemeente Voorbeeld",
            "R. Voorbeeld-Linde har ikke underskrevet med en egen nøgle",
            "R. Voorbeeld-Linde gav samtykke 20. november 2024, 09:30:05 UTC",
            "Kanal: webside. Identitet bekræftet på ny med: adgangskode",
        ),
        (
            "nb",
            "Forseglet av Gemeente Voorbeeld",
            "R. Voorbeeld-Linde har ikke underskrevet med en egen nøkkel",
            "R. Voorbeeld-Linde ga samtykke 20. november 2024, 09:30:05 UTC",
            "Kanal: nettside. Identitet bekreftet på nytt med: passord",
        ),
    ],
)
def test_a_click_says_whose_seal_it_is_and_whose_signature_it_is_not(
    language: str, sealed: str, isnt: str, consented: str, how: str
) -> None:
    lines = click_lines(language, through="page", reauthenticated="password")
    assert lines[:4] == (sealed, isnt, consented, how)
    assert DIGEST in lines


def test_a_click_says_that_nobody_was_asked_who_they_are() -> None:
    lines = click_lines("en")
    assert "Identity not confirmed anew" in lines
    assert not [line for line in lines if "Channel" in line]


def test_every_channel_and_method_has_its_word() -> None:
    assert set(THROUGH_SHOWN) == set(THROUGH)
    assert set(METHODS_SHOWN) == set(METHODS)
