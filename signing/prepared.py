"""What is kept before the key is used, so that a crash can never lead to two different signatures.

Source: the office's rule: at most one signature is ever recorded for a field; the key may be used again, over
identical bytes only.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from signing.composition import FieldSlot
from signing.errors import PreparedMismatchError
from signing.placeholder import Gap
from signing.profile import Level
from signing.revision import Layout

_VERSION = 1


@dataclass(frozen=True)
class Prepared:
    """Everything that signing one field of one document needs, to be persisted before the key is used.

    `revision` is appended to the source (found by `source_sha256`) with /Contents all zeros;
    `signed_attributes` is the DER that the key signs. `certificates` is the signer's path, leaf first.
    The rest is for the steps after it: `layout` after the revision, the archive timestamp's `slot`, and whose
    validation data stands in the revision and until when it holds.
    """

    source_sha256: str
    field: str
    level: Level
    revision: bytes
    gap: Gap
    signed_attributes: bytes
    digest_algorithm: str
    certificates: tuple[bytes, ...]
    layout: Layout
    slot: FieldSlot | None = None
    evidenced_timestampers: frozenset[bytes] = frozenset()
    evidence_until: datetime | None = None

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
            "layout": vars(self.layout),
            "slot": self.slot and [self.slot.number, self.slot.generation, _text(self.slot.body)],
            "evidenced_timestampers": sorted(each.hex() for each in self.evidenced_timestampers),
            "evidence_until": self.evidence_until and self.evidence_until.isoformat(),
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
            if rest["version"] != _VERSION:
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
                layout=Layout(**rest["layout"]),
                slot=_slot(*rest["slot"]) if rest["slot"] else None,
                evidenced_timestampers=frozenset(map(bytes.fromhex, rest["evidenced_timestampers"])),
                evidence_until=rest["evidence_until"] and datetime.fromisoformat(rest["evidence_until"]),
            )
        except (KeyError, ValueError, TypeError) as error:
            raise PreparedMismatchError(
                f"What was prepared can't be read back: {error!r}.", hint="Prepare the signature again."
            ) from error


def _slot(number: int, generation: int, body: str) -> FieldSlot:
    return FieldSlot(number, generation, _bytes(body))


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _bytes(value: str) -> bytes:
    return base64.b64decode(value, validate=True)
