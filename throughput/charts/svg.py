"""A drawing as SVG within a page: classes only, whose colours are the page's (web/static/charts.css).

It is one picture to those who don't see it, with a title and a description; its words can be selected. They
are as wide as they were reckoned to be, whatever typeface the reader has.
"""

from collections.abc import Callable
from html import escape

from throughput.charts.model import SHADES, Area, Bar, Dot, Drawing, Line, Mark, Point, Text, Whisker
from throughput.charts.sheet import NARROW, WIDE, width_of


def svg(drawing: Drawing, name: str) -> str:
    """The element. `name` is a word that no other on the page has: its ids begin with it."""
    about, described = f"{name}-title", f"{name}-desc"
    return (
        f'<svg viewBox="0 0 {_n(drawing.width)} {_n(drawing.height)}" role="img"'
        f' aria-labelledby="{about}" aria-describedby="{described}">'
        f'<title id="{about}">{_words(drawing.title)}</title>'
        f'<desc id="{described}">{_words(drawing.desc)}</desc>'
        f"{''.join(map(_mark, drawing.marks))}</svg>"
    )


def both_widths(draw: Callable[[float], Drawing], name: str) -> str:
    """The chart for a desk and for a phone in one box, which shows the one that fits."""
    boxes = (
        f'<div class="chart-{size}">{svg(draw(width), f"{name}-{size}")}</div>'
        for size, width in (("wide", WIDE), ("narrow", NARROW))
    )
    return f'<div class="chart">{"".join(boxes)}</div>'


def _mark(mark: Mark) -> str:
    match mark:
        case Text():
            classes = f"{mark.role} {mark.anchor} {mark.size}{' bold' if mark.bold else ''}"
            room = _n(width_of(mark.text, mark.size, bold=mark.bold))
            return (
                f'<text x="{_n(mark.x)}" y="{_n(mark.y)}" class="{classes}" textLength="{room}"'
                f' lengthAdjust="spacingAndGlyphs">{_words(mark.text)}</text>'
            )
        case Line():
            shape = f'<polyline points="{_points(mark.points)}" stroke-width="{_n(mark.width)}"'
            return _said(shape, f"{mark.role} line {mark.dash}", mark.said)
        case Area():
            classes = f"{_filled(mark.role, mark.shade)} area"
            return _said(f'<polygon points="{_points(mark.points)}"', classes, mark.said)
        case Bar():
            shape = (
                f'<rect x="{_n(mark.x)}" y="{_n(mark.y)}" width="{_n(mark.width)}" height="{_n(mark.height)}"'
            )
            classes = f"{mark.role} edge" if mark.hollow else _filled(mark.role, mark.shade)
            return _said(shape, classes, mark.said)
        case Dot():
            return _dot(mark)
        case Whisker():
            path = "".join(f"M{'L'.join(f'{_n(x)} {_n(y)}' for x, y in one)}" for one in mark.strokes)
            return _said(f'<path d="{path}"', f"{mark.role} line whisker", mark.said)


def _dot(dot: Dot) -> str:
    classes = f"{dot.role} {'hollow' if dot.hollow else 'fill'} dot"
    if dot.shape == "circle":
        return _said(f'<circle cx="{_n(dot.x)}" cy="{_n(dot.y)}" r="{_n(dot.r)}"', classes, dot.said)
    return _said(f'<polygon points="{_points(dot.corners)}"', classes, dot.said)


def _filled(role: str, shade: int) -> str:
    return f"{role} fill" if shade == SHADES else f"{role} fill shade-{shade}"


def _said(shape: str, classes: str, said: str) -> str:
    """The element, with what a pointer that rests on it is told."""
    if not said:
        return f'{shape} class="{classes}"/>'
    tag = shape[1 : shape.index(" ")]
    return f'{shape} class="{classes}"><title>{_words(said)}</title></{tag}>'


def _points(points: tuple[Point, ...]) -> str:
    return " ".join(f"{_n(x)},{_n(y)}" for x, y in points)


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _words(text: str) -> str:
    """Text, without what XML can't hold."""
    return escape("".join(c for c in text if c >= " " or c in "\t\n"))
