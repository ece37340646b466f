"""What a command brings along that went out or came back: facts for its event, and rows that name files.

Only what has judged a file makes one (`workflow.outside_signed` and its like); nobody can send one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from wording import Sentence
from workflow.definition_model import OutsideFile

if TYPE_CHECKING:
    from sqlalchemy.orm import Session  # a while to import, which help and wrong calls need not wait for

EVENTS: Mapping[OutsideFile, str] = MappingProxyType(
    {"given": "document_exported", "signed": "document_imported", "scan": "document_scanned"}
)
WANTED: Mapping[OutsideFile, Sentence] = MappingProxyType(
    {
        "given": Sentence.for_both(
            "Have the file given out: `paraaf exchange give` does this.", "Hand out the file."
        ),
        "signed": Sentence.for_both(
            "Bring the signed file: `paraaf exchange take` does this.", "Bring the signed file along."
        ),
        "scan": Sentence.for_both(
            "Bring the scan: `paraaf exchange scan` does this.", "Bring the scan along."
        ),
    }
)


@dataclass(frozen=True)
class Brought:
    """A file that is durably stored and was judged for a request as it is.

    `facts` name nobody, `body` is the personal part. `record` writes the rows, in the command's transaction
    and with its event's sequence; what it raises undoes the command.
    """

    file: OutsideFile
    sha256: str
    facts: Mapping[str, Any]
    body: Mapping[str, Any]
    record: "Callable[[Session, int], None]" = field(
        default=lambda _session, _seq: None, compare=False, repr=False
    )
