"""A QR code as one path of a content stream."""

from itertools import groupby

from zxingcpp import BarcodeFormat, create_barcode

_QUIET = 4  # modules of white on every side: ISO/IEC 18004, the quiet zone


def qr_operators(text: str, x: float, y: float, size: float) -> str:
    """The operators that draw `text` as a QR code in the square with lower left corner (x, y).

    The quiet zone is part of the square, whose side is `size` points. Error correction M:
    15 % of the code may be damaged.
    """
    matrix = _matrix(text)
    modules = len(matrix) + 2 * _QUIET
    module = size / modules
    left, top = x + _QUIET * module, y + size - _QUIET * module
    rectangles = [
        f"{column} {row} {length} 1 re"
        for row, line in enumerate(matrix)
        for column, length in _dark_runs(line)
    ]
    # one module is one unit, rows count downwards
    return f"q 0 g {module:.4f} 0 0 {-module:.4f} {left:.3f} {top:.3f} cm\n" + "\n".join(rectangles) + "\nf Q"


def qr_svg_path(text: str) -> tuple[str, int]:
    """The same for a page: a path of SVG, and the side of its square in modules, quiet zone included."""
    matrix = _matrix(text)
    runs = (
        f"M{column + _QUIET} {row + _QUIET}h{length}v1h-{length}z"
        for row, line in enumerate(matrix)
        for column, length in _dark_runs(line)
    )
    return "".join(runs), len(matrix) + 2 * _QUIET


def _matrix(text: str) -> list[list[int]]:
    """The modules, row by row; 0 is dark."""
    symbol = create_barcode(text, BarcodeFormat.QRCode, ec_level="M")
    image = symbol.to_image(scale=1, add_quiet_zones=False)
    # the library's types do not say that an image is a buffer
    matrix: list[list[int]] = memoryview(image).tolist()  # type: ignore[arg-type,assignment]
    return matrix


def _dark_runs(line: list[int]) -> list[tuple[int, int]]:
    """Where dark modules start in a row, and how many follow each other."""
    runs: list[tuple[int, int]] = []
    column = 0
    for light, group in groupby(line):
        length = len(list(group))
        if not light:
            runs.append((column, length))
        column += length
    return runs
