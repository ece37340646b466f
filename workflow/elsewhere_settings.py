"""How people sign in through their organisation: the file `identity.toml`, checked when it is loaded.

[oidc]
issuer = "https://login.example.org/realms/bank"
client_id = "paraaf"
client_secret_file = "oidc-secret"    # beside this file; or PARAAF_OIDC_SECRET
name = "Example Bank"                 # what people know it by
person = "employee_number"            # the claim that is their number in the HR register
groups = "groups"                     # the claim that names their groups
[oidc.duties]                         # what a group adds, in the register's own words
desk-clerks = ["clerk"]
"""

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from signing.checked_toml import CheckedTable, read_toml
from signing.errors import ProfileError
from signing.secret import Secret, secret_in
from workflow.duties import DUTY_ROLES
from workflow.errors import SettingRefused

FILE: Final = "identity.toml"
VARIABLE: Final = "PARAAF_IDENTITY"
SECRET: Final = "PARAAF_OIDC_SECRET"  # noqa: S105 (a variable's name)


@dataclass(frozen=True)
class Elsewhere:
    """A provider of OpenID Connect, and what its word is taken for.

    `duties` are what groups add to what the register says of somebody. `passwords`: whether people may sign
    in by one of this office, too. `sign_out_there`: whether who signs out here is led there to do the same.
    """

    issuer: str
    client_id: str
    client_secret: Secret = field(repr=False)
    name: str
    person: str
    groups: str = ""
    duties: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    scopes: tuple[str, ...] = ("openid",)
    passwords: bool = True
    sign_out_there: bool = True
    ca_file: Path | None = None

    @property
    def is_here(self) -> bool:
        """Whether the provider is on this machine, as in a trial."""
        return is_loopback(urlsplit(self.issuer).hostname or "")


def load_elsewhere(folder: Path, environ: Mapping[str, str] = os.environ) -> Elsewhere | None:
    """What the file says; None where there is none. Raises SettingRefused."""
    named = environ.get(VARIABLE, "")
    file = Path(named) if named else folder / FILE
    if not file.is_file():
        if named:
            raise SettingRefused(
                f"{VARIABLE} is {named[:200]!r}, and there is no such file.",
                hint=f"Correct it, or leave it out: then {FILE} in the data folder counts.",
            )
        return None
    try:
        whole = CheckedTable(str(file), read_toml(file))
        said = whole.take("oidc", dict, "a table", {})
        whole.finish()
        return _read(CheckedTable(str(file), said, place="oidc"), environ)
    except ProfileError as error:
        raise SettingRefused(str(error), hint=error.hint) from error


def _read(table: CheckedTable, environ: Mapping[str, str]) -> Elsewhere:
    issuer = table.text("issuer", required=True)
    if "?" in issuer or not may_be_asked(issuer, here=True):
        table.refuse("issuer", f"is {issuer[:200]!r}", "Write an address with https, without ? and #.")
    read = Elsewhere(
        issuer=issuer,
        client_id=table.text("client_id", required=True),
        client_secret=_secret(table, environ),
        name=table.text("name", default=urlsplit(issuer).hostname or ""),
        person=table.text("person", required=True),
        groups=table.text("groups"),
        duties=_duties(table),
        scopes=("openid", *(one for one in table.texts("scopes") if one != "openid")),
        passwords=table.take("passwords", bool, "true or false", True),
        sign_out_there=table.take("sign_out_there", bool, "true or false", True),
        ca_file=table.path("ca_file"),
    )
    table.finish()
    if read.ca_file is not None and not read.ca_file.is_file():
        table.refuse("ca_file", "is no file", "Name a file of certificates in PEM, or leave it out.")
    if read.duties and not read.groups:
        table.refuse("groups", "is missing", "Name the claim that names groups, or leave duties out.")
    return read


def _secret(table: CheckedTable, environ: Mapping[str, str]) -> Secret:
    """The client's secret: from its file, or the environment; there is no default."""
    file = table.path("client_secret_file")
    if file is None:
        if not environ.get(SECRET):
            table.refuse("client_secret_file", "is missing", f"Name the secret's file, or set {SECRET}.")
        return Secret(environ[SECRET])
    try:
        secret = secret_in(file)
    except OSError as error:
        table.refuse("client_secret_file", f"can't be read: {error.strerror}", "Check path and permissions.")
    if secret is None:
        table.refuse("client_secret_file", "holds no secret", "Write it there, in one line.")
    return secret


def _duties(table: CheckedTable) -> Mapping[str, tuple[str, ...]]:
    said = table.take("duties", dict, "a table", {})
    below = CheckedTable(table.file, said, place="oidc.duties")
    return {group: below.texts(group, of=tuple(DUTY_ROLES)) for group in said}


def may_be_asked(address: str, *, here: bool) -> bool:
    """Whether this is an address over https; with `here` one of this machine will do, for trials."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    plain = address.isprintable() and not any(one in address for one in " \\#@")
    if not plain or not host or port == 0:
        return False
    return parts.scheme == "https" or (here and parts.scheme == "http" and is_loopback(host))


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
