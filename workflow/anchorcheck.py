"""Hold the anchors that the office keeps against their own proofs; logcheck holds them against the log."""

import hashlib
import json
from datetime import datetime

from cryptography.exceptions import UnsupportedAlgorithm

from certs import der
from certs.der import DerError
from signing.chains import PinnedChains
from signing.cms import OID_DATA
from signing.errors import ChainError, TimestampError
from signing.signed_data import parse_signed_data, verify_signed_data
from signing.tokens import check_token
from workflow.anchors import Anchor, Statement


def require_form(anchor: Anchor) -> None:
    """Refuse an anchor whose columns have other types than ours; raises TypeError."""
    texts = (anchor.sha256_hex, anchor.head.hash, anchor.statement)
    if type(anchor.head.seq) is not int or not all(isinstance(text, str) for text in texts):
        raise TypeError("no anchor")
    if not isinstance(anchor.proof, bytes) or anchor.made_at.tzinfo is None:
        raise TypeError("no anchor")


def fault_of(anchor: Anchor, *, first: str, chains: PinnedChains | None) -> str | None:
    """What is wrong with an anchor, as a sentence; None when nothing is.

    `first` is the hash of the log's first event. Without `chains` the proof is not looked at, as there is
    nothing to trust.
    """
    if not _is_about(anchor, first):
        return "Its anchor does not say what its row says, or is of another log."
    if chains is None:
        return None
    try:
        _check_proof(anchor, chains)
    except (DerError, ChainError, TimestampError, UnsupportedAlgorithm, ValueError) as error:
        return f"The proof of its anchor does not hold: {str(error).removesuffix('.')}."
    return None


def _is_about(anchor: Anchor, first: str) -> bool:
    """Whether the statement is the one about this head, at some time; a seal's time is its row's."""
    try:
        said_at = datetime.fromisoformat(json.loads(anchor.statement)["at"])
        return anchor.statement == Statement(anchor.head, first, said_at).text and (
            anchor.kind == "timestamp" or said_at == anchor.made_at
        )
    except (ValueError, TypeError, KeyError):
        return False


def _check_proof(anchor: Anchor, chains: PinnedChains) -> None:
    statement = anchor.statement.encode()
    if anchor.kind == "timestamp":
        token = check_token(
            anchor.proof, digest_of=lambda name: hashlib.new(name, statement).digest(), chains=chains
        )
        if token.gen_time != anchor.made_at:
            raise DerError("its time is not the one in its row")
        return
    signed = parse_signed_data(anchor.proof)
    if signed.content is not None or signed.content_type != der.oid(OID_DATA):
        raise DerError("it is no detached signature")
    certificate = signed.signer_certificate()
    verify_signed_data(signed, certificate, hashlib.new(signed.digest_name, statement).digest())
    chains.path(certificate, extra=signed.certificates, at=anchor.made_at, whose="the seal")
