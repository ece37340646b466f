"""What the log tells of codes and passkeys with which people sign in: who, in bodies alone."""

import secrets
from datetime import datetime
from typing import Final, Literal

from sqlalchemy.orm import Session

from workflow.eventlog import Appender

Told = Literal["codes_set_up", "codes_removed", "recovery_code_used", "passkey_added", "passkey_removed"]
CODES_SET_UP: Final = "codes_set_up"
CODES_REMOVED: Final = "codes_removed"
RECOVERY_CODE_USED: Final = "recovery_code_used"
PASSKEY_ADDED: Final = "passkey_added"
PASSKEY_REMOVED: Final = "passkey_removed"
ROLE_GRANTED: Final = "role_granted"
ROLE_ENDED: Final = "role_ended"
ROLE_EVENTS: Final = (ROLE_GRANTED, ROLE_ENDED)
"""Of what administrators grant: see `roles`."""
EVERY: Final[tuple[Told, ...]] = (
    CODES_SET_UP,
    CODES_REMOVED,
    RECOVERY_CODE_USED,
    PASSKEY_ADDED,
    PASSKEY_REMOVED,
)


def tell(session: Session, kind: Told, *, person: str, by: str, at: datetime) -> None:
    """Append the event; the log's lock is held from here to the end of the transaction."""
    log = Appender.lock(session, secrets.token_bytes)
    body = {"actor": by, "person": person}
    log.append(kind, at=at, request_id=None, facts={"channel": "person"}, body=body)
    log.write()
