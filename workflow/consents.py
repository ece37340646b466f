"""What the log says of the consent that a seal is made after: it is told on the page."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from documents.stamp import Consent
from workflow.definition_model import Definition, consent_sha256
from workflow.moves import MOVED
from workflow.tables import Body, Event

Place = tuple[int, str]
"""A request, and the state in which somebody consented."""


def consents(session: Session, wanted: Mapping[Place, Definition]) -> dict[Place, Consent]:
    """The last consent that was given at each of these places, if what was last done there was to consent."""
    query = (
        select(Event.request_id, Event.record, Body.body)
        .join(Body, Body.seq == Event.seq)
        .where(Event.request_id.in_({request for request, _ in wanted}), Event.type == MOVED)
        .order_by(Event.seq)
    )
    found: dict[Place, Consent] = {}
    for request, record, body in session.execute(query):
        said, who = json.loads(record), json.loads(body or "{}")
        place = (request or 0, said["from"])
        if place not in wanted:
            continue
        found.pop(place, None)
        if "consent" in who:
            found[place] = _consent(said["at"], who, wanted[place])
    return found


def _consent(at: str, who: Mapping[str, Any], definition: Definition) -> Consent:
    """What an event tells; the first releases kept the text's name and language, from which its digest
    follows, and nothing of how."""
    text = definition.consents[who["consent"]][who["consent_language"]]
    return Consent(
        at=datetime.fromisoformat(at),
        text_sha256=who.get("consent_sha256") or consent_sha256(text),
        through=who.get("consent_through", ""),
        reauthenticated=who.get("reauthenticated", {}).get("method", ""),
    )
