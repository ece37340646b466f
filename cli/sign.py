"""`paraaf sign`: sign any PDF, at the level of a signing profile or not at all."""

import argparse
import asyncio
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from certs.authority import ORGANISATION, DevelopmentAuthority
from certs.keystore import common_name, is_development, load_key
from certs.serve_authority import AuthorityServer
from certs.trust import TrustStore, load_trust
from cli.errors import ChoiceNeeded
from cli.files import make_folder, read_input, require_room, write_whole
from cli.folder import REGISTER_FILE, add_data_option, add_json_option, add_owner_options, add_trust_option
from cli.printing import print_json
from documents.register import Register
from signing.authorities import DEVELOPMENT, TimestampAuthority
from signing.composition import NewField
from signing.foreign import require_size
from signing.organisation import Organisation
from signing.pades import Finished, SigningDesk, sign_pdf
from signing.pkcs11 import is_key_address, open_signer
from signing.profile import Profile, parse_profile
from signing.signers import Signer, SoftwareSigner
from signing.stamp import Appearance
from throughput.reporting.seal import SEAL_FIELD, Seal
from workflow.keys import DevelopmentKeys, OfficeKeys
from workflow.office import signing_of

FIELD = "signature"

_EPILOG = """Without --key the signer signs that the profile names in the data folder's signing.toml. Where it
names none, the development authority's keys do: of the person named with --as, or the organisation's seal, as
the profile says. They are for trials and prove nothing about anyone.
exit status: 0 signed at the level asked; 1 not signed, and nothing written."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `paraaf sign`."""
    parser = subparsers.add_parser(
        "sign",
        description="Sign any PDF: B-B, B-T, B-LT or B-LTA, as the profile says. The output is written"
        " whole or not at all.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("input", type=Path, metavar="IN.pdf", help="the PDF to sign")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="OUT.pdf", required=True, help="where the signed PDF goes"
    )
    parser.add_argument("--force", action="store_true", help="overwrite OUT.pdf")
    parser.add_argument(
        "--profile",
        metavar="NAME",
        required=True,
        help="a signing profile: ours, of signing.toml, or a TOML file",
    )
    add_key_options(parser)
    add_trust_option(parser, "root certificates of the key and of the timestampers; may be repeated")
    parser.add_argument("--role", default="", help="a role to print in the visible signature")
    parser.add_argument(
        "--field", metavar="NAME", help="the signature field (default: the only empty one, or a new one)"
    )
    parser.add_argument(
        "--box",
        type=box,
        metavar="PAGE,X,Y,W,H",
        help="where a new, visible field goes: page from 1; points from the page's lower left corner",
    )
    add_data_option(parser)
    add_json_option(parser)


def add_key_options(parser: argparse._ActionsContainer) -> None:
    """Add what says whose key signs."""
    parser.add_argument(
        "--key", metavar="FILE|pkcs11:…", help="the key: PKCS#12, PEM, or the URI of one in a token"
    )
    parser.add_argument(
        "--chain",
        type=Path,
        metavar="FILE",
        help="certificates in PEM: the key's own if not with it, then above",
    )
    parser.add_argument(
        "--passphrase-file",
        type=Path,
        metavar="FILE",
        help="a file that holds the key's passphrase, or the token's PIN",
    )
    add_owner_options(parser)


def signed_bytes(source: bytes, args: argparse.Namespace) -> bytes:
    """A PDF of our own, signed under --sign-with with the key that the options name.

    Raises CommandError, CertsProblem, SigningError.
    """
    organisation = signing_of(args.data)
    profile = _profile(args.profile, organisation)
    args.field, args.role, args.box = None, "", None
    with _bench(args, profile, organisation) as bench:
        return asyncio.run(_sign(bench, source, profile, args)).pdf


def sealed(make: Callable[[Seal], bytes], args: argparse.Namespace) -> bytes:
    """A report that says on its pages who seals it, sealed so under --profile by the data folder's keys.

    It reaches the profile's level or is not there. Raises CommandError, CertsProblem, SigningError.
    """
    organisation = signing_of(args.data)
    profile = _profile(args.profile, organisation)
    ours = argparse.Namespace(
        data=args.data,
        who=args.who,
        organisation=args.organisation,
        trust=[],
        key=None,
        chain=None,
        passphrase_file=None,
        field=SEAL_FIELD,
        role="",
        box=None,
    )
    with _bench(ours, profile, organisation) as bench:
        seal = Seal.of(bench.signer.certificate, profile)
        return asyncio.run(_sign(bench, make(seal), profile, ours, partial(seal.stamp, args.language))).pdf


def run(args: argparse.Namespace) -> int:
    """Sign, write, tell."""
    _require_consistent(args)
    require_room(args.output, force=args.force)
    source = _source(args.input)
    organisation = signing_of(args.data)
    profile = _profile(args.profile, organisation)
    with _bench(args, profile, organisation) as bench:
        finished = asyncio.run(_sign(bench, source, profile, args))
    write_whole(args.output, finished.pdf, force=args.force)
    _tell(args, profile, bench.signer, finished)
    return 0


def box(text: str) -> tuple[int, tuple[float, float, float, float]]:
    """PAGE,X,Y,W,H for argparse: the page's index, and the corners in points."""
    try:
        page, x, y, width, height = (float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"“{text}” is not PAGE,X,Y,W,H, such as 1,60,60,200,70") from None
    if page < 1 or page != int(page) or width <= 0 or height <= 0:
        raise argparse.ArgumentTypeError("pages count from 1, and the box has a width and a height")
    return int(page) - 1, (x, y, x + width, y + height)


def _source(path: Path) -> bytes:
    """The PDF; one that is too large is refused unread. Raises InputUnreadable, DocumentRefusedError."""
    if path.is_file():
        require_size(path.stat().st_size)
    return read_input(path)


@dataclass(frozen=True)
class _Bench:
    """What a signature needs beside the document."""

    signer: Signer
    trust: TrustStore
    authorities: tuple[TimestampAuthority, ...]


def _require_consistent(args: argparse.Namespace) -> None:
    if args.key is None:
        for option, value in (("--chain", args.chain), ("--passphrase-file", args.passphrase_file)):
            if value is not None:
                raise ChoiceNeeded(
                    f"{option} goes with --key.", hint="Name the key's file too, or leave it out."
                )
    elif args.who is not None:
        raise ChoiceNeeded(
            "--key and --as both say who signs.", hint="Leave one out: --as takes a development key."
        )


def _profile(name: str, organisation: Organisation) -> Profile:
    """One of the organisation's profiles by its name, or one in a file of its own.

    Raises ProfileError, ChoiceNeeded.
    """
    if name.endswith(".toml"):
        profile = parse_profile(Path(name).stem, Path(name))
        if profile.signers:
            raise ChoiceNeeded(
                f"{name} names a signer, and signers are named in an office's signing.toml.",
                hint="Leave `signer` out and give --key, or put the profile into signing.toml.",
            )
        return profile
    profiles = {one.name: one for one in organisation.profiles.values() if one.signs}
    if name not in profiles:
        raise ChoiceNeeded(
            f"There is no profile {name!r} under which files are signed here.",
            hint=f"Use {', '.join(sorted(profiles))}, or a .toml file.",
        )
    return profiles[name]


@contextmanager
def _bench(args: argparse.Namespace, profile: Profile, organisation: Organisation) -> Iterator[_Bench]:
    """Signer, trust and timestampers; the development authority is there, and served, when it is needed."""
    trust = load_trust(args.trust) | organisation.trust
    if args.key is not None and DEVELOPMENT not in profile.timestampers:
        yield _Bench(_key_signer(args), trust, organisation.timestampers)
        return
    make_folder(args.data, mode=0o700)
    authority = DevelopmentAuthority.open_or_create(args.data / "authority", now=_now())
    keys = _Keys(args, profile, organisation, authority)
    signer = keys.signer() if args.key is None else _key_signer(args)
    with AuthorityServer(authority.folder):
        yield _Bench(signer, trust | authority.trust, organisation.authorities(authority.tsa_url))


def _key_signer(args: argparse.Namespace) -> Signer:
    if is_key_address(args.key):
        return open_signer(args.key, chain=args.chain, pin_file=args.passphrase_file)
    return SoftwareSigner(load_key(Path(args.key), args.chain, args.passphrase_file))


@dataclass(frozen=True)
class _Keys:
    """The signers of the data folder: those that its signing.toml names, else the development PKI's."""

    args: argparse.Namespace
    profile: Profile
    organisation: Organisation
    authority: DevelopmentAuthority

    def signer(self) -> Signer:
        """Whose key signs under the profile. Raises ChoiceNeeded, and why a signer can't be had."""
        args, profile = self.args, self.profile
        if profile.kind == "person" and args.who is None:
            raise ChoiceNeeded(
                f"Under the profile {profile.name!r} a person signs.",
                hint="Say who with --as, or give a --key.",
            )
        if profile.kind != "person" and args.who is not None:
            raise ChoiceNeeded(
                f"Under the profile {profile.name!r} no person's key signs.", hint="Leave --as out."
            )
        file = args.data / REGISTER_FILE
        register = Register.load(file) if file.exists() else None
        employers = list(dict.fromkeys(one.employer_name for one in register.people())) if register else []
        organisations = employers or [args.organisation or ORGANISATION]
        if profile.kind != "person" and len(organisations) > 1 and args.organisation is None:
            raise ChoiceNeeded(
                "The HR register holds several employers.",
                hint="Say in whose name to seal with --organisation.",
            )
        development = DevelopmentKeys(self.authority, organisations=organisations, clock=_now)
        name = args.who if register is None or args.who is None else register.person(args.who).name
        return OfficeKeys(development, self.organisation.signers, clock=_now).signer(
            profile,
            person_id=args.who or "",
            person_name=name or "",
            organisation=args.organisation or organisations[0],
        )


def _now() -> datetime:
    return datetime.now(UTC)


async def _sign(
    bench: _Bench,
    source: bytes,
    profile: Profile,
    args: argparse.Namespace,
    stamp: Callable[[datetime], Appearance] | None = None,
) -> Finished:
    new_field, now = None, _now()
    if args.box is not None:
        page, corners = args.box
        new_field = NewField(args.field or FIELD, page=page, box=corners, label="Signature")
    async with SigningDesk.open(
        trust=bench.trust, clock=_now, timestamp_authorities=bench.authorities
    ) as desk:
        return await sign_pdf(
            desk,
            source,
            signer=bench.signer,
            profile=profile,
            claimed_at=now,
            field=args.field,
            role=args.role,
            new_field=new_field,
            appearance=None if stamp is None else stamp(now),
        )


def _tell(args: argparse.Namespace, profile: Profile, signer: Signer, finished: Finished) -> None:
    name, development = common_name(signer.certificate), is_development(signer.certificate)
    if args.json:
        print_json(
            {
                "output": str(args.output),
                "profile": profile.name,
                "level": str(finished.level_reached),
                "signer": name,
                "development": development,
                "sha256": hashlib.sha256(finished.pdf).hexdigest(),
                "durations_us": dict(finished.durations_us),
            }
        )
        return
    note = " A development key: for trials only." if development else ""
    print(f"{args.output}: signed by {name}, {finished.level_reached}.{note}")
