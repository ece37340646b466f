"""`paraaf certs`: the keys with which an office signs: ask for certificates, take them in, change over."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.certs_list import listed, row_of
from cli.errors import ChoiceNeeded
from cli.files import require_room, write_whole
from cli.folder import add_data_option, add_json_option, office_of
from cli.printing import print_json, printable
from signing.certificate_requests import subject_of, subject_words

if TYPE_CHECKING:  # a second to import, which help and wrong calls need not wait for
    from signing.key_folder import KeyFolder
    from signing.signing_file import SigningFile
    from workflow.office import Office

KEY_TYPES = ("P-256", "P-384", "RSA-3072", "RSA-4096", "Ed25519")
"""As signing.key_folder has them."""
_VERBS = "list|request|import|roll-over|retire"
_RESTART = (
    "Have signing.toml and what it names on every host where a worker runs, and start the workers anew when"
    " it suits."
)


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `paraaf certs list|request|import|roll-over|retire`."""
    parser = subparsers.add_parser(
        "certs",
        description="The keys and certificates with which the office signs. Private keys are made where they"
        " stay: none is ever printed, sent or overwritten.",
    )
    verbs = parser.add_subparsers(metavar=_VERBS, required=True)
    listing = verbs.add_parser(
        "list",
        description="Show every signer: its certificate, who uses it, whether it signs now, what is wrong.",
        epilog="exit status: 0 nothing is wrong with those in use; 1 something is.",
    )
    listing.set_defaults(do=_list)
    _add_request(verbs)
    _add_import(verbs)
    _add_roll_over(verbs)
    retiring = verbs.add_parser(
        "retire",
        description="Take a signer out of all profiles and of signing.toml. Its certificate is kept for the"
        " record; its key is yours to destroy.",
    )
    retiring.add_argument("name", metavar="NAME", help="the signer")
    retiring.set_defaults(do=_retire)
    for verb in ("import", "roll-over", "retire"):
        verbs.choices[verb].add_argument(
            "--dry-run", action="store_true", help="look at everything, and write nothing"
        )
    for each in verbs.choices.values():
        add_data_option(each)
        add_json_option(each)


def _add_request(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = verbs.add_parser(
        "request",
        description="Make a new private key, in a file or in a token, and a request for its certificate"
        " (PKCS#10), to be sent to a certification authority.",
    )
    parser.add_argument("name", metavar="NAME", help="what the signer will be called, such as seal-2027")
    parser.add_argument(
        "--subject", required=True, help="whom the certificate is to name: “CN=Seal 2027,O=Example,C=NL”"
    )
    parser.add_argument(
        "--organisation-identifier",
        metavar="ID",
        help="the organisation's number, as authorities of seals ask for it, such as NTRNL-12345678",
    )
    parser.add_argument(
        "--key-type",
        choices=KEY_TYPES,
        default="P-256",
        metavar="TYPE",
        help=f"one of {', '.join(KEY_TYPES)}",
    )
    parser.add_argument(
        "--token",
        metavar="pkcs11:…",
        help="make the key in this token; object=… says what it is called there",
    )
    parser.add_argument(
        "--passphrase-file",
        type=Path,
        metavar="FILE",
        help="holds the new key's passphrase, or the token's PIN",
    )
    parser.add_argument(
        "--make-passphrase", action="store_true", help="have a random passphrase written beside the key"
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE.csr", help="where the request goes"
    )
    parser.set_defaults(do=_request)


def _add_import(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = verbs.add_parser(
        "import",
        description="Take in what the certification authority issued: it has to belong to the key, to be good"
        " for signing documents, and to lead to a root that is trusted here.",
    )
    parser.add_argument("name", metavar="NAME", help="the signer, as it was called in the request")
    parser.add_argument(
        "files", type=Path, nargs="+", metavar="FILE", help="the certificate; PEM, DER, or a bundle (PKCS#7)"
    )
    parser.add_argument(
        "--chain",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="those above it, in any order; they may stand in FILE too",
    )
    parser.set_defaults(do=_import)


def _add_roll_over(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = verbs.add_parser(
        "roll-over",
        description="Put a signer behind the present ones of a profile, so that it takes over when they end;"
        " after it has signed a sample at the profile's level.",
    )
    parser.add_argument("profile", metavar="PROFILE", help="a profile of signing.toml")
    parser.add_argument("name", metavar="NEW", help="the signer")
    parser.add_argument(
        "--holder", help="for this person or employer only (default: all that the profile has)"
    )
    parser.add_argument("--first", action="store_true", help="before the present ones: it signs from now on")
    parser.set_defaults(do=_roll_over)


def run(args: argparse.Namespace) -> int:
    """Do what is asked."""
    done: int = args.do(args)
    return done


@contextmanager
def _opened(args: argparse.Namespace) -> "Iterator[tuple[Office, SigningFile, KeyFolder]]":
    """The office, its `signing.toml` to change, and the keys beside that."""
    with office_of(args) as office:
        from signing.key_folder import KeyFolder  # noqa: PLC0415
        from signing.signing_file import SigningFile  # noqa: PLC0415
        from workflow.office import signing_file  # noqa: PLC0415

        file = signing_file(args.data)
        yield office, SigningFile(file), KeyFolder(file)


# Asking for a certificate


def _request(args: argparse.Namespace) -> int:
    _require_secret_said(args)
    with _opened(args) as (_, file, folder):
        subject = subject_of(args.subject, organisation_identifier=args.organisation_identifier)
        folder.require_free(args.name)
        if file.signer(args.name):
            raise ChoiceNeeded(
                f"signing.toml has a signer {args.name} already.", hint="Call the new one otherwise."
            )
        require_room(args.output, force=False)
        if args.token is not None:
            request = folder.request_in_token(
                args.name, args.key_type, subject, uri=args.token, pin_file=args.passphrase_file
            )
        else:
            request = folder.request_in_file(
                args.name, args.key_type, subject, passphrase_file=args.passphrase_file
            )
        table = folder.table(args.name)
    write_whole(args.output, request, force=False)
    if args.json:
        asked = {"name": args.name, "subject": subject_words(subject), "key_type": args.key_type}
        print_json({**asked, "request": str(args.output), "signer": table})
        return 0
    print(f"{args.output}: a request for the certificate of “{printable(subject_words(subject))}”.")
    print(f"Its private key ({args.key_type}) is in {_place_of(table, folder)}, and stays there.")
    if "passphrase_file" in table:
        print("Without its passphrase it is lost: keep key and passphrase apart in your backups.")
    print(f"Send {args.output} to your certification authority, and nothing else. Then:")
    print(f"    paraaf certs import {args.name} CERTIFICATE --chain FILE…")
    return 0


def _require_secret_said(args: argparse.Namespace) -> None:
    """Refuse what leaves open where the passphrase is. Raises ChoiceNeeded."""
    if args.token is not None and args.make_passphrase:
        raise ChoiceNeeded(
            "A key in a token has no passphrase of its own.", hint="Leave --make-passphrase out."
        )
    if args.token is None and (args.passphrase_file is None) == (not args.make_passphrase):
        raise ChoiceNeeded(
            "A key in a file needs one passphrase.",
            hint="Name its file with --passphrase-file, or have a random one made with --make-passphrase.",
        )


def _place_of(table: dict[str, str], folder: "KeyFolder") -> str:
    if "uri" in table:
        return "the token"
    return str(folder.folder.parent / table["key"])


# Taking it in


def _import(args: argparse.Namespace) -> int:
    with _opened(args) as (office, file, folder):
        from certs.bundles import certificates_sent  # noqa: PLC0415
        from certs.keystore import common_name  # noqa: PLC0415
        from documents.kinds import KINDS  # noqa: PLC0415

        given = [one for path in (*args.files, *args.chain) for one in certificates_sent(path)]
        accepted = folder.accept(args.name, given, trust=office.trust, now=office.clock())
        table = folder.table(args.name)
        there = file.signer(args.name)
        if not there:
            file.add_signer(args.name, table)
        elif any(there.get(where) != table.get(where) for where in ("key", "uri")):
            raise ChoiceNeeded(
                f"{file.file} has a signer {args.name}, and its key is another one.",
                hint="Take it out there, or call it otherwise.",
            )
        if args.dry_run:
            where = folder.file(args.name)
        else:
            where = folder.keep_issued(args.name, accepted)
            file.organisation(KINDS)
            file.write()
        certificate = accepted.certificate
    if args.json:
        told = {
            "name": args.name,
            "certificate": str(where),
            "subject": subject_words(certificate.subject),
            "issuer": subject_words(certificate.issuer),
            "serial": f"{certificate.serial_number:x}",
            "valid_from": certificate.not_valid_before_utc,
            "valid_until": certificate.not_valid_after_utc,
            "root": subject_words(accepted.path[-1].subject),
            "proves_until": accepted.ends_early,
            "unneeded": [subject_words(one.subject) for one in accepted.unneeded],
        }
        print_json({**told, **_written(args, file)})
        return 0
    until = f"{certificate.not_valid_after_utc:%Y-%m-%d}"
    print(
        f"{printable(common_name(certificate))}, until {until}: it belongs to the key, and leads to", end=" "
    )
    print(f"“{printable(subject_words(accepted.path[-1].subject))}”.")
    if accepted.ends_early is not None:
        ends = f"{accepted.ends_early:%Y-%m-%d}"
        print(f"Its algorithms are good until {ends} only: what it signs needs an archive timestamp by then.")
    if accepted.unneeded:
        named = ", ".join(f"“{printable(subject_words(one.subject))}”" for one in accepted.unneeded)
        print(f"Not on its way to the root, and not kept: {named}.")
    _tell_written(args, file)
    if not args.dry_run:
        print(f"Next: paraaf certs roll-over PROFILE {args.name}")
    return 0


# One takes over, one goes


def _roll_over(args: argparse.Namespace) -> int:
    from certs.serve_authority import AuthorityServer  # noqa: PLC0415

    with _opened(args) as (office, file, _):
        from workflow import keyring  # noqa: PLC0415

        with AuthorityServer(office.authority.folder):
            looked = keyring.roll_over(
                office, file, args.profile, args.name, holder=args.holder, first=args.first
            )
        if not args.dry_run:
            file.write()
    if args.json:
        told = {"profile": args.profile, "name": args.name, "level": str(looked.profile.level)}
        print_json({**told, "valid_until": looked.ends_at, **_written(args, file)})
        return 0
    for finding in looked.findings:
        print(printable(finding.message))
    _tell_written(args, file)
    if not args.dry_run:
        print(_RESTART)
    return 0


def _retire(args: argparse.Namespace) -> int:
    with _opened(args) as (office, file, folder):
        from workflow import keyring  # noqa: PLC0415

        table = _table_of(office, args.name)
        certificates = keyring.retire(office, file, args.name)
        kept = None
        if not args.dry_run:
            kept = folder.keep_retired(args.name, certificates) if certificates else None
            file.write()
    if args.json:
        told = {"name": args.name, "kept": None if kept is None else str(kept), "destroy": table}
        print_json({**told, **_written(args, file)})
        return 0
    _tell_written(args, file)
    if kept is not None:
        print(f"Its certificate stays for the record: {kept}")
    if table:
        print(
            "Its key was not touched. When no worker uses it any more, destroy it yourself, in backups too:"
        )
        print("\n".join(f"    {each}" for each in table))
    if not args.dry_run:
        print(_RESTART)
    return 0


def _table_of(office: "Office", name: str) -> list[str]:
    """Where a signer's key and its passphrase are: what is left to be destroyed."""
    from signing.organisation import KeyInFile, KeyInToken  # noqa: PLC0415

    source = office.signing.signers.get(name)
    if isinstance(source, KeyInFile):
        return [str(one) for one in (source.key, source.passphrase_file) if one is not None]
    return [source.uri] if isinstance(source, KeyInToken) else []


def _written(args: argparse.Namespace, file: "SigningFile") -> dict[str, Any]:
    return {"signing_file": str(file.file), "changes": file.changes, "written": not args.dry_run}


def _tell_written(args: argparse.Namespace, file: "SigningFile") -> None:
    if not file.changes:
        print(f"{file.file} says so already.")
        return
    print(f"{file.file} {'would be changed' if args.dry_run else 'is changed'}:")
    print("\n".join(f"    {printable(line)}" for line in file.changes))


# What there is


def _list(args: argparse.Namespace) -> int:
    with _opened(args) as (office, _, folder):
        from workflow import keyring  # noqa: PLC0415

        found, now = keyring.held(office, folder), office.clock()
        waiting = folder.waiting(office.signing.signers)
        rows = [row_of(one, now) for one in found]
    if args.json:
        print_json({"signers": rows, "waiting": waiting})
    else:
        print("\n".join(listed(rows, waiting)))
    return 1 if any(row["wrong"] and row["used_by"] for row in rows) else 0
