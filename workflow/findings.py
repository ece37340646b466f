"""What is found when an office is looked at."""

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warning", "wrong"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: the area, how it is, a sentence, and what to do when it is not well."""

    area: str
    state: State
    message: str
    hint: str = ""
