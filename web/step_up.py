"""Who consents on a page shows anew that it is they: by their password, or where scripts run by a passkey.

A passkey is asked for in the page's own form, which its answer goes along with (static/passkeys.js).
"""

import json
from collections.abc import Mapping
from typing import Final

from starlette.responses import JSONResponse, Response

from signing.secret import Secret
from web.asked import Asked
from workflow.ceremonies import CeremonyOver
from workflow.office import Office
from workflow.passkeys import PasskeyRefused
from workflow.passwords import NotAuthenticated, PasswordGiven
from workflow.proofs import Proof
from workflow.reauthentication import ask_for_passkey, prove_by_passkey, prove_by_password

NOT_SHOWN: Final = (NotAuthenticated, PasswordGiven, PasskeyRefused, CeremonyOver)
"""What they showed is not what shows that it is they."""


def challenge(office: Office, asked: Asked, seen: Mapping[int, int]) -> Response:
    """What the browser is asked, so that a passkey proves it for what they have seen.

    Raises PasskeyRefused, Refused.
    """
    made = ask_for_passkey(office.passkeys, asked.me.id, seen, bound_to=asked.me.csrf)
    return JSONResponse({"token": made.token, "options": json.loads(made.options)})


def proof_of(office: Office, asked: Asked, seen: Mapping[int, int]) -> Proof | None:
    """What their form proves for what they have seen; None where it shows nothing.

    Raises what NOT_SHOWN names, Throttled, Refused.
    """
    me, password, token = asked.me, asked.typed("password"), asked.typed("passkey")
    if password:
        return prove_by_password(office.passwords, me.id, Secret(password), seen, device=me.device)
    if token:
        answer = asked.typed("answer")
        return prove_by_passkey(office.passkeys, me.id, token, answer, bound_to=me.csrf)
    return None
