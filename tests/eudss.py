"""What EU DSS says of signed files, in the words of our own reports, and why the two differ where they do.

EU DSS is the European Commission's reference software for validating signatures; here with its default
policy, offline, with the trust that our verifier has. The tables below are exact: a difference that they
don't explain fails a test, and so does an explanation that explains nothing.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.witnesses import EUDSS, run

NOTHING = "no signature"
_ORDER = ("TOTAL-FAILED", "INDETERMINATE", "TOTAL-PASSED")
_LEVELS = {f"PAdES-BASELINE-{short}": f"B-{short}" for short in ("B", "T", "LT", "LTA")}


@dataclass(frozen=True)
class Word:
    """What is said of one signature."""

    indication: str
    sub_indication: str | None
    level: str | None
    signer: str | None = field(default=None, compare=False)
    claimed_at: str | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Said:
    """What a verifier says of a file: the worst of its signatures decides."""

    indication: str
    signatures: tuple[Word, ...]

    @property
    def outline(self) -> tuple[str, tuple[tuple[str, str | None], ...]]:
        """What is compared first: indications, and the levels of what did not fail."""
        return self.indication, tuple(
            (word.indication, None if word.indication == "TOTAL-FAILED" else word.level)
            for word in self.signatures
        )


@dataclass(frozen=True)
class Asked:
    """Files to be judged at a time with the trust of a folder."""

    trust: Path
    at: datetime
    paths: Sequence[Path]


def eudss(asked: Sequence[Asked], folder: Path) -> dict[Path, Said]:
    """EU DSS's words on many files, in one run of its virtual machine; works with files in `folder`."""
    arguments: list[str | Path] = []
    for number, each in enumerate(asked):
        names = folder / f"list-{number}"
        names.write_text("".join(f"{path}\n" for path in each.paths))
        arguments += [each.trust, each.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), names]
    said = run(EUDSS, *arguments, timeout_s=600)
    lines = [json.loads(line) for line in said.stdout.splitlines()]
    assert len(lines) == sum(len(each.paths) for each in asked), said.stderr
    return {Path(line["file"]): theirs(line) for line in lines}


def theirs(line: Mapping[str, Any]) -> Said:
    """A line of EU DSS's."""
    words = tuple(
        Word(
            each["indication"].replace("_", "-"),
            each["sub_indication"],
            _LEVELS.get(each["format"]),
            each["signer"],
            each["claimed_at"],
        )
        for each in line.get("signatures", ())
    )
    return Said(min((word.indication for word in words), key=_ORDER.index, default=NOTHING), words)


def ours(report: Mapping[str, Any]) -> Said:
    """A report of ours as a mapping; document timestamps are no signatures to EU DSS either."""
    words = tuple(
        Word(each["indication"], each["sub_indication"], each["level"])
        for each in report["signatures"]
        if each["role"] != "timestamp"
    )
    unsigned = not words and report["indication"] == "INDETERMINATE"
    return Said(NOTHING if unsigned else report["indication"], words)


def stricter(mine: Said, other: Said) -> bool:
    """Whether we say worse of a file than EU DSS does, or one of the two finds nothing to judge in it."""
    if other.indication == NOTHING:
        return mine.indication != "TOTAL-PASSED"
    if mine.indication == NOTHING:
        return other.indication == "TOTAL-PASSED"
    return _ORDER.index(mine.indication) < _ORDER.index(other.indication)


# Where we are stricter: our finding's code → why EU DSS doesn't say so.
STRICTER = {
    "changed_after_signing": "it compares revisions and pages, and warns; its default policy passes",
    "comment_shows": "its default policy passes comments, whatever they cover",
    "visible_field_added": "it doesn't weigh a later signature's field that covers the page",
    "field_added": "it doesn't ask whether the field was there before",
    "form_filled_after_signing": "to it, filling in a form is always harmless",
    "locked_field_changed": "its default policy only warns of what a lock forbids",
    "certification_violated": "its default policy only warns of what a certification forbids",
    "field_redrawn": "it doesn't weigh the look of a signed field",
    "reference_filled_later": "it doesn't look for objects that were missing when the file was signed",
    "update_malformed": "it reads updates as leniently as PDFBox does",
    "bytes_after_end": "it doesn't weigh what stands behind the end",
    "end_uncovered": "it doesn't ask that the last signature cover the file",
    "read_leniently": "it reads files that break rules as leniently as PDFBox does",
    "signature_unreachable": "it doesn't search for signatures that the form doesn't lead to",
    "byte_range_odd": "a signature whose byte range or contents are no such thing is none to it",
    "cms_unreadable": "a signature whose contents can't be read is none to it, or has a readable part",
    "file_truncated": "it reads the whole part of a file that was cut off",
    "contents_not_canonical": "it doesn't look at how the container is written",
    "contents_padding_used": "it doesn't look at the padding",
    "cms_inconsistent": "it doesn't look for another CMS under a name that nobody gives",
    "timestamp_invalid": "to it, a bad timestamp counts as none; to us it is a doubt",
    "timestamp_order": "it doesn't hold the times of several signatures and archives against each other",
    "chain_unknown": "an archive timestamp by a stranger counts as none; to us it is a doubt",
    "key_usage_wrong": "its default policy warns of key usages, and doesn't look at extended ones",
    "signer_revoked": "a timestamp behind a revocation proves no signing behind it; to us both were at once",
    "revoked_time_unproven": "it believes one answer alone; to us one that says revoked outweighs any other",
    "revocation_unknown": "it believes stale and future answers, and responders that may not answer",
    "certificate_began_later": "it stops at the claimed time, which is outside of the certificate's validity",
}
# Where EU DSS is stricter, or says it in another way: the file → why.
OTHERWISE = {
    "signed_with_ed25519": "its default policy doesn't know EdDSA",
    "signed_with_ed448": "its default policy doesn't know EdDSA",
    "signed_attributes_missing": "it requires the signed attributes of PAdES; we pass with a remark",
    "mistyped_timestamp": "a document timestamp typed /Sig is none to it; to us it is one, with a remark",
    "document_timestamp_by_a_stranger": "its level is what is in the file; ours what of it is good",
    "document_timestamp_of_another_file": "its level is what is in the file; ours what of it is good",
    "revoked_before_an_untrusted_timestamp": "its level is what is in the file; ours what of it is good",
    "signature_typed_as_a_timestamp": "to it /Type decides what is a timestamp; to us the format",
    "signature_copied": "two fields with the same signature are one signature to it",
    "fields_that_share_one_signature": "two fields with the same signature are one signature to it",
    "obsolete_format": "it computes that format's digest, and fails; we don't judge it",
    "obsolete_format_rsa": "it computes that format's digest, and fails; we don't judge it",
    "no_format": "it takes a signature without a format for the oldest one; we don't judge it",
    "update_without_a_format": "it takes a signature without a format for the oldest one; we don't judge it",
    "other_certificate_named": "it has the level of what is in the file; we can't judge it",
}
# Both fail, or both doubt, by other sub-indications: (ours, theirs) → why.
SUB_INDICATIONS = {
    (
        "TRY_LATER",
        "CERTIFICATE_CHAIN_GENERAL_FAILURE",
    ): "it keeps TRY_LATER for answers of yesterday; to us a missing one may be had later, too",
    (
        "CERTIFICATE_CHAIN_GENERAL_FAILURE",
        "NO_CERTIFICATE_CHAIN_FOUND",
    ): "a chain whose names fit and whose signatures don't: none to it, a broken one to us",
    (
        "OUT_OF_BOUNDS_NO_POE",
        "CERTIFICATE_CHAIN_GENERAL_FAILURE",
    ): "it first misses a revocation answer from within the certificate's validity",
    ("FORMAT_FAILURE", "HASH_FAILURE"): "both fail; it computes the digest first",
    ("FORMAT_FAILURE", "SIG_CRYPTO_FAILURE"): "both fail; it checks the value first",
    (
        "SIG_CONSTRAINTS_FAILURE",
        "NO_CERTIFICATE_CHAIN_FOUND",
    ): "we also find that an enclosed certificate has no issuer, and say that first",
    (
        "CRYPTO_CONSTRAINTS_FAILURE",
        "CRYPTO_CONSTRAINTS_FAILURE_NO_POE",
    ): "it knows since when an algorithm is weak, we only that it is",
    (
        "SIG_CONSTRAINTS_FAILURE",
        "NO_SIGNING_CERTIFICATE_FOUND",
    ): "without its certificate we can't read the signature at all",
}
