"""Keep the translations in step with the source: `python -m tests.catalogues` (for maintainers; needs Babel).

Reads the marked English texts from the source, updates every `.po`, and compiles it to the `.mo` beside it.
"""

import io
import sys
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = ROOT / "documents"
LANGUAGES = ("da", "nb", "nl")
_DATE = datetime(2024, 11, 20, tzinfo=UTC)
_KEYWORDS = {"_": None, "text": None, "mark": None, "ngettext": (1, 2)}


def po_path(language: str) -> Path:
    """The catalogue of a language."""
    return DOCUMENTS / "locale" / language / "LC_MESSAGES" / "documents.po"


def template() -> Catalog:
    """Every text that the source marks for translation."""
    found = _catalog(None)
    for name, _, message, _, _ in extract_from_dir(
        DOCUMENTS, method_map=[("**.py", "python")], keywords=_KEYWORDS, strip_comment_tags=True
    ):
        found.add(message, locations=[(f"documents/{name}", 1)])
    return found


def _catalog(language: str | None) -> Catalog:
    # one date for ever: a compiled catalogue changes when its words do, not when it is compiled
    return Catalog(
        locale=language,
        project="Paraaf",
        header_comment="# Words of the documents.",
        fuzzy=False,
        creation_date=_DATE,
        revision_date=_DATE,
        last_translator="Paraaf",
        language_team="Paraaf",
        msgid_bugs_address="",
    )


def read(language: str) -> Catalog:
    """The catalogue as it stands in the repository."""
    with po_path(language).open("rb") as file:
        return read_po(file, locale=language)


def compiled(catalog: Catalog) -> bytes:
    """What the .mo file must hold; entries that are fuzzy or empty are left out."""
    buffer = io.BytesIO()
    write_mo(buffer, catalog)
    return buffer.getvalue()


def main() -> None:
    """Update and compile every catalogue; says what still needs words."""
    wanted = template()
    for language in LANGUAGES:
        path = po_path(language)
        catalog = read(language) if path.exists() else _catalog(language)
        catalog.update(wanted, no_fuzzy_matching=True)
        catalog.obsolete.clear()
        buffer = io.BytesIO()
        write_po(buffer, catalog, width=100, omit_header=False, sort_output=True, no_location=True)
        path.write_bytes(buffer.getvalue())
        path.with_suffix(".mo").write_bytes(compiled(catalog))
        open_entries = [message.id for message in catalog if message.id and not _translated(message.string)]
        sys.stdout.write(f"{language}: {len(catalog)} texts, without words: {open_entries or 'none'}\n")


def _translated(string: object) -> bool:
    return all(string) if isinstance(string, tuple) else bool(string)


if __name__ == "__main__":
    main()
