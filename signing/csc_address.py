"""Where a remote signing provider is: an address that secrets may be sent to."""

from urllib.parse import SplitResult, urlsplit

from signing.authorities import is_loopback
from signing.csc_errors import RemoteSettingsError

_MEND = "Write it like https://provider.example/csc/v1; http is for this machine only."


def checked_url(url: str, *, what: str) -> SplitResult:
    """Split an address that secrets may be sent to: https, or this machine; raises RemoteSettingsError."""
    why = why_not_sent(url)
    if why is not None:
        raise RemoteSettingsError(f"{what} {why[0]}.", hint=why[1])
    return urlsplit(url)


def why_not_sent(url: str) -> tuple[str, str] | None:
    """What is wrong with such an address, and the mend; neither repeats it: a password may stand in it."""
    try:
        parts = urlsplit(url)
        plain = bool(parts.hostname) and not (parts.query or parts.fragment or parts.username)
        plain = plain and url.isprintable() and " " not in url
        _ = parts.port  # raises for one that is none
    except ValueError:
        plain = False
    here = plain and parts.scheme == "http" and is_loopback(parts.hostname or "")
    if plain and (parts.scheme == "https" or here):
        return None
    return "is no address that secrets may be sent to", _MEND
