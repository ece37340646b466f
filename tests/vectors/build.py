"""Rebuild tests/vectors/files: `python -m tests.vectors.build`.

Makes a new development PKI each time, so every file changes; `expected.json` keeps the validation time.
"""

import json
import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from certs.authority import DevelopmentAuthority
from certs.loopback import free_base_url
from tests.vectors.catalogue import NAMES, Maker, make, trust_of

FOLDER = Path(__file__).parent / "files"
KEPT = (
    *("unsigned", "b_b", "b_t", "b_lt_with_loose_validation_data", "b_lta", "two_in_made_fields"),
    *("certified_then_filled", "letter_changed", "text_replaced_in_update", "junk_behind", "form_filled"),
    *("overlay_signature", "form_removed", "obsolete_format", "padding_used", "wrong_imprint", "stranger"),
    *("revoked", "truncated", "encrypted"),
)


def build(folder: Path) -> None:
    """Write the kept vectors, the trust to judge them by, and what is expected of each."""
    assert set(KEPT) <= set(NAMES)
    now = datetime.now(UTC).replace(microsecond=0)
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "trust").mkdir(parents=True)
    with tempfile.TemporaryDirectory() as scratch:
        authority = DevelopmentAuthority.create(Path(scratch) / "pki", base_url=free_base_url(), now=now)
        maker = Maker(authority, now)
        vectors = {name: make(maker, name) for name in KEPT}
        trust = trust_of(authority, now)
    for name, vector in vectors.items():
        (folder / f"{name}.pdf").write_bytes(vector.pdf)
    (folder / "trust" / "root.pem").write_bytes(trust.anchors[0].public_bytes(Encoding.PEM))
    (folder / "trust" / "issuing.pem").write_bytes(trust.intermediates[0].public_bytes(Encoding.PEM))
    for number, crl in enumerate(trust.crls):
        (folder / "trust" / f"{number}.crl").write_bytes(crl)
    expected = {
        name: {"indication": vector.indication, "verdict": vector.verdict, "codes": list(vector.codes)}
        for name, vector in sorted(vectors.items())
    }
    document = {"at": (now + timedelta(minutes=1)).isoformat(), "files": expected}
    (folder / "expected.json").write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    build(FOLDER)
