"""Heads of the log that were kept outside of the office: named, or in the folder for anchors."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from audit import verify_log
from certs.authority import DevelopmentAuthority
from certs.errors import AuthorityMissing
from certs.trust import TrustStore
from cli.errors import InputUnreadable
from cli.folder import AUTHORITY
from workflow.eventlog import Head

ANCHORS = "PARAAF_ANCHORS"
"""As workflow.office has it, which takes a second to import."""


@dataclass(frozen=True)
class Outside:
    """A head that was kept outside, and what names it: a file, or the head itself."""

    named: str
    head: Head


def kept_outside(
    trust: TrustStore | None, named: Iterable[str] = (), environ: Mapping[str, str] = os.environ
) -> list[Outside]:
    """The anchors named, and those that the office wrote into the folder for anchors.

    Raises InputUnreadable when one can't be read, or its proof does not hold.
    """
    folder = environ.get(ANCHORS)
    files = sorted(Path(folder).glob("anchor-*.json")) if folder else []
    certificates = () if trust is None else (*trust.anchors, *trust.intermediates)
    found = []
    for text in (*named, *map(str, files)):
        try:
            kept = verify_log.outside_anchor(text, certificates)
        except verify_log.Unusable as error:
            raise unreadable(error) from error
        found.append(Outside(text, Head(kept.seq, kept.hash)))
    return found


def trust_of(folder: Path) -> TrustStore | None:
    """What an office trusts; None while it has no authority."""
    try:
        return DevelopmentAuthority.open(folder / AUTHORITY).trust
    except AuthorityMissing:
        return None


def unreadable(error: verify_log.Unusable) -> InputUnreadable:
    """What the verifier can't use, as a problem of the command line."""
    return InputUnreadable(str(error), hint="Look at the path, and whether it is the right file.")
