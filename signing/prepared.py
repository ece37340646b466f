"""What is kept before the key is used, so that a crash can never lead to two different signatures.

Source: the office's rule: at most one signature is ever recorded for a field; the key may be used again, over
identical bytes only.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from signing.errors import PreparedMismatchError
from signing.placeholder import Gap
from signing.profile import Level

_VERSION = 2
# In version 1 the revision holds validation data too, and beside it stands what the revisions to come needed.
# These are made from the file now.
_READABLE = (1, _VERSION)


@dataclass(frozen=True)
class Prepared:
    """Everything that signing one field of one document needs, to be persisted before the key is used.

    `revision` is appended to the source (found by `source_sha256`) with /Contents all zeros;
    `signed_attributes` is the DER that the key signs. `certificates` is the signer's path, leaf first.
    """

    source_sha256: str
    field: str
    level: Level
    revision: bytes
    gap: Gap
    signed_attributes: bytes
    digest_algorithm: str
    certificates: tuple[bytes, ...]

    @property
    def byte_range(self) -> tuple[int, int, int, int]:
        """The signature's /ByteRange."""
        return self.gap.byte_range

    @property
    def signer_cert_der(self) -> bytes:
        """The signing certificate."""
        return self.certificates[0]

    def to_columns(self) -> dict[str, str | bytes]:
        """Return plain values for one table row; `byte_range` and `rest` are JSON texts."""
        rest = {
            "version": _VERSION,
            "length": self.gap.length,
            "certificates": [_text(each) for each in self.certificates],
        }
        return {
            "source_sha256": self.source_sha256,
            "field": self.field,
            "level": str(self.level),
            "revision": self.revision,
            "byte_range": json.dumps(self.byte_range),
            "signed_attributes": self.signed_attributes,
            "digest_algorithm": self.digest_algorithm,
            "rest": json.dumps(rest, sort_keys=True),
        }

    @classmethod
    def from_columns(cls, columns: Mapping[str, Any]) -> "Prepared":
        """Build it again from the row; raises PreparedMismatchError when the row is not one of ours."""
        try:
            rest = json.loads(columns["rest"])
            if rest["version"] not in _READABLE:
                raise ValueError(f"version {rest['version']}")
            _, start, end, _ = json.loads(columns["byte_range"])
            return cls(
                source_sha256=columns["source_sha256"],
                field=columns["field"],
                level=Level(columns["level"]),
                revision=bytes(columns["revision"]),
                gap=Gap(start, end, rest["length"]),
                signed_attributes=bytes(columns["signed_attributes"]),
                digest_algorithm=columns["digest_algorithm"],
                certificates=tuple(_bytes(each) for each in rest["certificates"]),
            )
        except (KeyError, ValueError, TypeError) as error:
            raise PreparedMismatchError(
                f"What was prepared can't be read back: {error!r}.", hint="Prepare the signature again."
            ) from error


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _bytes(value: str) -> bytes:
    return base64.b64decode(value, validate=True)
