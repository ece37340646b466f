"""The QR code that is drawn is the QR code that was made."""

import re

import segno

from documents.qr import qr_operators

TEXT = "https://example.org/v/K7QF-2MZX-9TRB-LW4C-HD6P-V3NA-YS"


def test_the_path_covers_exactly_the_dark_modules() -> None:
    expected = [list(row) for row in segno.make_qr(TEXT, error="m", mask=3, boost_error=False).matrix]
    drawn = [[0] * len(expected) for _ in expected]
    for column, row, length in re.findall(r"^(\d+) (\d+) (\d+) 1 re$", qr_operators(TEXT, 0, 0, 90), re.M):
        for offset in range(int(length)):
            drawn[int(row)][int(column) + offset] += 1
    assert drawn == expected


def test_a_quiet_zone_of_four_modules_lies_within_the_square() -> None:
    modules = len(segno.make_qr(TEXT, error="m", boost_error=False).matrix)
    matrix = re.search(r"([\d.]+) 0 0 -[\d.]+ ([\d.]+) ([\d.]+) cm", qr_operators(TEXT, 100, 200, 90))
    assert matrix is not None
    module, left, top = map(float, matrix.groups())
    assert abs(module - 90 / (modules + 8)) < 1e-3
    assert abs(left - (100 + 4 * module)) < 1e-2
    assert abs(top - (290 - 4 * module)) < 1e-2


def test_it_is_one_filled_path() -> None:
    assert qr_operators(TEXT, 0, 0, 90).split().count("f") == 1
