"""What keeps somebody from signing a request, told on its page before they try, with where it goes on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from documents.words import mark
from problem import Problem
from web.asked import Asked
from web.languages import translations
from workflow.commands import Command
from workflow.definition_model import Definition
from workflow.errors import Refused
from workflow.folder import NothingToShow, keeps_from_signing
from workflow.keys import SignerMissing
from workflow.leading import leading_to_signature
from workflow.office import Office
from workflow.openings import UNOPENED
from workflow.reading import RequestView
from workflow.remote import NOT_AUTHORISED
from workflow.ways import Way
from workflow.words import process_words

_ACCOUNT: Final = "/account"
_SIGN_IN: Final = mark("How you sign in")
_LINKS: Final = {
    UNOPENED: ("/folder/documents/{request}", mark("Read it in the signing folder")),
    NOT_AUTHORISED: ("/folder", mark("Sign it in the signing folder")),
}


@dataclass(frozen=True)
class Bar:
    """What stands in the way, and where to go from there: an address and its words, or neither."""

    text: str
    path: str = ""
    label: str = ""


def bars(
    office: Office,
    asked: Asked,
    view: RequestView,
    definition: Definition,
    ways: Iterable[Way],
    *,
    principal: str | None,
    can_show: bool,
) -> Mapping[str, Bar]:
    """What keeps who asks from each of these that leads to a signature, by its trigger; `can_show`: they have
    something by which to show anew who they are."""
    profile = office.profiles.get(definition.signing)
    if profile is None or not profile.signs:
        return {}
    found = {}
    for way in ways:
        if way.trigger in leading_to_signature(definition, view.state):
            command = Command(
                way.trigger,
                asked.me.id,
                "looked-at",
                view.id,
                seen_version=view.version,
                on_behalf_of=principal,
                consent=way.consent,
                through="page",
            )
            why = keeps_from_signing(office, profile, command, unshown=way.proof and not can_show)
            if (bar := _bar(asked, view, why)) is not None:
                found[way.trigger] = bar
    return found


def _bar(asked: Asked, view: RequestView, why: Problem | None) -> Bar | None:
    words, say = process_words(asked.language), translations(asked.language).gettext
    if isinstance(why, Refused):
        reason = next((one for one in why.reasons if one.code in _LINKS), None)
        if reason is None:
            return None
        path, label = _LINKS[reason.code]
        return Bar(words.reason(reason), path.format(request=view.id), say(label))
    if not isinstance(why, (NothingToShow, SignerMissing)):
        return None
    text = " ".join(filter(None, words.error(why)))
    return Bar(text, _ACCOUNT, say(_SIGN_IN)) if isinstance(why, NothingToShow) else Bar(text)
