"""Of what figures may be asked: a unit, process or month that there is not leads nowhere, as one unseen."""

from datetime import datetime
from typing import Final

from sqlalchemy import exists, or_, select
from starlette.exceptions import HTTPException

from throughput.kept_days import ZONE
from workflow.office import Office
from workflow.staff import Reach
from workflow.tables import Person, TimingGroup

_COLUMNS: Final = {"key": "key", "variant": "variant", "unit": "unit", "definition": "definition_sha256"}
_ATTRIBUTES: Final = {"key": "key", "variant": "variant", "unit": "", "definition": "sha256_hex"}


def require_known(office: Office, reach: Reach, *, months: tuple[str, str], **said: str) -> None:
    """Raises HTTPException 404 for a unit out of reach, for a `key`, `variant`, `unit` or `definition` of
    which there never was a request and can be none, and for months that have not begun."""
    if said.get("unit") and said["unit"] not in reach:
        raise HTTPException(404)
    if any(month > _this_month(office.clock()) for month in months):
        raise HTTPException(404)
    if not all(_is_known(office, name, value) for name, value in said.items() if value):
        raise HTTPException(404)


def _this_month(now: datetime) -> str:
    return f"{now.astimezone(ZONE):%Y-%m}"


def _is_known(office: Office, name: str, value: str) -> bool:
    if any(value == getattr(one, _ATTRIBUTES[name], None) for one in office.catalogue):
        return True
    there = [exists().where(TimingGroup.table().c[_COLUMNS[name]] == value)]
    if name == "unit":
        there.append(exists().where(Person.unit == value))
    with office.store.read() as session:
        return session.execute(select(or_(*there))).scalar_one()
