"""Keep the translations in step with the source: `python -m tests.catalogues` (for maintainers; needs Babel).

Reads the marked English texts from the source, updates every `.po`, and compiles it to the `.mo` beside it.
"""

import io
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
LANGUAGES = ("da", "nb", "nl")
_DATE = datetime(2024, 11, 20, tzinfo=UTC)
_METHODS = [("**.py", "python"), ("**.html", "jinja2")]
_KEYWORDS = {"_": None, "text": None, "mark": None, "ngettext": (1, 2)}


@dataclass(frozen=True)
class Domain:
    """The texts of one room, and the name of their catalogues."""

    room: str
    name: str
    about: str

    def po_path(self, language: str) -> Path:
        """The catalogue of a language."""
        return ROOT / self.room / "locale" / language / "LC_MESSAGES" / f"{self.name}.po"

    def template(self) -> Catalog:
        """Every text that the source marks for translation."""
        found = _catalog(None, self.about)
        for name, _, message, _, _ in extract_from_dir(
            ROOT / self.room, method_map=_METHODS, keywords=_KEYWORDS, strip_comment_tags=True
        ):
            found.add(message, locations=[(f"{self.room}/{name}", 1)])
        return found

    def read(self, language: str) -> Catalog:
        """The catalogue as it stands in the repository."""
        with self.po_path(language).open("rb") as file:
            return read_po(file, locale=language)


DOCUMENTS = Domain("documents", "documents", "Words of the documents.")
PAGES = Domain("web", "pages", "Words of the pages.")
DOMAINS = (DOCUMENTS, PAGES)


def _catalog(language: str | None, about: str) -> Catalog:
    # one date for ever: a compiled catalogue changes when its words do, not when it is compiled
    return Catalog(
        locale=language,
        project="Paraaf",
        header_comment=f"# {about}",
        fuzzy=False,
        creation_date=_DATE,
        revision_date=_DATE,
        last_translator="Paraaf",
        language_team="Paraaf",
        msgid_bugs_address="",
    )


def compiled(catalog: Catalog) -> bytes:
    """What the .mo file must hold; entries that are fuzzy or empty are left out."""
    buffer = io.BytesIO()
    write_mo(buffer, catalog)
    return buffer.getvalue()


def main() -> None:
    """Update and compile every catalogue; says what still needs words."""
    for domain in DOMAINS:
        _update(domain)


def _update(domain: Domain) -> None:
    wanted = domain.template()
    for language in LANGUAGES:
        path = domain.po_path(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        catalog = domain.read(language) if path.exists() else _catalog(language, domain.about)
        catalog.update(wanted, no_fuzzy_matching=True)
        catalog.obsolete.clear()
        buffer = io.BytesIO()
        write_po(buffer, catalog, width=100, omit_header=False, sort_output=True, no_location=True)
        path.write_bytes(buffer.getvalue())
        path.with_suffix(".mo").write_bytes(compiled(catalog))
        open_entries = [message.id for message in catalog if message.id and not _translated(message.string)]
        sys.stdout.write(
            f"{domain.name}, {language}: {len(catalog)} texts, without words: {open_entries or 'none'}\n"
        )


def _translated(string: object) -> bool:
    return all(string) if isinstance(string, tuple) else bool(string)


if __name__ == "__main__":
    main()
