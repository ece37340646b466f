"""A form of a document's data that was looked over, or has a row more or less, has an address.

What it holds is kept for a day: nobody has to send it again to go back to it, and the address says nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from starlette.responses import Response

from documents.errors import FieldProblem
from web.asked import Asked, Door
from web.form_page import Filling
from workflow.kept_forms import KeptForms, form_name


@dataclass(frozen=True)
class Typed:
    """What a form holds: parts of the data (null for one that is taken out), and all that is beside them.

    `focus` is where to go on in it; "" where all of it was looked over.
    """

    key: str
    data: Mapping[str, Any]
    focus: str = ""
    language: str = ""
    remark: str = ""
    version: int = 0

    @classmethod
    def of(cls, asked: Asked, filling: Filling, focus: str, *, version: int = 0) -> Self:
        """What was sent."""
        return cls(
            asked.text("key") or asked.new_key(),
            {name: filling.data.get(name) for name in filling.editable},
            focus,
            asked.typed("language"),
            asked.typed("remark"),
            version,
        )

    def problems(self, filling: Filling) -> list[FieldProblem]:
        """What is told of it."""
        return filling.at_first() if self.focus else filling.looked_at()


@dataclass(frozen=True)
class TypedForms:
    """Those that are kept of one page."""

    door: Door
    about: str
    request: int | None = None

    def see(self, asked: Asked, typed: Typed, filling: Filling) -> Response | None:
        """Keep it, and lead to its address; None for what must not be kept, not even in a draft."""
        if filling.kind.unfit_to_keep(typed.data):
            return None
        name = self._name(asked, typed.key)
        self._kept.keep(name, asked.me.id, self.about, typed, request=self.request)
        return self.door.see(asked.request.url.path, form=name)

    def find(self, asked: Asked) -> Typed | None:
        """What is kept under the name that the address has."""
        name = asked.request.query_params.get("form", "")
        return self._kept.find(name, asked.me.id, self.about, Typed)

    def drop(self, asked: Asked) -> None:
        """It was sent for good."""
        self._kept.drop(self._name(asked, asked.text("key")))

    def throw_away(self, asked: Asked) -> None:
        """Nothing of this page is wanted any more, whichever window it was looked over in."""
        self._kept.throw_away(asked.me.id, self.about)

    def _name(self, asked: Asked, key: str) -> str:
        return form_name(asked.me.id, self.about, key)

    @property
    def _kept(self) -> KeptForms:
        return self.door.office.kept_forms
