"""Heads of the log that were kept outside of the office: named, or in the folder for anchors."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from audit import verify_log
from certs.authority import DevelopmentAuthority
from certs.errors import AuthorityMissing
from certs.trust import TrustStore
from cli.errors import EvidenceUnreadable
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

    Raises EvidenceUnreadable when one can't be read, or its proof does not hold.
    """
    certificates = () if trust is None else (*trust.anchors, *trust.intermediates)
    found = []
    for text in (*named, *_written(environ.get(ANCHORS))):
        try:
            kept = verify_log.outside_anchors([text], certificates)
        except verify_log.Unusable as error:
            raise unreadable(error) from error
        found += [Outside(text, Head(each.seq, each.hash)) for each in kept]
    return found


def _written(folder: str | None) -> list[str]:
    """The files in the folder for anchors, if there is one; it may be empty, but it has to be there."""
    if not folder:
        return []
    if not Path(folder).is_dir():
        raise EvidenceUnreadable(
            f"The folder {folder} of {ANCHORS} is not there, so the anchors in it can't be looked at.",
            hint="Mount or make it, or take the setting away.",
        )
    return sorted(map(str, Path(folder).glob("anchor-*.json")))


def trust_of(folder: Path) -> TrustStore | None:
    """What an office trusts; None while it has no authority."""
    try:
        return DevelopmentAuthority.open(folder / AUTHORITY).trust
    except AuthorityMissing:
        return None


def unreadable(error: verify_log.Unusable) -> EvidenceUnreadable:
    """What the verifier can't use, as a problem of the command line."""
    return EvidenceUnreadable(str(error), hint="Look at the path, and whether it is the right file.")
