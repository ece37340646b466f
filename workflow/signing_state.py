"""A go of a signing folder as it stands: what was chosen, what its person is asked, what came of each."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Literal, Self

from problem import Problem
from signing.csc import Factor
from workflow.errors import WorkflowError
from workflow.folder import Came
from workflow.words import Story, story_of

Stage = Literal["chosen", "going", "asking", "broken", "over", "given up"]
State = Literal["chosen", "released", "refused"]
Kind = Literal["page", "typed", "device"]


class GivenUp(WorkflowError):
    """The person gave it up before they authorised it: nothing was signed."""

    code: ClassVar[str] = "workflow-given-up"


class NobodyAnswered(WorkflowError):
    """A question stood unanswered for too long: nothing of it was signed."""

    code: ClassVar[str] = "workflow-nobody-answered"


@dataclass(frozen=True)
class Told:
    """What is known of one: `story` when it was refused, `came` once what was released is looked after."""

    state: State = "chosen"
    story: Story | None = None
    came: Came = "going"
    repeated: bool = False

    @classmethod
    def refused(cls, problem: Problem, *, repeated: bool = False) -> Self:
        """That it was not signed, and why."""
        return cls("refused", story_of(problem), repeated=repeated)

    @property
    def settled(self) -> bool:
        """Whether nothing more is to be expected."""
        return self.state == "refused" or (self.state == "released" and self.came != "going")


@dataclass(frozen=True)
class Item:
    """A document of a go, in the version and state in which it was chosen; `event` is when it was told."""

    request_id: int
    version: int
    state: str
    document_id: int
    field: str
    number: str
    requester: str
    told: Told
    event: int


@dataclass(frozen=True)
class Question:
    """What a person is asked for some signatures: on the provider's page, to type, or on a device of theirs.

    It is number `place` of `of` questions. `wrong` is what was wrong with what they typed before, `sent` that
    a code has been sent to them. What they answer is kept nowhere.
    """

    kind: Kind
    request_ids: tuple[int, ...]
    place: int = 1
    of: int = 1
    url: str = ""
    key: str = ""
    pin: Factor = field(default_factory=Factor)
    otp: Factor = field(default_factory=Factor)
    wrong: Story | None = None
    sent: bool = False

    @property
    def count(self) -> int:
        """For how many signatures."""
        return len(self.request_ids)

    def kept(self) -> dict[str, Any]:
        """As JSON."""
        return {**asdict(self), "wrong": self.wrong.kept() if self.wrong is not None else None}

    @classmethod
    def of_kept(cls, kept: Mapping[str, Any]) -> Self:
        """The same again."""
        wrong = kept["wrong"]
        again = {
            "request_ids": tuple(kept["request_ids"]),
            "pin": Factor(**kept["pin"]),
            "otp": Factor(**kept["otp"]),
            "wrong": None if wrong is None else Story.of_kept(wrong),
        }
        return cls(**{**kept, **again})


@dataclass(frozen=True)
class SigningRun:
    """A go as it stands. `turn` is the event that last changed its stage, `events` how many there were."""

    id: str
    actor: str
    stage: Stage
    gone: int
    question: Question | None
    events: int
    turn: int
    items: tuple[Item, ...]

    @property
    def told(self) -> dict[int, Told]:
        """What is known of each, by the request's number."""
        return {one.request_id: one.told for one in self.items}

    @property
    def to_do(self) -> list[int]:
        """What is neither released nor refused yet."""
        return [one.request_id for one in self.items if one.told.state == "chosen"]

    @property
    def released(self) -> list[Item]:
        """What was released, and is not known to have been sealed yet."""
        return [
            one for one in self.items if one.told.state == "released" and one.told.came in ("going", "stuck")
        ]

    @property
    def idle(self) -> bool:
        """Whether it waits for its person to begin, or to go on."""
        return self.stage in ("chosen", "broken")

    @property
    def over(self) -> bool:
        """Whether all that can be released has been."""
        return self.stage in ("over", "given up")

    @property
    def settled(self) -> bool:
        """Whether nothing more is to be told."""
        return self.stage == "given up" or (
            self.stage == "over" and all(one.told.settled or one.told.state == "chosen" for one in self.items)
        )
