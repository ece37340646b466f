"""What stands in a table where there is nothing to tell, in every language."""

from typing import Final

NOTHING: Final = "–"
