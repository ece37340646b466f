"""Reports are told in four languages; what a file says of itself stays its own words, and harmless."""

import json
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from pypdfium2 import PdfDocument
from reportlab.pdfbase.pdfmetrics import stringWidth

from languages import LANGUAGES
from signing.verify import summary
from signing.verify.details import about_file, about_signature, heading
from signing.verify.findings import Finding
from signing.verify.output import as_dict, csv_line, csv_row, text_of_report
from signing.verify.qualified import Qualified, Status
from signing.verify.register import RegisterWord, Standing, register_sentence
from signing.verify.report import Report, RevocationStatus, Role, SignatureReport, Verdict, to_json
from signing.verify.sentence import UNSIGNED, finding_sentence, sentence_in
from signing.verify.strength import Strength
from signing.verify.summary import summary_pdf
from signing.verify.transport import packed, unpacked
from signing.verify.unread import unopened
from signing.verify.verdict import report_on, unjudged, with_register, without_register
from signing.verify.words import UnknownReportLanguage, words_in
from tests.unit.test_verify_output import NOW, report

OTHERS = tuple(language for language in LANGUAGES if language != "en")
HOSTILE = "Anna {signer} {at:moment} {0.__class__} %s \x1b[2J\u202e<b>"


def sealed(signer: str = "Gemeente Voorbeeld") -> Report:
    """Sealed, with everything that a signature's lines may tell."""
    signature = replace(
        report(signer=signer).signatures[0],
        role=Role.SEAL,
        level="B-LTA",
        organisation="Kantoor",
        proven_at=datetime(2026, 11, 20, 14, 5, 7, tzinfo=UTC),
        chain=("Seal", "Root"),
        certificate_sha256="ab" * 32,
        signed_bytes_end=1_234_567,
        revision=1,
        signature_algorithm="sha256_ecdsa",
        strength=Strength("sha256", "EC-256", 2029, None),
        qualified=Status(
            Qualified.ADESEAL,
            "NL: X / Y",
            "its issuer's service was {standing:word} at that time",
            "withdrawn",
        ),
        revocation=RevocationStatus("revoked", NOW, "crl", "file", NOW),
        reason="Gezien",
        location="Hier",
    )
    made = report_on("a.pdf", NOW, (signature,), [], 2)
    return replace(made, size=1_234_999, pages_compared=1)


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        (
            "en",
            "Authentic as issued. Sealed by Gemeente Voorbeeld on 2026-11-20 14:05 UTC (proven), B-LTA,"
            " advanced seal.",
        ),
        (
            "nl",
            "Authentiek, zoals afgegeven. Verzegeld door Gemeente Voorbeeld op 20 november 2026 om 14:05 UTC"
            " (bewezen), B-LTA, geavanceerd zegel.",
        ),
        (
            "da",
            "Ægte, som udstedt. Forseglet af Gemeente Voorbeeld den 20. november 2026 kl. 14.05 UTC (bevist),"
            " B-LTA, avanceret segl.",
        ),
        (
            "nb",
            "Ekte, slik det ble utstedt. Forseglet av Gemeente Voorbeeld 20. november 2026 kl. 14:05 UTC"
            " (bevist), B-LTA, avansert segl.",
        ),
    ],
)
def test_a_report_is_told_in_a_sentence(language: str, sentence: str) -> None:
    through = unpacked(packed(sealed()))
    assert sentence_in(through, words_in(language)) == sentence


def test_a_signatures_lines_are_told() -> None:
    one, words = sealed(), words_in("nl")
    assert heading(one.signatures[0], words) == "Zegel “employer”: TOTAL-PASSED"
    assert [*about_file(one, words), *about_signature(one.signatures[0], one, words)] == [
        ("Bestand", "1.234.999 bytes, 2 revisies"),
        ("Validatie", "volledig"),
        ("Pagina’s", "1 pagina getekend zoals ondertekend en zoals nu, en vergeleken"),
        ("Gezet door", "Gemeente Voorbeeld, Kantoor"),
        ("Niveau", "B-LTA (ETSI.CAdES.detached)"),
        ("Bewezen tijd", "20 november 2026 om 14:05:07 UTC"),
        ("Opgegeven tijd", "20 november 2026 om 14:00:00 UTC"),
        ("Omvat", "alle bytes op de eigen na, tot 1.234.567 van 1.234.999; revisie 1 van 2"),
        ("Algoritmen", "sha256_ecdsa; sleutel EC-256; goed tot en met 2029"),
        ("Certificaat", f"SHA-256 {'ab' * 32}"),
        ("Vertrouwd via", "Seal"),
        ("", "Root"),
        (
            "Intrekking",
            "ingetrokken sinds 20 november 2026 om 14:00:00 UTC; een intrekkingslijst (CRL) in het bestand,"
            " van 20 november 2026 om 14:00:00 UTC",
        ),
        (
            "Gekwalificeerd",
            "geavanceerd zegel, NL: X / Y (de status van de dienst van de uitgever was op dat moment:"
            " ingetrokken)",
        ),
        ("Opgegeven reden", "“Gezien”"),
        ("Opgegeven plaats", "“Hier”"),
    ]


WORD = RegisterWord(
    Standing.ISSUED, request=1_234, document="declaration", number="K-7", recorded_at="2026-03-05T10:00:00Z"
)


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "In the register: document K-7 (declaration) of request 1234, as issued on 2026-03-05."),
        (
            "nl",
            "In het register: document K-7 (verklaring) van aanvraag 1234, zoals afgegeven op 5 maart 2026.",
        ),
        ("da", "I registret: dokument K-7 (erklæring) i anmodning 1234, som udstedt den 5. marts 2026."),
        (
            "nb",
            "I registeret: dokument K-7 (erklæring) i anmodning 1234, slik det ble utstedt 5. mars 2026.",
        ),
    ],
)
def test_the_word_of_the_register_comes_after_the_verdict(language: str, sentence: str) -> None:
    words = words_in(language)
    assert register_sentence(WORD, words) == sentence
    told = sentence_in(with_register(sealed(), WORD), words)
    assert told.startswith(f"{words.text('Authentic as issued.')} {sentence} ")


@pytest.mark.parametrize("standing", Standing)
@pytest.mark.parametrize("unsigned", [False, True])
@pytest.mark.parametrize("outcome", [None, "withdrawn", "an end of their own"])
def test_every_standing_has_a_sentence_in_every_language(
    standing: Standing, outcome: str | None, unsigned: bool
) -> None:
    word = replace(WORD, standing=standing, destroyed_on="2026-04-01", added_bytes=1, withdrawn=outcome)
    word = replace(word, unsigned=unsigned)
    told = {register_sentence(word, words_in(language)) for language in LANGUAGES}
    assert len(told) == (1 if standing is Standing.UNKNOWN else len(LANGUAGES))
    assert not [each for each in told if "{" in each or "  " in each]
    assert register_sentence(replace(word, number=None), words_in("nl")).count("K-7") == 0


def test_an_unsigned_file_is_vouched_for_by_the_register_alone() -> None:
    unsigned = report_on("a.pdf", NOW, (), [Finding(UNSIGNED, "the file has no signature")], 1)
    assert sentence_in(unsigned, words_in("nl")) == (
        "Kan niet worden beoordeeld: het bestand heeft geen handtekening."
        " Niets erin bewijst waar het vandaan komt."
    )
    unasked = without_register(unsigned, "data", "it can't be opened")
    assert [sentence_in(unasked, words_in(each)) for each in LANGUAGES] == [
        sentence_in(unsigned, words_in(each)) for each in LANGUAGES
    ]
    known = with_register(unsigned, replace(WORD, unsigned=True))
    assert known.sentence == sentence_in(known, words_in("en"))
    assert sentence_in(unpacked(packed(known)), words_in("nl")) == (
        "In het register: document K-7 (verklaring) van aanvraag 1234, zoals afgegeven op 5 maart 2026;"
        " uitgereikt zonder handtekening, omdat het proces er geen vereist. Het bestand heeft geen"
        " handtekening: alleen het register staat ervoor in."
    )


def test_reports_of_a_run_that_an_earlier_release_began_are_read() -> None:
    written = json.loads(packed(unjudged("x.pdf", Finding("expired", "it ended on 2026-03-05"), NOW)))
    (finding,) = written["findings"]
    finding["message"] = finding.pop("text")
    finding.pop("values")
    (read,) = unpacked(json.dumps(written).encode()).findings
    assert read.message == "it ended on 2026-03-05"


def test_a_finding_is_told_by_itself_with_its_values() -> None:
    many = Finding(
        "too_many_entries",
        "the file's indexes have {count} entries, more than {most}",
        values={"count": 2_000_001, "most": 2_000_000},
    )
    assert finding_sentence(many, words_in("nb")) == (
        "Filens indekser har 2\u00a0000\u00a0001 oppføringer, flere enn 2\u00a0000\u00a0000."
    )
    ended = Finding(
        "expired",
        "the certificate has expired by then: it ended on {day:day}",
        values={"day": "2026-03-05"},
    )
    assert ended.message == "the certificate has expired by then: it ended on 2026-03-05"
    assert ended.told(words_in("da")) == "certifikatet er da udløbet: det sluttede den 5. marts 2026"
    refused = unopened(
        "file_unreadable", "it cannot be opened ({why:word})", PermissionError(13, "Permission denied")
    )
    assert refused.told(words_in("nl")) == "het kan niet worden geopend (toegang geweigerd)"
    odd = unopened("file_unreadable", "it cannot be opened ({why:word})", OSError(5, "Odd {why}"))
    assert odd.told(words_in("nl")) == "het kan niet worden geopend (Odd {why})"


@pytest.mark.parametrize("language", LANGUAGES)
def test_names_in_a_file_are_never_texts(language: str) -> None:
    words, one = words_in(language), sealed(HOSTILE)
    assert HOSTILE in sentence_in(one, words)
    text = text_of_report(one, words)
    assert all(character.isprintable() or character == "\n" for character in text)
    assert text.count("\n") == 3
    assert "{signer} {at:moment} {0.__class__} %s" in text
    written = to_json(as_dict(one, words))
    assert "\\u202e" in written
    assert "\u202e" not in written
    assert json.loads(written)["sentence"] == sentence_in(one, words)
    (row,) = csv_row(one, words)
    assert "\u202e" not in csv_line(row)
    assert summary_pdf(lambda: [one], made_at=NOW, words=words).startswith(b"%PDF-")


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_broken_child_writes_breaks_nothing(language: str) -> None:
    odd = "{day:day} {at:moment} {pages:pages} {what:word} {n:nothing} {missing} {0.__class__} {n!r:>9999999}"
    values = {"day": "9999-99-99", "at": "0001-01-01T00:00:00+14:00", "pages": "", "what": "", "n": 7}
    told = Finding("expired", odd, values=values).told(words_in(language))
    assert told.endswith("7 {missing} {0.__class__} {n!r:>9999999}")
    assert len(told) < 200


@pytest.mark.parametrize("values", [{"day": None}, {"day": ["x"]}, {"day": 1.5}, ["day"], "day", None])
def test_values_of_other_kinds_are_no_report(values: object) -> None:
    written = json.loads(packed(unjudged("x.pdf", Finding("expired", "it has expired"), NOW)))
    written["findings"][0]["values"] = values
    with pytest.raises(ValueError, match="not a report"):
        unpacked(json.dumps(written).encode())


def test_keys_and_codes_are_the_same_in_every_language() -> None:
    one = unjudged("x.pdf", Finding("file_encrypted", "the file is encrypted", "why"), NOW)
    english, dutch = as_dict(one), as_dict(one, words_in("nl"))
    assert english == one.as_dict()
    assert dutch.pop("sentence") == "Kan niet worden beoordeeld: het bestand is versleuteld."
    assert dutch["findings"][0].pop("message") == "het bestand is versleuteld"
    english.pop("sentence")
    english["findings"][0].pop("message")
    assert dutch == english


@pytest.mark.parametrize("language", OTHERS)
def test_the_summary_is_told_and_its_labels_have_room(language: str) -> None:
    words, one = words_in(language), sealed()
    unread = unjudged("b.pdf", Finding("file_empty", "the file is empty"), NOW)
    pdf = summary_pdf(lambda: [one, unread], made_at=NOW, words=words)
    with closing(PdfDocument(pdf)) as document:
        text = "\n".join(page.get_textpage().get_text_bounded() for page in document)
    assert words.text("Verification of signed documents") in text
    assert words.text("the file is empty") in text
    assert not [word for word in ("Made by", "Signed", "Verification", "Revocation") if word in text]
    width = summary._VALUE - summary._INDENT
    labels = [
        label for label, _ in (*about_file(one, words), *about_signature(one.signatures[0], one, words))
    ]
    assert not [each for each in labels if stringWidth(each, summary._REGULAR, 8) > width - 2]


def test_every_verdict_and_kind_of_signature_has_words() -> None:
    for language in OTHERS:
        words = words_in(language)
        for verdict in Verdict:
            for role in Role:
                one = replace(sealed(), verdict=verdict)
                made: SignatureReport = replace(one.signatures[0], role=role, proven_at=None)
                told = sentence_in(replace(one, signatures=(made,)), words)
                assert "Signed" not in told
                assert "{" not in told
                assert (made.signer in told) is (role is not Role.TIMESTAMP)  # type: ignore[operator]


def test_an_unknown_language_is_refused_by_name() -> None:
    with pytest.raises(UnknownReportLanguage, match="“xx”") as caught:
        words_in("xx")
    assert "nl" in caught.value.hint
