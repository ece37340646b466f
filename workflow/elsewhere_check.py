"""Whether the organisation's sign-in can be asked: its discovery document, its keys, its clock."""

from collections.abc import Iterator

from workflow.findings import Finding
from workflow.office import Office
from workflow.oidc import SKEW_S, ElsewhereFailed, Provider

_AREA = "identity"


def sign_in_elsewhere(office: Office) -> Iterator[Finding]:
    """Ask the provider of `identity.toml` for what every sign-in needs; nobody is signed in."""
    if office.elsewhere is None:
        yield Finding(_AREA, "ok", "Nobody signs in through an organisation.")
        return
    issuer = office.elsewhere.issuer
    try:
        looked = Provider(office.elsewhere, back=office.public_url, clock=office.clock).look()
    except ElsewhereFailed as problem:
        yield Finding(_AREA, "wrong", f"{issuer}: {problem}", problem.hint)
        return
    yield Finding(_AREA, "ok", f"{issuer} can be asked, and is who it should be; public keys: {looked.keys}.")
    if looked.ahead_by is None:
        message = f"{issuer} does not say what time it has."
        yield Finding(_AREA, "warning", message, "See yourself that its clock and this machine's agree.")
    elif abs(seconds := looked.ahead_by.total_seconds()) > SKEW_S:
        ahead = "ahead of" if seconds > 0 else "behind"
        message = f"The clock of {issuer} is {abs(seconds):.0f} s {ahead} this machine's: nobody is let in."
        yield Finding(_AREA, "wrong", message, "Set the clock that is wrong, and keep it right by NTP.")
