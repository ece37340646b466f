"""Bundled typefaces: what can be printed, how wide it is, and the PDF objects that embed it.

>>> from fonts import regular
>>> regular().missing("Zoë Łukasz-Ășț")
''
>>> regular().missing("naïve 漢字")
'漢字'
"""

from fonts.errors import FontProblem, UnprintableText
from fonts.face import Face, FaceParts, bold, regular

__all__ = ["Face", "FaceParts", "FontProblem", "UnprintableText", "bold", "regular"]
