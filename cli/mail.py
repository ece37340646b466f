"""`paraaf mail`: how often somebody gets mail; what became of it; and a test of the mail server."""

import argparse
import asyncio
from dataclasses import asdict
from email.headerregistry import Address
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from cli.errors import ChoiceNeeded
from cli.folder import add_data_option, add_json_option, add_person_option, office_of
from cli.printing import minute, print_json
from languages import LANGUAGES
from workflow.mail_choices import OWN, WORK, Choice, choice_of, choose
from workflow.tables import MailRow, Person

if TYPE_CHECKING:
    from workflow.office import Office  # a second to import, which help and wrong calls need not wait for


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `paraaf mail`."""
    parser = subparsers.add_parser(
        "mail",
        description="How often somebody gets mail, and what became of theirs; --own, --work, --reports and"
        " --language change it. With --test the server takes one to them now.",
    )
    add_person_option(parser, "whose mail")
    parser.add_argument("--own", choices=OWN, help="of their own requests that came back, or are done")
    parser.add_argument("--work", choices=WORK, help="of what waits for them")
    parser.add_argument("--reports", choices=OWN, help="of sealed monthly reports that they may read")
    parser.add_argument("--language", choices=("", *LANGUAGES), help='"" is the office\'s')
    parser.add_argument("--test", action="store_true", help="hand one over now, and say what the server said")
    add_data_option(parser)
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Change, test, or show it."""
    with office_of(args) as office:
        wanted = {name: getattr(args, name) for name in ("own", "work", "language", "reports")}
        if any(value is not None for value in wanted.values()):
            with office.store.write() as session:
                choice = asdict(choice_of(session, args.who))
                choice |= {name: value for name, value in wanted.items() if value is not None}
                choose(session, args.who, Choice(**choice))
        if args.test:
            return _test(office, args)
        told = _told(office, args.who)
    if args.json:
        print_json({"mail": told})
        return 0
    print(f"to        {told['email'] or 'nowhere: the HR register has no address'}")
    print(f"own       {told['own']}")
    print(f"work      {told['work']}")
    print(f"reports   {told['reports']}")
    print(f"language  {told['language'] or 'of the office'}")
    print(f"sent      {told['sent']}, the last {minute(told['last_sent_at']) or 'never'}")
    print(f"waiting   {told['waiting']}")
    print(f"given up  {told['given_up']}")
    return 0


def _told(office: "Office", who: str) -> dict[str, Any]:
    from workflow.mail import OUTBOX  # noqa: PLC0415  help need not wait for it

    with office.store.read() as session:
        person = session.get(Person, who)
        if person is None:
            raise ChoiceNeeded(f"{who} is not known here.", hint="`paraaf people` lists who is.")
        count = select(func.count()).select_from(MailRow).where(MailRow.person_id == who)
        sent, waiting = MailRow.sent_at.is_not(None), MailRow.next_at.is_not(None)
        return {
            "person": who,
            "email": person.email,
            **asdict(choice_of(session, who)),
            "sent": session.scalar(count.where(sent)),
            "last_sent_at": session.scalar(select(func.max(MailRow.sent_at)).where(MailRow.person_id == who)),
            "waiting": session.scalar(count.where(waiting)),
            "given_up": session.scalar(count.where(OUTBOX.given_up())),
        }


def _test(office: "Office", args: argparse.Namespace) -> int:
    from workflow.mail import handed_over_now  # noqa: PLC0415  help need not wait for it
    from workflow.mail_text import Envelope, a_test  # noqa: PLC0415

    settings = office.mail
    if settings is None:
        raise ChoiceNeeded("This office sends no mail.", hint="Set PARAAF_MAIL and PARAAF_MAIL_FROM.")
    with office.store.read() as session:
        person = session.get(Person, args.who)
    if person is None or person.email is None:
        raise ChoiceNeeded(
            f"There is no address of {args.who}.", hint="Load an HR register with a column `email`."
        )
    to = Address(person.name, addr_spec=person.email)
    envelope = Envelope(to, settings.sender, settings.base, settings.language)
    code, said = asyncio.run(handed_over_now(settings, a_test(envelope)))
    if args.json:
        print_json({"test": {"to": person.email, "code": code, "server": said}})
    else:
        print(f"Handed over, to {person.email}." if not code else f"Not taken: {said}")
    return 1 if code else 0
