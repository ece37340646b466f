"""Whoever changes one bit of a signed file is found out, also in the parts that nobody signed."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from certs.authority import DevelopmentAuthority
from certs.serve_authority import AuthorityServer
from signing.verify.rawscan import SignedRange, signed_ranges
from signing.verify.report import Verdict
from signing.verify.trust import Trust, TrustMaterial
from signing.verify.verdict import verify_pdf
from tests.vectors.catalogue import trust_of
from tests.vectors.ours import sign_ours
from tests.vectors.stock import Stock, plain_pdf

SEED = 20261120


def unsigned_places(pdf: bytes, covered: SignedRange, chance: random.Random) -> Iterator[int]:
    """Offsets in the gap that the last signature leaves: brackets, CMS, padding."""
    digits = pdf[covered.gap_start + 1 : covered.gap_end - 1]
    cms_end = covered.gap_start + 1 + len(digits.rstrip(b"0"))
    yield from (covered.gap_start, covered.gap_end - 1, cms_end + 1)
    yield from (chance.randrange(covered.gap_start + 1, cms_end) for _ in range(40))
    yield from (chance.randrange(cms_end, covered.gap_end - 1) for _ in range(7))


@pytest.mark.slow
@pytest.mark.parametrize("software", ["ours", "stock"])
@pytest.mark.parametrize("level", ["B-B", "B-T", "B-LT", "B-LTA"])
def test_every_flipped_bit_is_noticed(
    level: str, software: str, authority: DevelopmentAuthority, authority_server: AuthorityServer
) -> None:
    signer = authority.person("flip", "Fleur Bitje", now=datetime.now(UTC))
    if software == "ours":
        pdf = sign_ours(authority, plain_pdf(), [("employer", signer)], level=level)
    else:
        stock = Stock(authority, datetime.now(UTC).replace(microsecond=0))
        pdf = stock.sign(plain_pdf(), signer, level=level.replace("LTA", "LT"))
        pdf = stock.stamp(pdf) if level in ("B-LT", "B-LTA") else pdf  # so that all of it is covered
    now = datetime.now(UTC)
    trust = Trust(TrustMaterial.of(trust_of(authority, now)))
    now = datetime.now(UTC)
    whole = verify_pdf(pdf, trust=trust, now=now)
    assert whole.verdict is Verdict.AUTHENTIC, whole.sentence

    chance = random.Random(SEED)  # noqa: S311 (repeatable places, no secret)
    covered = max(signed_ranges(pdf), key=lambda found: found.end)
    anywhere = [chance.randrange(len(pdf)) for _ in range(50)]
    if covered.end < len(pdf):
        anywhere += [chance.randrange(covered.end, len(pdf)) for _ in range(50)]
    missed = []
    for place in [*unsigned_places(pdf, covered, chance), *anywhere]:
        bit = 1 << chance.randrange(8)
        flipped = pdf[:place] + bytes([pdf[place] ^ bit]) + pdf[place + 1 :]
        report = verify_pdf(flipped, trust=trust, now=now)
        # validation data behind the signature: it passes with a remark, as those of other software do
        if report.verdict is Verdict.AUTHENTIC or (report.passed and place < covered.end):
            missed.append((place - covered.gap_start, bit))
    assert missed == [], f"offsets from the gap's start, seed {SEED}"
