"""The rules a definition's flow must keep."""

from collections.abc import Sequence

from workflow.definition_model import Definition, Names
from workflow.refusal import Refusal


def check(definition: Definition, names: Names) -> list[Refusal]:
    """List every rule that the definition breaks."""
    return []


def check_together(definitions: Sequence[Definition]) -> list[Refusal]:
    """List every rule that definitions break together."""
    return []
