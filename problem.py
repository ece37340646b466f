"""What every error of the application carries: a stable code, a sentence, a next step."""

from typing import ClassVar

from wording import Sentence


class Problem(Exception):
    """Base of every error that a person or the API may see (RFC 9457 calls it a problem).

    `code` is stable and documented; `str(problem)` is one sentence; `hint` says what to do next. `impersonal`
    declares that neither ever names a person or repeats what one typed: then they may be logged, and kept.
    """

    code: ClassVar[str] = "problem"
    impersonal: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint

    @property
    def sentence(self) -> Sentence:
        """The message, which may be one that can be told in other languages."""
        said = self.args[0] if self.args else ""
        return said if isinstance(said, Sentence) else Sentence(str(said))

    @property
    def impersonal_text(self) -> str:
        """What may be logged and kept: the message, or where that may name somebody, the class's sentence."""
        if self.impersonal:
            return str(self)
        return " ".join((type(self).__doc__ or "").split("\n\n")[0].split())
