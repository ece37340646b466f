"""Process definitions: read TOML files, check them, give the one a request starts with or is pinned to.

The values are in definition_model, the form of the file in definition_reader, the rules in definition_check.
"""

from collections.abc import Iterable, Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from workflow.definition_check import check, check_together
from workflow.definition_errors import DefinitionRefused, DefinitionUnknown
from workflow.definition_model import (
    FACTS,
    MILESTONES,
    After,
    Branch,
    Definition,
    Document,
    Names,
    State,
    Trigger,
)
from workflow.definition_reader import read
from workflow.refusal import Refusal, Rule

__all__ = [
    "FACTS",
    "MILESTONES",
    "After",
    "Branch",
    "Catalogue",
    "Definition",
    "DefinitionRefused",
    "DefinitionUnknown",
    "Document",
    "Names",
    "Refusal",
    "Rule",
    "State",
    "Trigger",
    "load",
    "load_folder",
    "parse",
    "read",
]


class Catalogue:
    """Checked definitions. Of a key and variant the highest version is offered, unless it is dropped."""

    def __init__(self, definitions: Iterable[Definition]) -> None:
        self.all = tuple(sorted(definitions, key=lambda found: (found.key, found.variant, found.version)))
        self._by_hash = {found.sha256_hex: found for found in self.all}
        self._newest = {(found.key, found.variant): found for found in self.all}

    def __iter__(self) -> Iterator[Definition]:
        return iter(self.all)

    @property
    def offered(self) -> tuple[Definition, ...]:
        """What new requests can start with."""
        return tuple(found for found in self._newest.values() if found.status == "active")

    def get(self, key: str, variant: str) -> Definition:
        """Give what a new request starts with. Raises DefinitionUnknown, for a dropped one too."""
        found = self._newest.get((key, variant))
        if found is not None and found.status == "active":
            return found
        said = "There is no process" if found is None else "No longer offered is"
        offered = ", ".join(f"{one.key} {one.variant}" for one in self.offered)
        raise DefinitionUnknown(f"{said} {key!r} {variant!r}.", hint=f"Offered are: {offered}.")

    def by_hash(self, sha256_hex: str) -> Definition:
        """Give the very definition that a request is pinned to. Raises DefinitionUnknown."""
        try:
            return self._by_hash[sha256_hex]
        except KeyError:
            raise DefinitionUnknown(
                f"No definition at hand has the SHA-256 {sha256_hex}.",
                hint="Read its source from the database, where each used definition is kept.",
            ) from None


def parse(source: str, file: str, names: Names) -> Definition:
    """Read and check a definition's text. Raises DefinitionRefused with every refusal."""
    definition = read(source, file)
    if refusals := check(definition, names):
        raise DefinitionRefused(refusals)
    return definition


def load(path: Path, names: Names) -> Definition:
    """Read and check one file. Raises DefinitionRefused with every refusal."""
    return _load(path, str(path), names)


def load_folder(names: Names, folder: Path | None = None) -> Catalogue:
    """Read and check every *.toml of a folder (default: the packaged ones), each alone and all together.

    Raises DefinitionRefused with every refusal of every file.
    """
    place: Traversable = resources.files("workflow") / "definitions" if folder is None else folder
    files = sorted(
        (item for item in place.iterdir() if item.name.endswith(".toml")), key=lambda item: item.name
    )
    definitions: list[Definition] = []
    refusals: list[Refusal] = []
    for item in files:
        try:
            definitions.append(_load(item, item.name if folder is None else str(item), names))
        except DefinitionRefused as refused:
            refusals.extend(refused.refusals)
    refusals.extend(check_together(definitions))
    if refusals:
        raise DefinitionRefused(refusals)
    return Catalogue(definitions)


def _load(item: Traversable, file: str, names: Names) -> Definition:
    try:
        source = item.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message, mend = f"The file can't be read: {error}.", "Name a TOML file in UTF-8."
        raise DefinitionRefused([Refusal(Rule.UNREADABLE, file, None, "", message, mend)]) from error
    return parse(source, file, names)
