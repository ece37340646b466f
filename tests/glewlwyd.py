"""A real provider of sign-ins for the tests: Glewlwyd, as Debian has it, on loopback."""

import gzip
import json
import secrets
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from joserfc.jwk import RSAKey

PROGRAM = Path("/usr/bin/glewlwyd")
_TABLES = Path("/usr/share/doc/glewlwyd/database/init.sqlite3.sql.gz")
_MODULES = Path("/usr/lib/glewlwyd")
CLIENT, CLIENT_SECRET = "paraaf", "a secret of the client, for tests"
USERS_PASSWORD = "a user's sample password"
_ADMIN = {"username": "admin", "password": "password"}  # of a new database


@dataclass
class Glewlwyd:
    """The provider, and its administrator."""

    base: str
    admin: httpx.Client

    @property
    def issuer(self) -> str:
        return f"{self.base}/api/oidc"

    def ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        answer = self.admin.request(method, f"/api/{path}", json=body)
        assert answer.is_success, (method, path, answer.status_code, answer.text)
        return answer

    def add_user(self, name: str, *, groups: Sequence[str] = (), **more: Any) -> None:
        """Have somebody there, with the sample password."""
        user = {"username": name, "password": USERS_PASSWORD, "enabled": True, "groups": list(groups)}
        self.ask("POST", "user/", {**user, "name": f"Somebody {name}", "scope": ["openid"], **more})

    def put_groups(self, name: str, groups: Sequence[str]) -> None:
        """Have somebody be in these groups."""
        user = self.ask("GET", f"user/{name}").json()
        self.ask("PUT", f"user/{name}", {**user, "groups": list(groups)})

    def put_client(self, redirect_uri: str, after: str, *, name: str = CLIENT) -> None:
        """Know a client, who is told codes at this address, and to whom who signs out is led."""
        client = {
            "client_id": name,
            "name": name,
            "enabled": True,
            "confidential": True,
            "password": CLIENT_SECRET,
            "client_secret": CLIENT_SECRET,
            "redirect_uri": [redirect_uri],
            "post_logout_redirect_uri": after,
            "authorization_type": ["code"],
            "token_endpoint_auth_method": ["client_secret_basic"],
            "scope": ["openid"],
        }
        there = self.admin.get(f"/api/client/{name}").is_success
        self.ask("PUT" if there else "POST", f"client/{name if there else ''}", client)

    def set_up(self, key: RSAKey, **changed: Any) -> None:
        """Begin to sign with this key alone."""
        jwks = json.dumps({"keys": [key.as_dict(private=True)]})
        plugin = {
            "module": "oidc",
            "name": "oidc",
            "display_name": "oidc",
            "enabled": True,
            "parameters": {
                "iss": self.issuer,
                "jwks-private": jwks,
                "jwks-show": True,
                "access-token-duration": 3600,
                "refresh-token-duration": 3600,
                "code-duration": 600,
                "auth-type-code-enabled": True,
                "auth-type-code-revoke-replayed": True,
                "allow-non-oidc": False,
                "pkce-allowed": True,
                "pkce-required": True,
                "session-management-allowed": True,
                "session-cookie-name": "GLEWLWYD2_OIDC_SID",
                "session-cookie-expiration": 2419200,
                "name-claim": "mandatory",
                "claims": [
                    {"name": one, "user-property": one, "type": "string", "mandatory": True}
                    for one in ("groups", "employee")
                ],
                **changed,
            },
        }
        there = self.admin.get("/api/mod/plugin/oidc").is_success
        self.ask("PUT" if there else "POST", "mod/plugin/oidc" if there else "mod/plugin/", plugin)
        if there:
            self.ask("PUT", "mod/plugin/oidc/reset")

    def sign_in(self, browser: httpx.Client, name: str, *, client: str = CLIENT) -> None:
        """What its own pages do for somebody who types their password."""
        said = {"username": name, "password": USERS_PASSWORD}
        assert browser.post(f"{self.base}/api/auth/", json=said).is_success
        granted = browser.put(f"{self.base}/api/auth/grant/{client}", json={"scope": "openid"})
        assert granted.is_success, granted.text

    def sent_back(self, browser: httpx.Client, address: str) -> str:
        """Where it sends somebody back to, who has signed in there and was sent to this address."""
        answer = browser.get(f"{address}&g_continue", follow_redirects=False)
        assert answer.is_redirect, answer.text
        return answer.headers["location"]


def new_key(name: str) -> RSAKey:
    """A key that signs tokens."""
    return RSAKey.generate_key(2048, {"kid": name, "alg": "RS256", "use": "sig"}, private=True)


@contextmanager
def glewlwyd(folder: Path) -> Iterator[Glewlwyd]:
    """A provider without users and clients, for as long as the block runs."""
    port = free_port()
    database = folder / "glewlwyd.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript(gzip.decompress(_TABLES.read_bytes()).decode())
    config = folder / "glewlwyd.conf"
    config.write_text(_config(port, database, folder), encoding="utf-8")
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen([PROGRAM, f"--config-file={config}"], stdout=output, stderr=output)
    try:
        base = f"http://localhost:{port}"
        with httpx.Client(base_url=base, trust_env=False, timeout=30) as admin:
            _wait(admin, process)
            provider = Glewlwyd(base, admin)
            assert admin.post("/api/auth/", json=_ADMIN).is_success
            _know_groups(provider)
            provider.set_up(new_key(secrets.token_hex(4)))
            yield provider
    finally:
        process.terminate()
        process.wait(20)


def _know_groups(provider: Glewlwyd) -> None:
    """Have users be in groups, and have a number."""
    module = provider.ask("GET", "mod/user/database").json()
    one = {"read": True, "write": True, "profile-read": True, "profile-write": False}
    module["parameters"]["data-format"] |= {
        "groups": {"multiple": True, **one},
        "employee": {"multiple": False, **one},
    }
    provider.ask("PUT", "mod/user/database", module)
    provider.ask("PUT", "mod/user/database/reset")


def _wait(admin: httpx.Client, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < end:
        try:
            admin.get("/config")
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("Glewlwyd did not start: apt-get install glewlwyd, or look into its output.")


def free_port() -> int:
    """A port of this machine that nobody listens at."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _config(port: int, database: Path, folder: Path) -> str:
    modules = "\n".join(
        f'{name}_module_path="{_MODULES / place}"'
        for name, place in (("user", "user"), ("client", "client"), ("plugin", "plugin"))
    )
    return f"""
port={port}
bind_address="127.0.0.1"
external_url="http://localhost:{port}"
login_url="login.html"
api_prefix="api"
log_mode="file"
log_level="WARNING"
log_file="{folder / "log"}"
cookie_secure=0
session_expiration=2419200
session_key="GLEWLWYD2_SESSION_ID"
admin_scope="g_admin"
profile_scope="g_profile"
user_auth_scheme_module_path="{_MODULES / "scheme"}"
{modules}
hash_algorithm="SHA512"
database = {{ type = "sqlite3"; path = "{database}"; }};
"""
