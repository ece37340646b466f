"""Forms that were sent and answered with a question or a look: for who sent them, for a day.

Nothing was done. So that the answer has an address, and nobody has to send a form again to go back to it,
what the form held is kept: the same form sent again in place of what it held before, and of each person only
the last few. What another release kept is read as far as it fits.
"""

import re
from base64 import urlsafe_b64encode
from collections.abc import Collection
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Final, TypeVar

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from workflow.store import Moment, Store
from workflow.tables import KeptForm

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

KEPT: Final = timedelta(days=1)
"""So long an answer to a form has an address: what it asks, or what came of it."""
MOST: Final = 10
"""Of one person."""
Form = TypeVar("Form")
_NAME = re.compile("[A-Za-z0-9_-]{24}", re.ASCII)


@dataclass(frozen=True)
class KeptForms:
    """Those of an office. `moment` is the time that all processes share."""

    store: Store
    moment: Moment

    def keep(
        self, name: str, person: str, about: str, content: "DataclassInstance", *, request: int | None = None
    ) -> None:
        """Keep what a form held, of a request if it is of one, in place of what is kept under its name."""
        theirs = select(KeptForm.name).where(KeptForm.person_id == person)
        older = theirs.order_by(KeptForm.kept_at.desc(), KeptForm.name).offset(MOST - 1)
        with (
            suppress(IntegrityError),
            self.store.write() as session,
        ):  # sent twice at once: the other's is kept
            session.execute(delete(KeptForm).where(KeptForm.name == name))
            session.execute(delete(KeptForm).where(KeptForm.name.in_(session.scalars(older).all())))
            row = {"name": name, "person_id": person, "about": about, "request_id": request}
            moment = self.moment(session)
            session.execute(insert(KeptForm), [row | {"content": asdict(content), "kept_at": moment}])

    def find(self, name: str, person: str, about: str, form: type[Form]) -> Form | None:
        """What a form held, for who sent it; `about` is what it has to be about, and `form` what it is.

        None, too, where another release kept it, and too little of it for this one, or something else.
        """
        if not is_name(name):
            return None
        own = KeptForm.name == name, KeptForm.person_id == person, KeptForm.about == about
        with self.store.read() as session:
            fresh = KeptForm.kept_at >= self.moment(session) - KEPT
            content = session.scalars(select(KeptForm.content).where(*own, fresh)).one_or_none()
        with suppress(ValidationError):
            return None if content is None else TypeAdapter(form).validate_python(content)
        return None

    def forget(self) -> None:
        """Forget those that are a day old."""
        with self.store.write() as session:
            session.execute(delete(KeptForm).where(KeptForm.kept_at < self.moment(session) - KEPT))

    def drop(self, name: str) -> None:
        """It was sent for good."""
        with self.store.write() as session:
            session.execute(delete(KeptForm).where(KeptForm.name == name))

    def throw_away(self, person: str, about: str) -> None:
        """Whatever they had looked over of this is not wanted any more."""
        with self.store.write() as session:
            session.execute(delete(KeptForm).where(KeptForm.person_id == person, KeptForm.about == about))


def form_name(*about: object) -> str:
    """The name of a form: the same for the same, and nobody can tell from it what it is made of."""
    return urlsafe_b64encode(sha256(repr(about).encode()).digest()[:18]).decode()


def is_name(said: str) -> bool:
    """Whether it can be the name of a form: PostgreSQL takes not every text."""
    return _NAME.fullmatch(said) is not None


def forget_forms(session: Session, people: Collection[str]) -> None:
    """Remove those of these people."""
    session.execute(delete(KeptForm).where(KeptForm.person_id.in_(people)))
