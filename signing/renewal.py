"""Archive timestamps: until when a file's newest one proves anything, and what a new one has to hold.

A document timestamp proves by itself as long as its authority's certificates are valid and its algorithms are
good. Before that ends another one is put over the file, with validation data about the one before: it proves
that the older one was good while it could still be judged. Source: ETSI EN 319 142-1 (B-LTA).
"""

from dataclasses import dataclass
from datetime import datetime

from asn1crypto import cms, tsp
from asn1crypto import x509 as asn1_x509

from certs.der import DerError
from signing.chains import Path, PinnedChains
from signing.errors import ArchiveMissingError
from signing.placeholder import Gap
from signing.selfcheck import check_document_timestamp
from signing.tokens import Token
from signing.verify.rawscan import only_white_space, signed_ranges
from signing.verify.strength import Means, ends_at

_DOCUMENT_TIMESTAMP = b"/ETSI.RFC3161"
_DICTIONARY_ROOM = 1024  # a signature dictionary's entries before its /Contents


@dataclass(frozen=True)
class Archive:
    """An archive timestamp: when it was made, and until when it proves anything by itself; its path."""

    stamped_at: datetime
    holds_until: datetime
    path: Path


def newest_archive(pdf: bytes, chains: PinnedChains) -> Archive:
    """The archive timestamp that covers a file to its end, checked.

    Raises ArchiveMissingError when the last thing in the file is none, TimestampError when it does not hold.
    """
    last = max(signed_ranges(pdf), key=lambda found: found.end, default=None)
    if last is None or not only_white_space(pdf[last.end :]) or not _is_timestamp(pdf, last.gap_start):
        raise ArchiveMissingError(
            "The file does not end with an archive timestamp.",
            hint="Only files of B-LTA are renewed; verify it to see what it is.",
        )
    gap = Gap(last.gap_start, last.gap_end, last.end)
    try:
        return archive_of(check_document_timestamp(pdf[: last.end], gap, chains))
    except DerError as error:
        raise ArchiveMissingError(
            f"The file's archive timestamp can't be read: {error}.", hint="Verify the file."
        ) from error


def _is_timestamp(pdf: bytes, gap_start: int) -> bool:
    """Whether the dictionary before a gap says that it is a document timestamp's."""
    before = pdf[max(0, gap_start - _DICTIONARY_ROOM) : gap_start]
    return _DOCUMENT_TIMESTAMP in before[before.rfind(b" obj") + 1 :]


def archive_of(token: Token) -> Archive:
    """A checked token as an archive timestamp."""
    return Archive(token.gen_time, holds_until(token), token.path)


def holds_until(token: Token) -> datetime:
    """The end of the authority's certificates, or of the algorithms in `strength`'s table: what is first."""
    signed = cms.ContentInfo.load(token.token_der)["content"]
    (signer,) = signed["signer_infos"]
    stamped = tsp.TSTInfo.load(signed["encap_content_info"]["content"].contents)
    imprint = stamped["message_imprint"]["hash_algorithm"]
    algorithm = signer["signature_algorithm"]
    chain = [asn1_x509.Certificate.load(each) for each in token.path.certificates]
    names = (signer["digest_algorithm"]["algorithm"].native, imprint["algorithm"].native)
    return min(token.path.not_after, *(ends_at(Means(name, algorithm), chain) for name in names))
