"""What a signing folder says of each document, in the reader's language."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from documents.words import mark
from web.languages import translations
from workflow.definition_model import consent_sha256
from workflow.errors import Refused
from workflow.folder import Waiting
from workflow.signing_state import Told
from workflow.words import ProcessWords

Say = Callable[[str], str]

_SIGNATURES: Final = {
    "click": mark("The organisation's seal, after you accept a text; no key of your own signs"),
    "seal": mark("The organisation's seal, which you release; nobody signs in person"),
    "provider": mark("Your own signature, with your key at {provider}"),
    "key": mark("Your own signature, with your key that this office keeps"),
}
_SECOND: Final = mark("The organisation's seal, once somebody else has released it too")
_ASKED: Final = {
    "click": mark("a click"),
    "seal": mark("a click"),
    "provider": mark("your word at {provider}"),
    "key": mark("a click"),
}
_WITH_PASSWORD: Final = mark("a click and your password")
_CAME: Final = {
    "going": ("open", mark("Released; it is being sealed")),
    "second": ("open", mark("Released; it waits for somebody else's release")),
    "sealed": ("good", mark("Signed and sealed")),
    "stuck": ("mixed", mark("Released, but sealing it has stopped; an administrator looks at it")),
    "back": ("bad", mark("It could not be sealed, and is back in your folder")),
    "moved": ("mixed", mark("It has gone another way; look at the request")),
}
_NOT_YET: Final = mark("Not released yet")
_AGAIN: Final = mark("The key was, or may have been, used before on the same bytes.")


@dataclass(frozen=True)
class Said:
    """How one stands: its tone, what is told of it, and what to do."""

    tone: str
    text: str
    hint: str = ""


def signature_of(one: Waiting, say: Say) -> str:
    """What kind of signature the document gets, and up to which level that is asked."""
    kind = say(_SECOND if one.second and one.way == "seal" else _SIGNATURES[one.way])
    return f"{kind.format(provider=one.provider)} (PAdES {one.profile.level})"


def asked_of(one: Waiting, say: Say) -> str:
    """What it asks of the person."""
    return say(_WITH_PASSWORD if one.proof else _ASKED[one.way]).format(provider=one.provider)


def said_of(told: Told, say: Say, words: ProcessWords) -> Said:
    """How one stands in a go."""
    if told.state == "chosen":
        return Said("open", say(_NOT_YET))
    if told.state == "released":
        tone, text = _CAME[told.came]
        return Said(tone, say(text), say(_AGAIN) if told.repeated else "")
    text, hint = ("", "") if told.story is None else words.story(told.story)
    return Said("bad", text, hint)


def barred_by(one: Waiting, words: ProcessWords) -> str:
    """Why a document can't be signed now; that a password is asked for keeps nobody from it."""
    if isinstance(one.barred, Refused):
        reasons = one.barred.reasons
        return " ".join(words.reason(reason) for reason in reasons if reason.code != "proof-missing")
    return "" if one.barred is None else " ".join(filter(None, words.error(one.barred)))


@dataclass(frozen=True)
class Group:
    """Documents that are signed in the same way; `text` is what is accepted with each of them."""

    signature: str
    asks: str
    text: tuple[str, str] | None
    items: tuple[Waiting, ...]

    @property
    def text_sha256(self) -> str:
        """What shows that this very text was accepted."""
        return "" if self.text is None else consent_sha256(self.text[1])

    @property
    def people(self) -> int:
        """Whose they are."""
        return people_of(self.items)


def people_of(items: Iterable[Waiting]) -> int:
    """How many people documents are of."""
    return len({one.requester_id for one in items})


def groups_of(items: Sequence[Waiting], language: str) -> list[Group]:
    """The same documents, by how they are signed."""
    say = translations(language).gettext
    found: dict[tuple[str, str, tuple[str, str] | None], list[Waiting]] = {}
    for one in items:
        found.setdefault((signature_of(one, say), asked_of(one, say), one.consent_text), []).append(one)
    return [Group(*how, tuple(some)) for how, some in found.items()]
