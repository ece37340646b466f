"""How mail leaves the office: a server of its own, always enciphered but on this machine itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from documents.addresses import is_address
from languages import LANGUAGES
from signing.authorities import is_loopback
from signing.secret import Secret
from workflow.errors import SettingRefused

SERVER, SENDER = "PARAAF_MAIL", "PARAAF_MAIL_FROM"
USER, PASSWORD_FILE = "PARAAF_MAIL_USER", "PARAAF_MAIL_PASSWORD_FILE"
LANGUAGE = "PARAAF_MAIL_LANGUAGE"
_PORTS: Final = {"smtp": 587, "smtps": 465}


@dataclass(frozen=True)
class MailSettings:
    """Where mail is handed over, as whom, and from whom it comes.

    `enciphered`: "tls" from the first byte, "starttls" before anything is said, "" never. `base` is the
    public address of the office, to which links lead; `language` that of people who have not chosen one.
    """

    host: str
    port: int
    enciphered: str
    sender: str
    base: str
    language: str
    user: str = ""
    password: Secret | None = None

    @classmethod
    def of(cls, environ: Mapping[str, str], base: str) -> "MailSettings | None":
        """What the environment says; None where no mail is sent. Raises SettingRefused."""
        server = environ.get(SERVER, "")
        if not server:
            return None
        scheme, host, port = _server(server)
        here = is_loopback(host) or host == "localhost"
        sender = environ.get(SENDER, "")
        if not is_address(sender):
            raise SettingRefused(
                f"{SENDER} is {sender[:80]!r}, and that is no address that mail could come from.",
                hint="Write it like paraaf@example.org.",
            )
        if not base:
            raise SettingRefused(
                f"{SERVER} is set, and PARAAF_PUBLIC_URL is not: mail leads to pages of the office.",
                hint="Write the address under which people reach it, like https://paraaf.example.org.",
            )
        language = environ.get(LANGUAGE, "") or "nl"
        if language not in LANGUAGES:
            raise SettingRefused(
                f"{LANGUAGE} is {language[:20]!r}.", hint=f"Choose from: {', '.join(LANGUAGES)}."
            )
        user, file = environ.get(USER, ""), environ.get(PASSWORD_FILE, "")
        return cls(
            host=host,
            port=port,
            enciphered="tls" if scheme == "smtps" else "" if here else "starttls",
            sender=sender,
            base=base,
            language=language,
            user=user,
            password=_password(file) if file else None,
        )


def _server(text: str) -> tuple[str, str, int]:
    try:
        parts = urlsplit(text)
        scheme, host, port = parts.scheme, parts.hostname or "", parts.port
    except ValueError:
        scheme, host, port = "", "", None
    plain = not (parts.path.strip("/") or parts.query or parts.username) if host else False
    if scheme not in _PORTS or not host or not plain:
        raise SettingRefused(
            f"{SERVER} is {text[:80]!r}, and that is no mail server.",
            hint="Write it like smtp://mail.example.org:587 (STARTTLS) or smtps://mail.example.org.",
        )
    return scheme, host, port or _PORTS[scheme]


def _password(file: str) -> Secret:
    try:
        return Secret(Path(file).read_text(encoding="utf-8").rstrip("\r\n"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingRefused(
            f"{PASSWORD_FILE} names a file that can't be read.", hint="See that it is there, in UTF-8."
        ) from error
