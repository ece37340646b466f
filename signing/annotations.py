"""Whether an annotation looks the same on the screen and on paper: whoever signs has seen only one of them.

Source: ISO 32000-1, 12.5.3 (annotation flags).
"""

_INVISIBLE, _HIDDEN, _PRINT, _NO_VIEW, _TOGGLE_NO_VIEW = 1, 2, 4, 32, 256
_SHOWS_NOTHING_ITSELF = frozenset({"/Link", "/Popup"})


def shown_otherwise(flags: int, subtype: str, *, draws: bool, signature: bool = False) -> str:
    """How an annotation is shown otherwise than it seems, in words that follow "an annotation that"; or "".

    `draws` says whether it has an appearance; the stamp of a signature need not be printed.
    """
    if subtype in _SHOWS_NOTHING_ITSELF:
        return ""
    if flags & (_NO_VIEW | _TOGGLE_NO_VIEW):
        return "shows on paper but not on the screen"
    if draws and flags & (_HIDDEN | _INVISIBLE) and not signature:
        return "holds something to show, but hides it"
    if draws and not flags & _PRINT and not signature:
        return "shows on the screen but not on paper"
    return ""
