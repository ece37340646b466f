"""The typefaces of what reportlab puts on paper: their names, and what they lack."""

from importlib.resources import as_file, files

from reportlab.pdfbase.pdfmetrics import getFont, registerFont
from reportlab.pdfbase.ttfonts import TTFError, TTFont

from fonts import regular

REGULAR, BOLD = "ParaafThroughput", "ParaafThroughput-Bold"


def load_fonts() -> None:
    """Have the faces at hand, once a process."""
    for name, file in ((REGULAR, "noto-sans-regular.ttf"), (BOLD, "noto-sans-bold.ttf")):
        try:
            getFont(name)
        except (KeyError, TTFError):
            with as_file(files("fonts") / file) as path:
                registerFont(TTFont(name, str(path)))


def printable(text: str) -> str:
    """The text with what the faces lack made a question mark, and a minus sign a dash."""
    shown = text.replace("−", "–")
    missing = set(regular().missing(shown))
    return "".join("?" if character in missing else character for character in shown)
