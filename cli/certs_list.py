"""What `paraaf certs list` shows of signers, for people and for programs."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cryptography import x509

from certs.errors import UnsupportedKey
from certs.keys import key_type
from certs.keystore import usage_words
from cli.printing import counted, printable, utc
from signing.certificate_requests import subject_words

if TYPE_CHECKING:
    from workflow.keyring import Held, Use  # a second to import, which help need not wait for


def listed(rows: Sequence[dict[str, Any]], waiting: Sequence[str]) -> Iterator[str]:
    """The lines for people; `waiting` are the names of keys without a certificate."""
    told = [row for row in rows if not _of_many(row)]
    if not rows:
        yield "No signers yet."
    for row in told:
        yield from _lines(row)
    if len(told) < len(rows):
        yield f"Development keys of people: {len(rows) - len(told)}; --json names each."
    if waiting:
        yield f"Waiting for a certificate: {', '.join(waiting)}."


def row_of(one: "Held", now: datetime) -> dict[str, Any]:
    """A signer with stable keys; null where there is no certificate to look at."""
    certificate, problems = one.certificate, [p for p in (one.trouble, one.chain_trouble) if p is not None]
    row: dict[str, Any] = {"name": one.name, "type": one.kind}
    if certificate is None:
        row |= dict.fromkeys(
            ("subject", "issuer", "serial", "key_type", "valid_from", "valid_until", "days_left")
        )
        row |= {"key_usage": [], "qc": None, "chain_complete": None}
    else:
        row |= {
            "subject": subject_words(certificate.subject),
            "issuer": subject_words(certificate.issuer),
            "serial": f"{certificate.serial_number:x}",
            "key_type": _key_type(certificate),
            "valid_from": utc(certificate.not_valid_before_utc),
            "valid_until": utc(certificate.not_valid_after_utc),
            "days_left": (certificate.not_valid_after_utc - now).days,
            "key_usage": usage_words(certificate),
            "qc": {"compliance": one.qc.compliance, "sscd": one.qc.sscd, "types": list(one.qc.types)},
            "chain_complete": None if one.kind == "retired" else one.chain_trouble is None,
        }
    wrong = [{"code": problem.code, "message": str(problem), "hint": problem.hint} for problem in problems]
    return row | {"used_by": [_use(each) for each in one.uses], "wrong": wrong}


def _use(use: "Use") -> dict[str, Any]:
    """`holder` null: all."""
    return {
        "profile": use.profile,
        "holder": use.holder or None,
        "place": use.place,
        "signs_now": use.signs_now,
    }


def _key_type(certificate: x509.Certificate) -> str | None:
    try:
        return key_type(certificate.public_key(), where="")
    except UnsupportedKey:
        return None


def _of_many(row: dict[str, Any]) -> bool:
    """Whether it is one person's development key, with which nothing is wrong: there is one for each."""
    return bool(row["type"] == "development" and row["name"].startswith("people/") and not row["wrong"])


def _lines(row: dict[str, Any]) -> Iterator[str]:
    yield printable(f"{row['name']} ({row['type']})")
    if row["subject"] is not None:
        usages = ", ".join(row["key_usage"]) or "no key usage"
        yield f"    {printable(row['subject'])}"
        yield f"    issued by {printable(row['issuer'])}, serial number {row['serial']}"
        yield f"    {row['key_type'] or 'unknown kind of key'}, {usages}{_qc_words(row['qc'])}"
        left = row["days_left"]
        days = f"{counted(left, 'day')} left" if left >= 0 else "it has ended"
        yield f"    valid {row['valid_from'][:10]} to {row['valid_until'][:10]}, {days}"
        if row["chain_complete"]:
            yield "    its chain leads to a root that is trusted"
    for use in row["used_by"]:
        whose = f" for {printable(use['holder'])}" if use["holder"] else ""
        yield f"    {use['profile']}{whose}: place {use['place']}{', signs now' if use['signs_now'] else ''}"
    if not row["used_by"] and row["type"] != "retired":
        yield "    used by no profile"
    for problem in row["wrong"]:
        yield f"    WRONG: {printable(problem['message'])} {printable(problem['hint'])}".rstrip()


def _qc_words(qc: dict[str, Any]) -> str:
    words = ["says that it is qualified"] if qc["compliance"] else []
    words += ["that its key is in a qualified device"] if qc["sscd"] else []
    return "".join(f"; {word}" for word in words)
