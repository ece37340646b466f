"""What `signing.toml` says and nothing goes by: a name that was mistyped, or is needed no more.

A profile under another name leaves the packaged one in its place, and a certificate that is pinned for nobody
leaves the name to decide: so whoever wrote the file has to be told.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from signing.organisation import KeyInFile, KeyInToken, KeysAtProvider, KeySource
from signing.profile import ANYBODY, Profile, packaged_profiles
from wording import Sentence
from workflow.findings import Finding

if TYPE_CHECKING:
    from workflow.office import Office

AREA = "signing"


def unheeded(office: "Office") -> Iterator[Finding]:
    """A warning for each profile, signer and person that the file names in vain, and each open secret."""
    profiles, signers = office.profiles, office.signing.signers
    wanted = {one.signing for one in office.catalogue}
    for name in sorted(profiles.keys() - packaged_profiles().keys() - wanted):
        yield _warning(
            Sentence("No process signs under the profile {profile}.", profile=name),
            Sentence(
                "Processes sign under {profiles}; others serve `paraaf sign --profile` alone.",
                profiles=", ".join(sorted(wanted)),
            ),
        )
    yield from _with_development_keys(office)
    named = {name for one in profiles.values() for name in one.all_signers}
    for name in sorted(signers.keys() - named):
        yield _warning(
            Sentence("No profile names the signer {signer}.", signer=name),
            Sentence("Put it there: paraaf certs roll-over PROFILE {signer}.", signer=name),
        )
    for place, person in _strangers(office):
        yield _warning(
            Sentence(
                "{place} names {person}, whom the HR register does not know.", place=place, person=person
            ),
            Sentence("Write people by their number there, employers as it spells them; or take them out."),
        )
    for profile in profiles.values():
        for names in profile.signers.values():
            yield from _without_limit(profile.name, names, signers)
    for file in _secrets(signers, office):
        if _is_open(file):
            message = Sentence("Others may read {file}, which holds a secret.", file=str(file))
            yield _warning(message, f"chmod go-rwx {file}")


def _with_development_keys(office: "Office") -> Iterator[Finding]:
    """The profiles of processes that name no signer, in an office that has signers of its own."""
    signing = office.signing
    if not signing.signers:
        return
    offered = {one.signing for one in office.catalogue if one.status == "active"}
    for name in sorted(offered):
        if signing.forgets(office.profiles[name]):
            yield _warning(
                Sentence(
                    "Processes under the profile {profile} can't begin: it names no signer, and development"
                    " keys, which prove nothing, would sign.",
                    profile=name,
                ),
                Sentence(
                    "Name one in [profiles.{profile}]; or, for a trial, write development_keys = true on"
                    " top.",
                    profile=name,
                ),
            )
        elif signing.uses_development_keys(office.profiles[name]):
            yield _warning(
                Sentence(
                    "Development keys, which prove nothing, sign under the profile {profile}.", profile=name
                ),
                Sentence(
                    "Name a signer in [profiles.{profile}], and take development_keys out before it is for"
                    " real.",
                    profile=name,
                ),
            )


def _warning(message: str, hint: str) -> Finding:
    return Finding(AREA, "warning", message, hint)


def _without_limit(profile: str, names: Iterable[str], signers: Mapping[str, KeySource]) -> Iterator[Finding]:
    """The signers that take over from one with a day's limit, and have none: rolling over would end it."""
    keys = {name: key for name in names if not isinstance(key := signers[name], KeysAtProvider)}
    if any(key.a_day for key in keys.values()):
        for name, key in keys.items():
            if key.a_day is None:
                yield _warning(
                    Sentence(
                        "The signer {signer} has no a_day; another of the profile {profile} has.",
                        signer=name,
                        profile=profile,
                    ),
                    Sentence(
                        "Write how many signatures it may make a day in [signers.{signer}].", signer=name
                    ),
                )


def _strangers(office: "Office") -> Iterator[tuple[str, str]]:
    """Where the file names somebody whom nobody knows: the table, and who."""
    register = office.register
    if register is None:  # which is told elsewhere
        return
    for profile in office.profiles.values():
        yield from _named_in_vain(
            f"[profiles.{profile.name}] signer",
            (one for one in profile.signers if one != ANYBODY),
            office.employers if _seals(profile) else None,
            office,
        )
        yield from _named_in_vain(f"[profiles.{profile.name}] pinned", profile.pinned, None, office)
    for name, source in office.signing.signers.items():
        if not isinstance(source, KeyInFile | KeyInToken):
            yield from _named_in_vain(f"[signers.{name}.keys]", source.keys, None, office)


def _seals(profile: Profile) -> bool:
    return profile.kind in ("seal", "click")


def _named_in_vain(
    place: str, holders: Iterable[str], employers: Iterable[str] | None, office: "Office"
) -> Iterator[tuple[str, str]]:
    """Those among `holders` who are none of these employers; without any, no people of the register."""
    assert office.register is not None  # noqa: S101 (asked before)
    for holder in holders:
        known = office.register.knows(holder) if employers is None else holder in employers
        if not known:
            yield place, holder


def _secrets(signers: Mapping[str, KeySource], office: "Office") -> list[Path]:
    """The files that hold secrets, each once."""
    files: list[Path | None] = [one.password_file for one in office.signing.timestampers]
    for source in signers.values():
        if isinstance(source, KeyInFile):
            files += [source.key, source.passphrase_file]
        else:
            files.append(source.pin_file if isinstance(source, KeyInToken) else source.client_secret_file)
    return list(dict.fromkeys(file for file in files if file is not None))


def _is_open(file: Path) -> bool:
    """Whether others may read it: by its own mode, and that of the folder that it is in."""
    try:
        return bool(file.stat().st_mode & 0o044 and file.parent.stat().st_mode & 0o011)
    except OSError:  # whoever needs it tells
        return False
