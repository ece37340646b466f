"""Keep the translations in step with the source: `python -m tests.catalogues` (for maintainers; needs Babel).

Reads the marked English texts from the source, updates every `.po`, and compiles it to the `.mo` beside it.
"""

import io
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
LANGUAGES = ("da", "nb", "nl")
_METHODS = [("**.py", "python"), ("**.html", "jinja2")]
_DATE = datetime(2024, 11, 20, tzinfo=UTC)


@dataclass(frozen=True)
class Domain:
    """The texts of one part of the source, and by which calls they are known there."""

    name: str
    title: str
    source: Path
    room: Path
    keywords: Mapping[str, tuple[int, ...] | None]


DOCUMENTS = Domain(
    "documents",
    "Words of the documents.",
    ROOT / "documents",
    ROOT / "documents",
    # the second argument of a rule is what it says
    {
        "_": None,
        "text": None,
        "mark": None,
        "counted": (1, 2),
        "Sentence": None,
        "Rule": (2,),
        "_broken": (2,),
    },
)
VERIFICATION = Domain(
    "verification",
    "Words of the verifier's reports.",
    ROOT / "signing" / "verify",
    ROOT / "signing",
    # the second argument of a finding is what it says
    {"text": None, "mark": None, "counted": (1, 2), "Finding": (2,), "add": (2,)},
)
PAGES = Domain("pages", "Words of the pages.", ROOT / "web", ROOT / "web", {"_": None, "mark": None})
PROCESS = Domain(
    "process",
    "Words of what happens to requests.",
    ROOT / "workflow",
    ROOT / "workflow",
    # what is said both to who types commands and on pages has words for pages alone
    {"mark": None, "Sentence": None, "for_both": (2,), "counted": (1, 2)},
)
FIGURES = Domain(
    "figures",
    "Words of reports and figures.",
    ROOT / "throughput",
    ROOT / "throughput",
    {"mark": None, "text": None, "counted": (1, 2)},
)
DOMAINS = (DOCUMENTS, VERIFICATION, PAGES, PROCESS, FIGURES)


def po_path(language: str, domain: Domain = DOCUMENTS) -> Path:
    """The catalogue of a language."""
    return domain.room / "locale" / language / "LC_MESSAGES" / f"{domain.name}.po"


def template(domain: Domain = DOCUMENTS) -> Catalog:
    """Every text that the source marks for translation."""
    found = _catalog(None, domain)
    for name, _, message, _, _ in extract_from_dir(
        domain.source, method_map=_METHODS, keywords=domain.keywords, strip_comment_tags=True
    ):
        found.add(message, locations=[(f"{domain.source.name}/{name}", 1)])
    return found


def _catalog(language: str | None, domain: Domain) -> Catalog:
    # one date for ever: a compiled catalogue changes when its words do, not when it is compiled
    return Catalog(
        locale=language,
        project="Paraaf",
        header_comment=f"# {domain.title}",
        fuzzy=False,
        creation_date=_DATE,
        revision_date=_DATE,
        last_translator="Paraaf",
        language_team="Paraaf",
        msgid_bugs_address="",
    )


def read(language: str, domain: Domain = DOCUMENTS) -> Catalog:
    """The catalogue as it stands in the repository."""
    with po_path(language, domain).open("rb") as file:
        return read_po(file, locale=language)


def compiled(catalog: Catalog) -> bytes:
    """What the .mo file must hold; entries that are fuzzy or empty are left out."""
    buffer = io.BytesIO()
    write_mo(buffer, catalog)
    return buffer.getvalue()


def main() -> None:
    """Update and compile every catalogue; says what still needs words."""
    for domain in DOMAINS:
        wanted = template(domain)
        for language in LANGUAGES:
            _update(language, domain, wanted)


def _update(language: str, domain: Domain, wanted: Catalog) -> None:
    path = po_path(language, domain)
    path.parent.mkdir(parents=True, exist_ok=True)
    catalog = read(language, domain) if path.exists() else _catalog(language, domain)
    catalog.update(wanted, no_fuzzy_matching=True)
    catalog.obsolete.clear()
    buffer = io.BytesIO()
    write_po(buffer, catalog, width=100, omit_header=False, sort_output=True, no_location=True)
    path.write_bytes(buffer.getvalue())
    path.with_suffix(".mo").write_bytes(compiled(catalog))
    open_entries = [message.id for message in catalog if message.id and not _translated(message.string)]
    sys.stdout.write(
        f"{domain.name} {language}: {len(catalog)} texts, without words: {open_entries or 'none'}\n"
    )


def _translated(string: object) -> bool:
    return all(string) if isinstance(string, tuple) else bool(string)


if __name__ == "__main__":
    main()
