"""EU trusted lists from a local copy: the list of the lists, and the national lists that it points to.

Nothing is fetched. The list of the lists must be signed by a certificate that the administrator named; each
national list by one that the list of the lists names for its country. A list that is expired, unsigned,
wrongly signed or unreadable is not used, and `unused` says which and why: what it would have said is then
not known, which is never the same as "not qualified".
Sources: ETSI TS 119 612 (the lists), ETSI TS 119 615 (how they are authenticated and used).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from cryptography import x509

from certs.errors import TrustError
from certs.signed_xml import LARGEST_FILE, Unusable, parse, signed_content
from certs.trust import SUFFIXES, certificates_in
from certs.trusted_services import (
    CA_QC,
    TSL,
    Service,
    certificates_below,
    moment_of,
    services_of,
)

_TYPE: Final = "http://uri.etsi.org/TrstSvc/TrustedList/TSLType/"
_LIST_OF_LISTS: Final = f"{_TYPE}EUlistofthelists"
_NATIONAL: Final = f"{_TYPE}EUgeneric"
_MIME: Final = "application/vnd.etsi.tsl+xml"
_ROOT: Final = f"{TSL}TrustServiceStatusList"
_MOST_FILES: Final = 200
_CLOCKS_DIFFER_BY: Final = timedelta(minutes=10)
_EU: Final = "EU"


@dataclass(frozen=True)
class UnusedList:
    """A list that is not used: its country (or file), and why in words."""

    name: str
    why: str


@dataclass(frozen=True)
class TrustedLists:
    """What the usable lists say. `missing` are the countries of which no list could be used."""

    services: tuple[Service, ...] = ()
    unused: tuple[UnusedList, ...] = ()
    missing: frozenset[str] = field(default_factory=frozenset)
    usable: bool = False  # the list of the lists was: without it nothing at all is known

    @property
    def signer_anchors(self) -> tuple[bytes, ...]:
        """Certificates of CA/QC services, DER."""
        return self._certificates(CA_QC, same=True)

    @property
    def timestamp_anchors(self) -> tuple[bytes, ...]:
        """Certificates of QTST services, DER."""
        return self._certificates(CA_QC, same=False)

    def _certificates(self, kind: str, *, same: bool) -> tuple[bytes, ...]:
        wanted = [service for service in self.services if (service.kind == kind) is same]
        return tuple(dict.fromkeys(der for service in wanted for der in service.certificates))


def load_trusted_lists(folder: Path, signers: Sequence[Path] = (), *, now: datetime) -> TrustedLists:
    """Read the lists (`*.xml`) of a folder; `signers` are certificates that may sign the list of the lists.

    Certificates in the folder itself may too. `now` decides which lists have expired.
    Raises TrustError when the folder can't be read, or holds no list of the lists, or nobody is named who may
    sign it.
    """
    files = _list_files(folder)
    allowed = [
        certificate for path in _signer_paths(folder, signers) for certificate in certificates_in(path)
    ]
    if not allowed:
        raise TrustError(
            f"Nobody is named who may sign the list of the lists in {folder}.",
            hint="Put its signers' certificates (.pem, .crt, .der) into the folder, or use --list-signer.",
        )
    unused: list[UnusedList] = []
    lists_of_lists: list[tuple[Path, bytes]] = []
    national: list[tuple[Path, bytes, str]] = []
    for path in files:
        try:
            data = _read(path)
            kind, country = _kind(parse(data))
        except Unusable as why:
            unused.append(UnusedList(path.name, str(why)))
            continue
        if kind == _LIST_OF_LISTS:
            lists_of_lists.append((path, data))
        elif kind == _NATIONAL:
            national.append((path, data, country))
        else:
            unused.append(UnusedList(path.name, "it is no list of the European Union"))
    if not lists_of_lists and not unused:
        raise TrustError(
            f"{folder} holds no list of the lists.",
            hint="Add the European Commission's list of trusted lists.",
        )
    top = _newest([_opened(path.name, data, allowed, now, unused) for path, data in lists_of_lists])
    if top is None:
        return TrustedLists(unused=tuple(unused))
    pointed = dict(_pointers(top))
    return _with_national(national, pointed, now, unused)


def _with_national(
    national: Sequence[tuple[Path, bytes, str]],
    pointed: dict[str, list[x509.Certificate]],
    now: datetime,
    unused: list[UnusedList],
) -> TrustedLists:
    opened: dict[str, list[Any]] = {}
    for path, data, country in national:
        if country not in pointed:
            unused.append(UnusedList(path.name, f"the list of the lists names none of “{country[:10]}”"))
            continue
        root = _opened(f"{country} ({path.name})", data, pointed[country], now, unused)
        opened.setdefault(country, []).append(root)
    services: list[Service] = []
    missing: set[str] = set()
    for country in sorted(pointed):
        root = _newest(opened.get(country, []))
        try:
            if root is None:
                raise Unusable("no list of it that can be used is at hand")
            services += services_of(root, country)
        except Unusable as why:
            missing.add(country)
            unused.append(UnusedList(country, str(why)))
    return TrustedLists(tuple(services), tuple(unused), frozenset(missing), usable=True)


def _list_files(folder: Path) -> list[Path]:
    try:
        files = sorted(file for file in folder.iterdir() if file.suffix.lower() == ".xml" and file.is_file())
    except OSError as error:
        raise TrustError(
            f"{folder} cannot be read: {error.strerror}.", hint="Name the folder with the trusted lists."
        ) from error
    if not files:
        raise TrustError(
            f"{folder} holds no trusted lists.", hint="It needs the lists as files ending in .xml."
        )
    if len(files) > _MOST_FILES:
        raise TrustError(
            f"{folder} holds more than {_MOST_FILES} XML files.",
            hint="Name a folder with trusted lists alone.",
        )
    return files


def _signer_paths(folder: Path, signers: Sequence[Path]) -> Iterator[Path]:
    yield from signers
    suffixes = SUFFIXES - {".crl"}
    yield from sorted(file for file in folder.iterdir() if file.suffix.lower() in suffixes and file.is_file())


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise Unusable(f"it cannot be read ({error.strerror})") from error


def _kind(root: Any) -> tuple[str, str]:
    """The type and the country that a list states of itself, before anything of it is believed."""
    if root.tag != _ROOT:
        raise Unusable("it is no trusted list")
    information = root.find(f"{TSL}SchemeInformation")
    if information is None:
        raise Unusable("it is no trusted list")
    return (
        (information.findtext(f"{TSL}TSLType") or "").strip(),
        (information.findtext(f"{TSL}SchemeTerritory") or "").strip().upper(),
    )


def _opened(
    name: str,
    data: bytes,
    signers: Sequence[x509.Certificate],
    now: datetime,
    unused: list[UnusedList],
) -> Any:
    """The signed root of a list that is current; None, with a word in `unused`, when it can't be used."""
    try:
        root = signed_content(data, signers, now=now)
        stated = _kind(root)  # by what was signed, now
        if stated != _kind(parse(data)):
            raise Unusable("it is another list than it seems")
        _require_current(root, now)
    except Unusable as why:
        unused.append(UnusedList(name, str(why)))
        return None
    return root


def _require_current(root: Any, now: datetime) -> None:
    information = root.find(f"{TSL}SchemeInformation")
    if (information.findtext(f"{TSL}TSLVersionIdentifier") or "").strip() not in ("5", "6"):
        raise Unusable("it is of a version that is not read")
    issued = moment_of(information.findtext(f"{TSL}ListIssueDateTime") or "")
    if issued > now + _CLOCKS_DIFFER_BY:
        raise Unusable(f"it says that it was issued in the future, on {issued:%Y-%m-%d}")
    until = (information.findtext(f"{TSL}NextUpdate/{TSL}dateTime") or "").strip()
    if not until:
        raise Unusable("it is closed: it names no next update")
    if moment_of(until) < now:
        raise Unusable(f"it has expired: the next one was due on {moment_of(until):%Y-%m-%d}")


def _newest(roots: Sequence[Any]) -> Any:
    """Of several lists of one country that hold, the one with the highest number."""
    usable = [root for root in roots if root is not None]
    return max(usable, key=_number, default=None)


def _number(root: Any) -> int:
    text = (root.findtext(f"{TSL}SchemeInformation/{TSL}TSLSequenceNumber") or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _pointers(root: Any) -> Iterator[tuple[str, list[x509.Certificate]]]:
    """For each country, the certificates that may sign its list."""
    path = f"{TSL}SchemeInformation/{TSL}PointersToOtherTSL/{TSL}OtherTSLPointer"
    found: dict[str, list[x509.Certificate]] = {}
    for pointer in root.findall(path):
        said = {
            child.tag.rsplit("}", 1)[-1]: (child.text or "").strip()
            for child in pointer.findall(f"{TSL}AdditionalInformation/{TSL}OtherInformation/*")
        }
        country = said.get("SchemeTerritory", "").upper()
        if said.get("TSLType") != _NATIONAL or said.get("MimeType") != _MIME or country in ("", _EU):
            continue
        signers = certificates_below(
            pointer,
            f"{TSL}ServiceDigitalIdentities/{TSL}ServiceDigitalIdentity/{TSL}DigitalId/{TSL}X509Certificate",
        )
        found.setdefault(country, []).extend(map(x509.load_der_x509_certificate, signers))
    yield from found.items()
