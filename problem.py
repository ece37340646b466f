"""What every error of the application carries: a stable code, a sentence, a next step."""

from typing import ClassVar


class Problem(Exception):
    """Base of every error that a person or the API may see (RFC 9457 calls it a problem).

    `code` is stable and documented; `str(problem)` is one sentence; `hint` says what to do next.
    """

    code: ClassVar[str] = "problem"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint
