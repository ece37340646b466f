import pytest
from hypothesis import given
from hypothesis import strategies as st

from documents.kinds.national_number import holds_national_number, is_national_number

VALID = "111222333"  # passes the test, and is the usual invented example


def test_the_test_itself() -> None:
    assert is_national_number(VALID)
    assert is_national_number("123456782")
    assert not is_national_number("111222334")
    assert not is_national_number("000000000")
    assert not is_national_number("11122233")
    assert not is_national_number("1112223330")


@pytest.mark.parametrize(
    "text",
    [
        "111222333",
        "BSN:111222333.",
        "111 222 333",
        "1112.22.333",
        "111-222-333",
        "1 1 1 2 2 2 3 3 3",
        "111. 222. 333",
        "111\u00a0222\u00a0333",
        "11122\u200b2333",
        "\uff11\uff11\uff11\uff12\uff12\uff12\uff13\uff13\uff13",
        "case 12345678 111222333",
        "NL111222333B01",
        "nr.111/222/333",
        "0111222333",
        "\uff10\uff11\uff11\uff11\uff12\uff12\uff12\uff13\uff13\uff13",
        "123 - 456 - 782",
        "111 \u2013 222 \u2013 333",
        "l11222333",
        "I11 222 333",
        "1ll222333",
        "1O0000009",
        "0l11222333",
    ],
)
def test_found_in_every_dress(text: str) -> None:
    assert holds_national_number(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no number",
        "1112223330",
        "1234567890111222333",
        "00111222333",
        "0111 222333",
        "0111-222 333",
        "lll 222 333",
        "l11222334",
        "Oil 111222x333",
        "call 0612345678 or 06 1112223 3",
        "111222334",
        "111 and 222333",
        "070 000 0000",
        "NL91ABNA0417164300",
        "12345678",
        "11 1222x333",
    ],
)
def test_other_numbers_pass(text: str) -> None:
    assert not holds_national_number(text)


@given(st.text(max_size=60))
def test_any_text_gets_an_answer(text: str) -> None:
    assert holds_national_number(text + " 111222333")
    assert isinstance(holds_national_number(text), bool)


@given(st.integers(0, 99_999_999), st.sampled_from([" ", ".", "-", ""]), st.integers(1, 8))
def test_any_valid_number_is_found_wherever_it_is_split(first: int, separator: str, place: int) -> None:
    eight = f"{first:08d}"
    last = sum((9 - place) * int(digit) for place, digit in enumerate(eight)) % 11
    digits = f"{eight}{last}"
    if last == 10 or digits == "000000000":
        return
    assert holds_national_number(f"no. {digits[:place]}{separator}{digits[place:]}!")
