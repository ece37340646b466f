"""README.txt of an evidence package: how to check it with OpenSSL and Poppler alone, a command at a time.

The lines that begin with four blanks are commands, for any POSIX shell; a test runs them word for word.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from textwrap import fill

from cryptography.x509 import ocsp

from signing.evidence import Material, Place, places
from workflow.evidence import Evidence

_WIDTH = 100


@dataclass(frozen=True)
class Facts:
    """What the text is about."""

    request: int
    files: tuple[tuple[str, tuple[Place, ...]], ...]
    """Each document's file, and the signatures in it."""
    answers: tuple[tuple[str, datetime], ...]
    """Files of OCSP answers, and when each was given."""
    lists: tuple[str, ...]
    """Files of revocation lists."""
    made_at: datetime
    anchor_kind: str
    anchor_proof: str
    anchored_at: datetime
    first: int
    last: int
    with_bodies: bool

    @property
    def are_signed(self) -> bool:
        """Whether any document bears a signature; else no certificate and no revocation answer is here."""
        return any(found for _, found in self.files)

    @classmethod
    def of(
        cls, evidence: Evidence, carried: Sequence[Material], *, made_at: datetime, with_bodies: bool
    ) -> "Facts":
        """Take it from what the package holds."""
        anchor = evidence.run.anchor
        return cls(
            request=evidence.request.id,
            files=tuple((f"documents/{one.stem}.pdf", tuple(places(one.pdf))) for one in evidence.documents),
            answers=tuple((one.name, _given_at(one.der)) for one in carried if one.kind == "ocsp"),
            lists=tuple(one.name for one in carried if one.kind == "crl"),
            made_at=made_at,
            anchor_kind=anchor.kind,
            anchor_proof=f"log/anchor.{'tst' if anchor.kind == 'timestamp' else 'p7s'}",
            anchored_at=anchor.made_at,
            first=evidence.run.first,
            last=anchor.head.seq,
            with_bodies=with_bodies,
        )


def readme(facts: Facts) -> str:
    """The whole text; in ASCII, for every pager."""
    sections = (_opening, _members, _signatures, _revocation, _log, _limits)
    parts = [line for section in sections for line in (*section(facts), "")]
    return "\n".join(parts).rstrip("\n") + "\n"


def _opening(facts: Facts) -> Iterator[str]:
    yield f"EVIDENCE OF REQUEST {facts.request}"
    yield ""
    yield from _text(
        f"Made {_shown(facts.made_at)}. It holds the documents as the office keeps them, what proves"
        " when they were signed, and when the office's event log recorded them. manifest.json tells what is"
        " here, and with what kind of keys it was made: development keys prove nothing about anyone."
    )
    yield ""
    yield from _text(
        "To check it, you need OpenSSL 3, Poppler's pdfsig and the usual programs of a Unix shell; no"
        " network, and nothing of the office's. Commands begin with four blanks. Run them in the folder that"
        " this package was unpacked into. If one fails, or says otherwise than told here, do not rely on it."
    )
    yield ""
    yield from _text(
        "First name the root certificate that you trust, as a PEM file. Get it from elsewhere: a root that"
        " came in this package vouches for nothing."
        + (" Everything up to it is in certificates/." if facts.are_signed else "")
    )
    yield ""
    yield "    ROOT=${ROOT:-/path/to/root.pem}"
    yield "    mkdir -p work"
    if facts.are_signed:
        yield "    cat certificates/*.pem > work/certificates.pem"


def _members(facts: Facts) -> Iterator[str]:
    yield "1. NOTHING WAS CHANGED SINCE THE OFFICE SEALED IT"
    yield ""
    yield from _text(
        "Every line has to end with OK, and OpenSSL has to say that the verification was successful."
    )
    yield ""
    yield "    sha256sum -c SHA256SUMS"
    yield _cms("SHA256SUMS.p7s", "SHA256SUMS", facts.made_at)
    yield ""
    yield from _text("Who sealed it:")
    yield ""
    yield "    openssl pkcs7 -inform DER -in SHA256SUMS.p7s -print_certs -noout"


def _signatures(facts: Facts) -> Iterator[str]:
    yield "2. THE SIGNATURES IN THE DOCUMENTS"
    for file, found in facts.files:
        if not found:
            yield ""
            yield from _text(
                f"{file} bears no signature: its process needs none, and its last page says so. That it is"
                " the file which the office delivered is told by the office's log alone, below (4)."
            )
    if not facts.are_signed:
        return
    yield ""
    yield from _text(
        "Poppler has to say of each signature that it is valid, and of the last signature or timestamp that"
        " the total document is signed. Of document timestamps Poppler can say no more: it calls them"
        " signatures of an unknown type. OpenSSL has the word on those below."
    )
    for file, found in facts.files:
        if found:
            yield ""
            yield f"    pdfsig -nocert {file}"
    yield ""
    yield from _text(
        "For OpenSSL each signature is cut out of the file, and so is what it signs: all of the file but the"
        " signature. The numbers are those that pdfsig calls Signed Ranges; look whether they are the same."
        " Each has to verify, at the time that its own timestamp proves."
    )
    for file, found in facts.files:
        stem = file.removeprefix("documents/").removesuffix(".pdf")
        for number, place in enumerate(found, 1):
            yield ""
            yield from _signature(file, f"work/{stem}-{number}", number, place)


def _signature(file: str, work: str, number: int, place: Place) -> Iterator[str]:
    what = "Document timestamp" if place.is_timestamp else "Signature"
    yield f"{what} {number} of {file}, at {_shown(place.proven_at)}:"
    yield ""
    hexadecimal = f"tail -c +{place.first + 2} {file} | head -c {2 * place.cms_length}"
    yield f"    {hexadecimal} | tr a-f A-F | basenc --base16 -d > {work}.p7s"
    behind = f"tail -c +{place.second + 1} {file} | head -c {place.second_length}"
    yield f"    ( head -c {place.first} {file}; {behind} ) > {work}.signed"
    if place.is_timestamp:
        yield _ts(f"{work}.p7s", f"{work}.signed", place.proven_at)
        return
    if place.is_ed25519:
        yield ""
        yield from _text("It is an Ed25519 signature, which OpenSSL 3.0 can't verify in this form.")
    else:
        yield _cms(f"{work}.p7s", f"{work}.signed", place.proven_at, more="-cades ")
    if place.token is not None:
        yield ""
        yield from _text("Its timestamp is in it, over the signature's value:")
        yield ""
        parse = f"    openssl asn1parse -inform DER -in {work}.p7s -noout"
        yield f"{parse} -strparse {place.token.token_offset} -out {work}.tst"
        yield f"{parse} -strparse {place.token.value_offset} -out {work}.value"
        yield _ts(f"{work}.tst", f"{work}.value", place.token.at)


def _revocation(facts: Facts) -> Iterator[str]:
    yield "3. NO CERTIFICATE WAS REVOKED"
    yield ""
    if not facts.are_signed:
        yield "Nothing was signed, so there is none to ask about."
        return
    yield from _text(
        "What the authorities answered then is in revocation/. Each answer has to verify, and to say good"
        " of the serial number asked; a list has to verify (OpenSSL says: verify OK), and to name no serial"
        " number of these certificates."
    )
    yield ""
    yield "    for one in certificates/*.pem; do openssl x509 -in $one -noout -serial -subject; done"
    for name, at in facts.answers:
        options = f'-CAfile "$ROOT" -verify_other work/certificates.pem -attime {_epoch(at)}'
        yield f"    openssl ocsp -respin {name} {options} -resp_text"
    if facts.lists:
        yield '    cat "$ROOT" work/certificates.pem > work/issuers.pem'
    for name in facts.lists:
        yield f"    openssl crl -inform DER -in {name} -CAfile work/issuers.pem -noout -text"


def _log(facts: Facts) -> Iterator[str]:
    yield "4. WHEN THE OFFICE RECORDED IT"
    yield ""
    yield from _text(
        f"log/run.jsonl holds the events {facts.first} to {facts.last} of the office's log: from the"
        " request's first to the one that was anchored. Each names as prev the SHA-256 of the one before it."
        " This says BROKEN when one does not, and at the end the hash of the last:"
    )
    yield ""
    yield "    before="
    yield "    while IFS= read -r line; do"
    yield "      record=${line#?????????}; record=${record%?}"
    yield '      case "$before,$record" in'
    yield '        ,*) ;; *",\\"prev\\":\\"$before\\","*) ;; *) echo BROKEN; break ;;'
    yield "      esac"
    yield '      before=$(printf %s "$record" | sha256sum | cut -c 1-64)'
    yield "    done < log/run.jsonl"
    yield '    echo "$before"'
    yield ""
    how = "timestamped" if facts.anchor_kind == "timestamp" else "sealed"
    yield from _text(
        f"The anchor is a statement with this very hash that was {how} at {_shown(facts.anchored_at)}, so"
        " all of these events stood there by then. The first command has to print the statement."
    )
    yield ""
    yield '    grep "\\"hash\\":\\"$before\\"" log/anchor-statement.json'
    if facts.anchor_kind == "timestamp":
        yield _ts(facts.anchor_proof, "log/anchor-statement.json", facts.anchored_at)
    else:
        yield _cms(facts.anchor_proof, "log/anchor-statement.json", facts.anchored_at)
    yield ""
    yield from _text(
        f"The events of request {facts.request} name each document by its SHA-256. Each command has to print"
        " the event document_signed of its last signature (document_imported of a file that was signed"
        " elsewhere), and, once it was handed over, document_delivered."
        " Where it prints document_renewed, the file has got another archive timestamp since. That event"
        " names as renewed the SHA-256 of the file before, which is the first bytes of this one: as many as"
        " the event of that SHA-256 says (bytes). Cut them out with head -c, and look for their SHA-256 too."
    )
    yield ""
    for file, _ in facts.files:
        own = f"grep '\"request\":{facts.request},' log/run.jsonl"
        yield f'    {own} | grep "$(sha256sum < {file} | cut -c 1-64)"'


def _limits(facts: Facts) -> Iterator[str]:
    yield "WHAT THIS DOES NOT PROVE"
    yield ""
    yield from _text(
        "That what an event says is true; only that it was said then, and not changed since. What happened to"
        f" the request after event {facts.last}. That the office has no other log: an anchor kept elsewhere,"
        " by somebody else, tells. reports/ is the office's own word on the signatures; it is not needed."
    )
    if facts.with_bodies:
        yield ""
        yield from _text(
            "log/bodies.jsonl holds who did it and what they wrote, of this request's events alone:"
            " the SHA-256 over the salt's bytes and the text is the body that the event names."
        )


def _cms(signature: str, content: str, at: datetime | None, *, more: str = "") -> str:
    # the usual purpose is S/MIME, which no certificate for signing documents is meant for
    options = f"-binary -inform DER -purpose any {more}-in {signature} -content {content}"
    return f'    openssl cms -verify {options} -CAfile "$ROOT"{_attime(at)} -out /dev/null'


def _ts(token: str, data: str, at: datetime | None) -> str:
    return f'    openssl ts -verify -token_in -in {token} -data {data} -CAfile "$ROOT"{_attime(at)}'


def _attime(at: datetime | None) -> str:
    return "" if at is None else f" -attime {_epoch(at)}"


def _epoch(at: datetime) -> int:
    return int(at.timestamp())


def _shown(at: datetime | None) -> str:
    return "a time that nobody proves" if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _given_at(der: bytes) -> datetime:
    return ocsp.load_der_ocsp_response(der).produced_at_utc


def _text(words: str) -> Iterator[str]:
    yield from fill(words, _WIDTH).splitlines()
