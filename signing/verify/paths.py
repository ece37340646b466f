"""A chain of certificates by itself: from a certificate to a trust anchor, under the policy of verification.

Source: RFC 5280, 6.1, as pyHanko implements it; the NIST PKITS suite is run through this (tests/pkits).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from asn1crypto import x509 as asn1_x509
from pyhanko.sign.validation.policy_decl import bootstrap_validation_data_handlers
from pyhanko_certvalidator import find_valid_path
from pyhanko_certvalidator.errors import PathBuildingError, PathError, ValidationError
from pyhanko_certvalidator.ltv.types import ValidationTimingInfo
from pyhanko_certvalidator.policy_decl import CertRevTrustPolicy, PKIXValidationParams

from signing.verify.evidence import Evidence, Path
from signing.verify.trust import FRESH_NOW, Trust, ValidationData


class NoPath(Exception):
    """No chain that holds leads from a certificate to an anchor; the message says why."""


async def valid_path(
    certificate: asn1_x509.Certificate,
    trust: Trust,
    data: ValidationData,
    *,
    at: datetime,
    revocation: CertRevTrustPolicy = FRESH_NOW,
    inputs: PKIXValidationParams | None = None,
) -> Path:
    """A chain that holds at a moment, signer first, anchor last; `inputs` are those of RFC 5280, 6.1.1.

    Raises NoPath; also where any answer at hand says that a certificate of the chain is revoked.
    """
    spec = trust.spec(data, revocation)
    timing = ValidationTimingInfo(validation_time=at, best_signature_time=at, point_in_time_validation=True)
    context: Any = spec.cert_validation_policy.build_validation_context(
        timing_info=timing, handlers=bootstrap_validation_data_handlers(spec, timing)
    )
    try:
        found = await find_valid_path(
            certificate,
            context.path_builder.async_build_paths_lazy(certificate),
            validation_context=context,
            pkix_validation_params=inputs,
        )
    except (PathBuildingError, PathError, ValidationError) as error:
        raise NoPath(str(error)) from error
    path = tuple(reversed(list(found.iter_certs(include_root=True))))
    _require_unrevoked(path, trust, data, at)
    return path


def _require_unrevoked(
    path: Sequence[asn1_x509.Certificate], trust: Trust, data: ValidationData, at: datetime
) -> None:
    revoked = Evidence(data, trust.answers, at).revoked(tuple(path), ValidationData())
    if revoked.signer is not None or revoked.issuer is not None:
        raise NoPath("a certificate of the chain is revoked")
