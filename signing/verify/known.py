"""Certificates from outside a file, found by name: with trusted lists there are thousands of them."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import overload

from cryptography import x509


class Known(Sequence[x509.Certificate]):
    """Certificates in their order; asking for one, or for those of a name, looks at no others."""

    def __init__(self, certificates: Sequence[x509.Certificate]) -> None:
        self._all = tuple(certificates)
        self._set = frozenset(self._all)
        self._named: dict[x509.Name, list[x509.Certificate]] = {}
        for certificate in self._all:
            with suppress(ValueError):  # a name that can't be read is nobody's issuer
                self._named.setdefault(certificate.subject, []).append(certificate)

    def issuers_of(self, certificate: x509.Certificate) -> Sequence[x509.Certificate]:
        """Those whose subject is the issuer of a certificate."""
        try:
            return self._named.get(certificate.issuer, ())
        except ValueError:
            return ()

    def __contains__(self, certificate: object) -> bool:
        return certificate in self._set

    def __iter__(self) -> Iterator[x509.Certificate]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    @overload
    def __getitem__(self, place: int) -> x509.Certificate: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[x509.Certificate]: ...
    def __getitem__(self, place: int | slice) -> x509.Certificate | Sequence[x509.Certificate]:
        return self._all[place]
