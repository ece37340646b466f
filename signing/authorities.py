"""Timestamp authorities: what they are called, where they are, and how they want to be asked.

[timestampers.tsa-one]
url = "https://tsa.example.org/tsr"
user = "gemeente"                     # HTTP Basic, with the text of a file
password_file = "tsa-one.pass"
limit = "20/PT20M"                    # all workers together: at most 20 times in any 20 minutes
cool_down = "PT1M"                    # the longest rest after failures
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from signing.checked_toml import CheckedTable
from signing.errors import SigningError, TimestampError
from signing.secret import secret_from_file

DEVELOPMENT = "development"
"""The name of the development PKI's timestamp authority, and of its keys: nobody else may bear it."""
COOL_DOWN = timedelta(minutes=1)
"""What an authority's longest rest is unless it is said: an outage is seldom over sooner, and a minute after
its end all goes on by itself."""
LONGEST_COOL_DOWN = timedelta(hours=1)
MOST = 1000
"""Each permit of the period has a stamp in a row: 1000 of them are 20 kB."""


@dataclass(frozen=True)
class Limit:
    """At most `count` permits in any period of `per`."""

    count: int
    per: timedelta


@dataclass(frozen=True)
class TimestampAuthority:
    """An RFC 3161 service over HTTP.

    With a `user` it is asked with HTTP Basic, and with the password that stands in `password_file` when it is
    asked: nobody has to be started anew when it changes. All who share the `limit` ask together no more
    often; after failures in a row they leave it alone, for `cool_down` at most.
    """

    name: str
    url: str
    user: str = ""
    password_file: Path | None = None
    limit: Limit | None = None
    cool_down: timedelta = COOL_DOWN

    def authorization(self) -> Mapping[str, str]:
        """The header that says who asks; none without a user. Source: RFC 7617. Raises TimestampError."""
        if self.password_file is None:
            return {}
        try:
            password = secret_from_file(self.password_file)
        except SigningError as error:
            raise TimestampError(f"was not asked: {error}") from error
        pair = base64.b64encode(f"{self.user}:{password.reveal()}".encode()).decode("ascii")
        return {"Authorization": f"Basic {pair}"}


def authority_from(name: str, table: CheckedTable) -> TimestampAuthority:
    """One of `[timestampers.NAME]`. Raises ProfileError."""
    url = table.text("url", required=True)
    if why := why_not_asked(url):
        table.refuse("url", *why)
    user, password_file = table.text("user"), table.path("password_file")
    if bool(user) != (password_file is not None):
        missing, there = ("password_file", "user") if user else ("user", "password_file")
        table.refuse(missing, f"is missing, and {there} is there", "Write both, or none of them.")
    if ":" in user or not user.isprintable():
        table.refuse("user", "has a character that HTTP Basic can't send", "Write it without a colon.")
    parts = urlsplit(url)
    if user and parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        table.refuse(
            "url", "would carry the password for everybody to read", "Write an address with https://."
        )
    return replace(_asked(name, table), url=url, user=user, password_file=password_file)


def development_from(table: CheckedTable) -> TimestampAuthority:
    """What `[timestampers.development]` says; its address is made, not said. Raises ProfileError."""
    return _asked(DEVELOPMENT, table)


def why_not_asked(url: str) -> tuple[str, str] | None:
    """What is wrong with an authority's address, and the mend; neither repeats a password in it."""
    try:
        parts = urlsplit(url)
        told = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return "is no address", "Write an address that begins with https:// or http://."
    if parts.username is not None:
        return "has a user in it", "Write it as user and password_file of a [timestampers.NAME]."
    if not told or not url.isprintable() or " " in url:
        return f"is {url[:200]!r}", "Write an address that begins with https:// or http://."
    return None


def is_loopback(host: str) -> bool:
    """Whether what is sent to this host stays on this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _asked(name: str, table: CheckedTable) -> TimestampAuthority:
    """How often an authority is asked."""
    limit = _limit(table)
    cool_down = table.length("cool_down") or COOL_DOWN
    if cool_down > LONGEST_COOL_DOWN:
        table.refuse("cool_down", "is longer than an hour", "Write PT1H at most.")
    table.finish()
    return TimestampAuthority(name, "", limit=limit, cool_down=cool_down)


def _limit(table: CheckedTable) -> Limit | None:
    """`limit`: COUNT/DURATION."""
    said = table.text("limit")
    if not said:
        return None
    count, _, per = said.partition("/")
    number = int(count) if count.isascii() and count.isdigit() and len(count) < 9 else 0
    length = table.read_length(per)
    if not 1 <= number <= MOST or length is None:
        mend = f"Write COUNT/DURATION, such as 20/PT20M; COUNT is 1 to {MOST}."
        table.refuse("limit", f"is {said[:100]!r}", mend)
    return Limit(number, length)
