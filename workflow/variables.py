"""The variables that set an office: which there are, and what is said in vain.

One that is read no more is an error: what it said counts no longer, and nobody would notice. One that nobody
knows is told by `paraaf check`: it may be mistyped, or another program's.
"""

import difflib
from collections.abc import Iterator, Mapping
from typing import Final

from workflow.errors import SettingRefused
from workflow.findings import Finding

PREFIX: Final = "PARAAF_"
KNOWN: Final = (
    "PARAAF_ANCHORS",
    "PARAAF_BLOBS",
    "PARAAF_BLOBS_ENDPOINT",
    "PARAAF_BLOBS_KEY_ID",
    "PARAAF_BLOBS_LOCK_DAYS",
    "PARAAF_BLOBS_REGION",
    "PARAAF_BLOBS_SECRET",
    "PARAAF_CAMPAIGN",
    "PARAAF_DATA",
    "PARAAF_DATABASE",
    "PARAAF_DATABASE_OWNER",
    "PARAAF_DATABASE_ROLE",
    "PARAAF_IDENTITY",
    "PARAAF_KILL_POINT",
    "PARAAF_LEAVERS_KEPT_DAYS",
    "PARAAF_LOG",
    "PARAAF_LOG_LEVEL",
    "PARAAF_OIDC_SECRET",
    "PARAAF_MAIL",
    "PARAAF_MAIL_FROM",
    "PARAAF_MAIL_LANGUAGE",
    "PARAAF_MAIL_PASSWORD_FILE",
    "PARAAF_MAIL_USER",
    "PARAAF_PKCS11_MODULE",
    "PARAAF_PKCS11_PIN",
    "PARAAF_PKCS11_PIN_FILE",
    "PARAAF_PROXIES",
    "PARAAF_PUBLIC_URL",
    "PARAAF_SCREENSHOTS",
    "PARAAF_SIGNING",
    "PARAAF_THEME",
    "PARAAF_TRACES",
    "PARAAF_TRUSTED_LISTS",
    "PARAAF_VERIFY_ONLINE",
    "PARAAF_WEBHOOK_HOSTS",
)
"""As docs/settings.md lists them."""
MOVED: Final = {
    "PARAAF_TIMESTAMP_LIMITS": 'Write limit = "COUNT/DURATION" below each [timestampers.NAME] of signing.toml'
    " instead, and take the variable out.",
}
"""Those that are read no more, each with where its setting went."""


def require_none_moved(environ: Mapping[str, str]) -> None:
    """Refuse a variable that says something and is read no more. Raises SettingRefused."""
    for name, mend in MOVED.items():
        if environ.get(name):
            raise SettingRefused(f"{name} is set, and is no longer read.", hint=mend)


def unknown(environ: Mapping[str, str]) -> Iterator[Finding]:
    """A warning for each variable that looks like one of ours and is none; its value is not told."""
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name in KNOWN or name in MOVED:
            continue
        near = difflib.get_close_matches(name[len(PREFIX) :], [one[len(PREFIX) :] for one in KNOWN], n=1)
        hint = f"Is {PREFIX}{near[0]} meant?" if near else "docs/settings.md lists those that there are."
        yield Finding("settings", "warning", f"Nobody reads the variable {name[:100]}.", hint)
