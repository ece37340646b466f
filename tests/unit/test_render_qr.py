"""The QR code that is drawn is the QR code that was made."""

import re

import zxingcpp

from documents.qr import qr_operators

TEXT = "https://example.org/v/K7QF-2MZX-9TRB-LW4C-HD6P-V3NA-YS"


def made() -> list[list[int]]:
    """The modules as the library draws them itself: 0 is dark."""
    code = zxingcpp.create_barcode(TEXT, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    image: list[list[int]] = memoryview(code.to_image(scale=1, add_quiet_zones=False)).tolist()
    return image


def test_the_path_covers_exactly_the_dark_modules() -> None:
    expected = [[int(light == 0) for light in row] for row in made()]
    drawn = [[0] * len(expected) for _ in expected]
    for column, row, length in re.findall(r"^(\d+) (\d+) (\d+) 1 re$", qr_operators(TEXT, 0, 0, 90), re.M):
        for offset in range(int(length)):
            drawn[int(row)][int(column) + offset] += 1
    assert drawn == expected


def test_it_is_drawn_as_a_code_of_version_4_with_15_percent_to_spare() -> None:
    # 62 bytes at error correction M: ISO/IEC 18004, table 7
    assert len(made()) == 17 + 4 * 4


def test_a_quiet_zone_of_four_modules_lies_within_the_square() -> None:
    matrix = re.search(r"([\d.]+) 0 0 -[\d.]+ ([\d.]+) ([\d.]+) cm", qr_operators(TEXT, 100, 200, 90))
    assert matrix is not None
    module, left, top = map(float, matrix.groups())
    assert abs(module - 90 / (len(made()) + 8)) < 1e-3
    assert abs(left - (100 + 4 * module)) < 1e-2
    assert abs(top - (290 - 4 * module)) < 1e-2


def test_it_is_one_filled_path() -> None:
    assert qr_operators(TEXT, 0, 0, 90).split().count("f") == 1
