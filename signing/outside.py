"""A file that was signed elsewhere: is it the one that was given out, signed well, by whom it should be?

  (1) the file that was given out is its beginning, byte for byte
  (2) behind it there is nothing but signatures and what belongs to them (`verify.beyond`, in a fenced child)
  (3) the whole validation says TOTAL-PASSED: intact, trusted, not revoked (in a fenced process, as any file)
  (4) each expected field is signed, and no other: by the expected person, at the expected level

The expected person is whoever's certificate is pinned for them; where none is pinned, whoever's certificate
has their name as its common name: the same letters, whatever their case and the spaces between.
"""

import json
import logging
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from cryptography.x509.oid import NameOID

from certs.authority_certificates import marked_name
from certs.errors import AuthorityError
from certs.hosts import AllowedHosts
from certs.trust import TrustStore
from signing.fence import bound_memory, bound_processor_time, fence_context, main_left_alone
from signing.foreign import require_size
from signing.outside_errors import ForeignSignatureRefusedError
from signing.profile import Level
from signing.verify.beyond import added_beyond
from signing.verify.bulk import verify_sources
from signing.verify.findings import Finding, Weight
from signing.verify.limits import DEFAULT_LIMITS, Limits
from signing.verify.report import Indication, Report, Role, SignatureReport
from signing.verify.sources import Source

# Said with a signature that is good all the same.
_HARMLESS: Final = frozenset(
    {
        "cms_in_ber",
        "certificate_not_named",
        "signature_timestamp_missing",
        "unsigned_attribute_unknown",
        "validation_data_uncovered",
    }
)
MOST_AGE: Final = timedelta(hours=24)  # lists of qualified providers are a day old at the most
"""An answer that the file itself carries may be so much older than the signature."""
_HINT: Final = "Sign the file that was given out, as it is, and bring that; or return the request."


@dataclass(frozen=True)
class ExpectedSigner:
    """Who has to sign a field; `person` is their number, "" where nobody can tell.

    `pinned` are SHA-256 digests of their certificates in hex; empty: the name counts.
    """

    field: str
    person: str
    name: str
    pinned: frozenset[str] = frozenset()

    def is_named_by(self, signature: SignatureReport) -> bool:
        """Whether the certificate of a signature is this person's."""
        if self.pinned:
            return signature.certificate_sha256 in self.pinned
        name = _as_marked(self.name) if signature.development else self.name
        return bool(signature.signer) and _folded(signature.signer or "") == _folded(name)


@dataclass(frozen=True)
class SignedElsewhere:
    """An accepted file's signatures by field, and its report; the level is the lowest of them."""

    signatures: Mapping[str, SignatureReport]
    report: Report

    @property
    def level(self) -> Level:
        """The level that every one of them reaches."""
        levels = [Level(each.level) for each in self.signatures.values() if each.level]
        return min(levels, key=lambda level: level.rank)


def judge_signed_elsewhere(
    given: bytes,
    brought: bytes,
    *,
    expected: Sequence[ExpectedSigner],
    least: Level,
    trust: TrustStore,
    now: datetime,
    online: AllowedHosts | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> SignedElsewhere:
    """Accept a file that was signed elsewhere, or raise ForeignSignatureRefusedError with every difference.

    Nobody is asked but the hosts of `online`, for current revocation answers. Raises DocumentRefusedError for
    one that is too large.
    """
    require_size(len(brought), limits=limits)
    if difference := _another_file(given, brought):  # (1)
        raise _refused([difference])
    if added := _added(brought, len(given), limits):  # (2)
        raise _refused([_told(finding) for finding in added])
    report = _report(brought, trust, now=now, online=online, limits=limits)  # (3)
    differences = list(_differences(report, expected, least))  # (4)
    if differences:
        raise _refused(differences)
    return SignedElsewhere({each.field or "": each for each in _approvals(report)}, report)


def _refused(differences: Sequence[str]) -> ForeignSignatureRefusedError:
    return ForeignSignatureRefusedError(tuple(differences), hint=_HINT)


def _another_file(given: bytes, brought: bytes) -> str:
    """Where a file parts from the one that was given out; "" when that is its beginning."""
    if brought.startswith(given):
        return "" if len(brought) > len(given) else "It is the file that was given out, and nobody signed it."
    pairs = enumerate(zip(given, brought, strict=False))
    first = next((at for at, (ours, theirs) in pairs if ours != theirs), min(len(given), len(brought)))
    if first < min(len(given), len(brought)):
        differing = sum(a != b for a, b in zip(given, brought, strict=False))
        return (
            f"It is not the file that was given out ({len(given)} bytes): byte {first} is another one, and"
            f" {differing} of the first {min(len(given), len(brought))} are."
        )
    return f"It ends at byte {len(brought)}, and the file that was given out has {len(given)}."


def _added(pdf: bytes, end: int, limits: Limits) -> list[Finding]:
    """What `verify.beyond` finds, in a child process with bounded memory and time."""
    context = fence_context(__name__)
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, end, limits), daemon=True, name="paraaf-outside")
    with main_left_alone():
        process.start()
    theirs.close()
    try:
        with suppress(BrokenPipeError, ConnectionResetError):
            ours.send_bytes(pdf)
        if not ours.poll(limits.wall_s):
            return [_stopped(f"it took longer than {limits.wall_s:g} s")]
        return [Finding(**each) for each in json.loads(ours.recv_bytes())]
    except (EOFError, OSError):
        return [_stopped("its process ended: memory or processor time ran out")]
    finally:
        ours.close()
        process.kill()
        process.join()
        process.close()


def _stopped(why: str) -> Finding:
    return Finding("reading_stopped", "reading the file had to be stopped", why)


def _work(connection: Connection, end: int, limits: Limits) -> None:
    """The child's life: one file, one answer."""
    logging.disable(logging.CRITICAL)  # libraries narrate hostile files at length
    bound_memory(limits.address_space_bytes)
    bound_processor_time(limits.cpu_s)
    pdf = connection.recv_bytes()
    try:
        found = added_beyond(pdf, end, limits=limits)
    except Exception as error:  # noqa: BLE001 (the parser stumbles in a dozen ways)
        told = f"{type(error).__name__}: {str(error)[:300]}"
        found = [Finding("file_unreadable", "the file makes its reader stumble", told)]
    answer = [{"code": each.code, "text": each.message, "detail": each.detail} for each in found]
    with suppress(OSError):  # whoever asked was killed
        connection.send_bytes(json.dumps(answer).encode())


def _report(
    pdf: bytes, trust: TrustStore, *, now: datetime, online: AllowedHosts | None, limits: Limits
) -> Report:
    """The validation of a file that no disk has: a stop leaves nothing of it behind."""
    brought = Source("brought.pdf", Path("brought.pdf"), content=pdf)
    [report] = verify_sources([brought], trust, now=now, online=online, limits=limits)
    return report


def _differences(report: Report, expected: Sequence[ExpectedSigner], least: Level) -> Iterator[str]:
    """Everything for which a file is not accepted, each a sentence."""
    weighing = [
        finding
        for finding in (*report.findings, *(each for one in report.signatures for each in one.findings))
        if finding.weight is not Weight.NOTE and finding.code not in _HARMLESS
    ]
    yield from dict.fromkeys(_told(finding) for finding in weighing)
    if report.indication is not Indication.PASSED and not weighing:
        yield f"The validation says {report.indication.value}: {report.sentence}"
    wanted = {each.field: each for each in expected}
    signed = _approvals(report)
    for signature in signed:
        who = wanted.pop(signature.field or "", None)
        if who is None:
            yield f"{signature.signer} signed in the field {signature.field!r}, where nobody is expected to."
            continue
        if not who.is_named_by(signature):
            by = "a certificate that is pinned for them" if who.pinned else "a certificate of that name"
            yield (
                f"The field {who.field!r} is signed by {signature.signer}, not by {who.name} with {by}"
                f" (certificate {(signature.certificate_sha256 or '')[:16]}…)."
            )
        level = _level(signature)
        if level is None or not level.reaches(least):
            said = signature.level or "of no PAdES level"
            yield f"The signature in the field {who.field!r} is {said}, and at least {least} is asked."
        yield from _stale(signature)
    for field, who in wanted.items():
        yield f"The field {field!r} is empty, in which {who.name} is to sign."


def _stale(signature: SignatureReport) -> Iterator[str]:
    """Whoever signs with a revoked key chooses which answer lies beside: one from before says nothing.

    What a host just said is the newest there is, however old its list.
    """
    answer = signature.revocation
    if answer is None or answer.status != "good" or answer.source == "online" or answer.age_s is None:
        return
    if answer.age_s > MOST_AGE.total_seconds():
        yield (
            f"The newest answer whether the certificate in the field {signature.field!r} was revoked is"
            f" {answer.age_s // 3600} hours older than the signature: it says nothing of the time between."
            " Have the authority's host asked with --online."
        )


def _approvals(report: Report) -> list[SignatureReport]:
    return [each for each in report.signatures if each.role is not Role.TIMESTAMP]


def _level(signature: SignatureReport) -> Level | None:
    return Level(signature.level) if signature.level in tuple(Level) else None


def _told(finding: Finding) -> str:
    detail = f" ({finding.detail})" if finding.detail else ""
    return f"{finding.code}: {finding.message}{detail}."


def _as_marked(name: str) -> str:
    """A name as certificates of the development PKI have it; one that they can't have, as it is."""
    try:
        [said] = marked_name(name).get_attributes_for_oid(NameOID.COMMON_NAME)
    except AuthorityError:
        return name
    return str(said.value)


def _folded(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
