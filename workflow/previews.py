"""What the document of a request would look like by its data as they stand: nothing of it is kept."""

from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING

from pydantic import ValidationError

from documents.errors import DocumentError
from documents.kinds import KINDS
from documents.render import render
from fonts import UnprintableText
from problem import Problem
from workflow.definition_model import Definition
from workflow.judge import office_day
from workflow.reading import RequestView
from workflow.request_files import DocumentNotThere
from workflow.step_render import slots_of

if TYPE_CHECKING:
    from workflow.office import Office


@dataclass(frozen=True)
class Preview:
    """A draft of a document; `sha256` stands for all that it is drawn from."""

    office: "Office"
    view: RequestView
    definition: Definition
    name: str

    @classmethod
    def find(cls, office: "Office", request_id: int, name: str, who: str) -> "Preview":
        """The draft of a document by its name in the process.

        Raises NotFound for who may not see the request, DocumentNotThere where there is none: what can't be
        drawn of data that are not complete, what is there already, what will never be.
        """
        view = office.engine.show(request_id, who)
        with office.store.read() as session:
            definition = office.engine.definition(session, view.definition_sha256)
        if name not in previewed(office, view, definition):
            raise DocumentNotThere(
                f"Request {request_id} has no draft of such a document.",
                hint="It can be drawn once its data are complete, and until it is made.",
            )
        return cls(office, view, definition, name)

    @property
    def sha256(self) -> str:
        """The same for the same data, on the same day."""
        today = office_day(self.definition, self.office.clock())
        said = ("draft", self.view.id, self.view.version, self.view.language, self.name, today)
        return sha256(repr(said).encode()).hexdigest()

    @cached_property
    def pdf(self) -> bytes:
        """It, drawn as the step will that makes the document."""
        named, profile = self.definition.documents[self.name], self.office.profiles[self.definition.signing]
        kind = KINDS[named.kind]
        return render(
            named.kind,
            self.view.data,
            number="",
            verification_code="",
            issued_on=office_day(self.definition, self.office.clock()),
            valid_until=None,
            slots=slots_of(kind, kind.model.model_validate(self.view.data), profile),
            archive_timestamp=False,
            verify_url=None,
            note=None,
            language=self.view.language,
            draft=True,
        )

    def trouble(self) -> Problem | None:
        """Why it can't be drawn; None where it can."""
        try:
            _ = self.pdf
        except (DocumentError, UnprintableText) as problem:
            return problem
        return None


def previewed(office: "Office", view: RequestView, definition: Definition) -> list[str]:
    """The documents of which a draft can be drawn now, by their names in the process."""
    profile = office.profiles.get(definition.signing)
    made = any(one.number for one in view.documents)
    if profile is None or profile.is_unsigned or made or view.closed_at or view.destroyed_at:
        return []
    found = []
    for name, document in definition.documents.items():
        try:
            KINDS[document.kind].model.model_validate(view.data)
        except ValidationError:
            continue
        found.append(name)
    return found
