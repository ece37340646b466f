"""The signers of an office: which there are, what is wrong with them, how one takes over from another."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import select

from certs.errors import CertsProblem
from certs.keystore import load_certificates, require_usable
from documents.kinds import KINDS
from problem import Problem
from signing.chains import PinnedChains
from signing.errors import ChainError
from signing.key_folder import KeyFolder
from signing.organisation import KeyInFile, KeysAtProvider, KeySource
from signing.profile import ANYBODY, Profile
from signing.signing_file import SigningFile, holders_without
from signing.verify.qc_statements import QcStatements, qc_statements
from workflow import preflight
from workflow.errors import WorkflowError
from workflow.keys import OfficeKeys, is_valid, who_signs
from workflow.tables import SignatureRow

if TYPE_CHECKING:
    from signing.signers import Signer
    from workflow.office import Office

DEVELOPMENT = "development"
RETIRED = "retired"


class SignerUnknown(WorkflowError):
    """The organisation's file has no signer of this name, or no such profile or holder signs."""

    code = "workflow-signer-unknown"


class SignerInUse(WorkflowError):
    """A signer can't be taken out: somebody would have none left, or signatures are prepared with it."""

    code = "workflow-signer-in-use"


class SignerPlaced(WorkflowError):
    """The signer has this place among the profile's signers already."""

    code = "workflow-signer-placed"


@dataclass(frozen=True)
class Use:
    """Where a signer stands: under a profile, for a holder ("" for all), at a place from 1.

    `signs_now`: it is the one that signs for this holder.
    """

    profile: str
    holder: str
    place: int
    signs_now: bool


@dataclass(frozen=True)
class Held:
    """A signer. `kind` is file, pkcs11, csc, development or retired.

    `certificate` is None when the key can't be opened, or is at a provider. `trouble` is what is wrong with
    it, `chain_trouble` why its chain does not lead to an anchor; None: nothing.
    """

    name: str
    kind: str
    certificate: x509.Certificate | None = None
    chain: tuple[x509.Certificate, ...] = ()
    uses: tuple[Use, ...] = ()
    trouble: Problem | None = None
    chain_trouble: Problem | None = None

    @property
    def qc(self) -> QcStatements:
        """What the certificate states of itself."""
        if self.certificate is None:
            return QcStatements()
        return qc_statements(asn1_x509.Certificate.load(self.certificate.public_bytes(Encoding.DER)))


def held(office: "Office", folder: KeyFolder) -> list[Held]:
    """Every signer of `signing.toml` in its order, the development keys that are made, the retired ones."""
    now, keys = office.clock(), office.keys()
    opened: dict[str, Signer | Problem | None] = {
        name: _opened(keys, name, source) for name, source in office.signing.signers.items()
    }
    uses = list(_uses(office.profiles.values(), opened, now))
    chains = PinnedChains(office.trust)
    found = []
    for name, signer in opened.items():
        own_uses = tuple(use for whose, use in uses if whose == name)
        one = Held(name, kind_of(office.signing.signers[name]), uses=own_uses)
        if signer is None or isinstance(signer, Problem):
            found.append(replace(one, trouble=signer))
        else:
            one = replace(one, certificate=signer.certificate, chain=signer.chain)
            found.append(_looked_at(one, chains, now))
    found += _development(office, chains, now)
    return found + [
        Held(name, RETIRED, own, tuple(above)) for name, (own, *above) in folder.retired().items()
    ]


def kind_of(source: KeySource) -> str:
    """The word for where a key is, as `signing.toml` has it."""
    if isinstance(source, KeysAtProvider):
        return "csc"
    return "file" if isinstance(source, KeyInFile) else "pkcs11"


def _opened(keys: OfficeKeys, name: str, source: KeySource) -> "Signer | Problem | None":
    if isinstance(source, KeysAtProvider):
        return None  # each person has one there, and authorises its use
    try:
        return keys.named(name)
    except Problem as problem:
        return problem


def _uses(
    profiles: Iterable[Profile], opened: "Mapping[str, Signer | Problem | None]", now: datetime
) -> Iterator[tuple[str, Use]]:
    for profile in profiles:
        for holder, names in profile.signers.items():
            signers = [opened[name] for name in names]
            ready = [one for one in signers if one is not None and not isinstance(one, Problem)]
            # where one can't be opened, nobody signs
            signing = who_signs(ready, now) if ready and len(ready) == len(names) else None
            for place, (name, signer) in enumerate(zip(names, signers, strict=True), start=1):
                # a provider stands alone under its profile, and whoever authorises it signs
                signs_now = signer is None or (signing is not None and signer is signing)
                yield name, Use(profile.name, holder, place, signs_now)


def _looked_at(one: Held, chains: PinnedChains, now: datetime) -> Held:
    """The same, with what is wrong with its certificate and its chain."""
    assert one.certificate is not None  # noqa: S101 (whoever calls this has opened it)
    trouble: Problem | None = None
    chain_trouble: Problem | None = None
    try:
        require_usable(one.certificate, now=now)
    except CertsProblem as problem:
        trouble = problem
    der = one.certificate.public_bytes(Encoding.DER)
    extra = [each.public_bytes(Encoding.DER) for each in one.chain]
    try:
        chains.way(der, extra=extra, whose=f"the signer {one.name}")
    except ChainError as problem:
        chain_trouble = problem
    return replace(one, trouble=trouble, chain_trouble=chain_trouble)


def _development(office: "Office", chains: PinnedChains, now: datetime) -> Iterator[Held]:
    """The development keys that were made; every profile without signers uses those of its kind."""
    profiles = [one for one in office.profiles.values() if one.signs and not one.signers]
    for folder, kinds in (("seals", ("seal", "click")), ("people", ("person",))):
        uses = tuple(Use(one.name, ANYBODY, 1, True) for one in profiles if one.kind in kinds)
        for file in sorted((office.authority.folder / folder).glob("*.pem")):
            own, *above = load_certificates(file)
            one = Held(f"{folder}/{file.stem}", DEVELOPMENT, own, tuple(above), uses)
            yield _looked_at(one, chains, now)


# One takes over


def roll_over(
    office: "Office", file: SigningFile, profile: str, name: str, *, holder: str | None, first: bool
) -> preflight.Looked:
    """Put a signer behind the others of a profile, or before them, once it has signed a sample there.

    The file is changed in memory only. Raises SignerUnknown, SignerPlaced, ProfileError, and what keeps the
    signer from signing the sample.
    """
    _require_signer(office, name)
    present = _signing_profile(office, profile)
    if holder is not None:
        _require_holder(office, present, holder)
    _require_moves(present, name, holder=holder, first=first)
    file.place(name, profile=profile, holder=holder, first=first)
    changed = file.organisation(KINDS)
    trial = replace(changed.profiles[profile], signers={ANYBODY: (name,)})
    looked = asyncio.run(_tried(replace(office, signing=changed), trial))
    if looked.trouble is not None:
        raise looked.trouble
    return looked


async def _tried(office: "Office", profile: Profile) -> preflight.Looked:
    async with office.desk() as desk:
        return await preflight.look(office, desk, profile)


def _require_signer(office: "Office", name: str) -> None:
    if name not in office.signing.signers:
        known = ", ".join(sorted(office.signing.signers)) or "none"
        raise SignerUnknown(f"signing.toml has no signer {name!r}.", hint=f"There are: {known}.")


def _signing_profile(office: "Office", name: str) -> Profile:
    profile = office.profiles.get(name)
    if profile is None or not profile.signs:
        known = ", ".join(sorted(one.name for one in office.profiles.values() if one.signs))
        raise SignerUnknown(f"There is no profile {name!r} that signs.", hint=f"There are: {known}.")
    return profile


def _require_holder(office: "Office", profile: Profile, holder: str) -> None:
    """Refuse a holder whom nobody knows: a mistyped one would wait in the file for ever."""
    if profile.kind == "person":
        known = office.register is not None and office.register.knows(holder)
        hint = "Give the number that the person has in the HR register."
    else:
        known, hint = holder in office.employers, f"There are: {', '.join(office.employers) or 'none'}."
    if not known and holder not in profile.signers:
        raise SignerUnknown("The HR register does not know this holder.", hint=hint)


def _require_moves(profile: Profile, name: str, *, holder: str | None, first: bool) -> None:
    lists = [profile.signers.get(holder, ())] if holder is not None else list(profile.signers.values())
    place = 0 if first else -1
    if lists and all(names and names[place] == name for names in lists):
        raise SignerPlaced(
            f"{name} is {'the first' if first else 'the last'} under the profile {profile.name!r} already.",
            hint="There is nothing to do; `paraaf certs list` shows the order.",
        )


# One goes


def retire(office: "Office", file: SigningFile, name: str) -> list[x509.Certificate]:
    """Take a signer out of all profiles and of the file, in memory; its certificates are to be kept.

    Raises SignerUnknown, SignerInUse, what opening it does when its certificate is in no file, ProfileError.
    """
    _require_signer(office, name)
    alone = holders_without(office.signing, name)
    if alone:
        told = ", ".join(
            profile if holder == ANYBODY else f"{profile} for {holder}" for profile, holder in alone
        )
        raise SignerInUse(
            f"Without the signer {name} nobody could sign any more under {told}.",
            hint="Put another one there first: paraaf certs roll-over PROFILE NEW.",
        )
    certificates = _certificates(office, name)
    if certificates and is_valid(certificates[0], office.clock()):
        _require_valid_left(office, name)
    unfinished = unfinished_with(office, name, certificates)
    if unfinished:
        raise SignerInUse(
            f"Signatures that are prepared with the signer {name} and not made yet: {unfinished}.",
            hint="Let the workers finish them; `paraaf incidents` shows what is stuck.",
        )
    file.take_out(name)
    file.organisation(KINDS)
    return certificates


def _require_valid_left(office: "Office", name: str) -> None:
    """Refuse when those that are left have ended or not begun. Raises SignerInUse, and as `named`."""
    keys, now = office.keys(), office.clock()
    for profile in office.profiles.values():
        for names in profile.signers.values():
            left = [one for one in names if one != name]
            if name in names and not any(is_valid(keys.named(one).certificate, now) for one in left):
                raise SignerInUse(
                    f"Without the signer {name} none whose certificate is valid now is left under"
                    f" {profile.name}: {', '.join(left)}.",
                    hint="Wait until the next one begins, or put one there that is valid.",
                )


def unfinished_with(office: "Office", name: str, certificates: Sequence[x509.Certificate]) -> int:
    """How many signatures are prepared for a signer, and not made: for its certificate, which comes first.

    For a provider, whose certificates are people's, those under the profiles that name it.
    """
    table = SignatureRow.table()
    if certificates:
        theirs = table.c.certificate_sha256 == certificates[0].fingerprint(SHA256()).hex()
    else:
        theirs = table.c.profile.in_(
            [one.name for one in office.profiles.values() if name in one.all_signers]
        )
    query = select(table.c.id).where(theirs, table.c.value.is_(None), table.c.signed_sha256.is_(None))
    with office.store.read() as session:
        return len(session.execute(query).all())


def _certificates(office: "Office", name: str) -> list[x509.Certificate]:
    """A signer's certificate and those above, from its file where it is in one: the key may be gone.

    None of a provider: they are the people's there.
    """
    source = office.signing.signers[name]
    if isinstance(source, KeysAtProvider):
        return []
    if isinstance(source, KeyInFile) and source.chain is not None:
        return load_certificates(source.chain)
    signer = office.keys().named(name)
    return [signer.certificate, *signer.chain]
