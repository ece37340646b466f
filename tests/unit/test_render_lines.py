"""Lines never run over their measure, and lose nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from documents.canvas import Style
from documents.lines import broken, holds_words
from fonts import UnprintableText

STYLE = Style(10, 12, (0, 0, 0))
BOLD = Style(10, 12, (0, 0, 0), strong=True)
LETTERS = st.text(alphabet="abcijlmWÅŁ.-  \n", max_size=300)


@given(text=LETTERS, width=st.floats(min_value=15, max_value=400))
def test_no_line_is_wider_than_asked(text: str, width: float) -> None:
    for line in broken(text, STYLE, width):
        assert STYLE.width(line) <= width + 1e-6


@given(text=LETTERS, width=st.floats(min_value=15, max_value=400))
def test_nothing_but_spaces_and_breaks_is_lost(text: str, width: float) -> None:
    kept = "".join(broken(text, STYLE, width))
    assert kept.replace(" ", "") == text.replace(" ", "").replace("\n", "")


def test_breaks_between_words() -> None:
    lines = broken("one two three four", STYLE, STYLE.width("one two three"))
    assert lines == ("one two three", "four")


def test_own_line_breaks_stay() -> None:
    assert broken("one\n\ntwo", STYLE, 200) == ("one", "", "two")


def test_a_word_wider_than_the_line_is_cut() -> None:
    lines = broken("a " + "W" * 50, STYLE, STYLE.width("W" * 20) + 0.01)
    assert [len(line) for line in lines] == [1, 20, 20, 10]


def test_a_long_word_breaks_at_its_hyphens_first() -> None:
    name = "J. Voorbeeld-Kamperfoelie-Zonnebloem"
    width = STYLE.width("Voorbeeld-Kamperfoelie-") + 0.1
    assert broken(name, STYLE, width) == ("J. Voorbeeld-", "Kamperfoelie-", "Zonnebloem")
    assert holds_words(name, STYLE, width)
    assert not holds_words(name, STYLE, STYLE.width("Zonnebloe"))


def test_a_hyphen_between_digits_holds() -> None:
    number = "070-0000000"
    assert not holds_words(number, STYLE, STYLE.width(number) - 1)
    assert holds_words(number, STYLE, STYLE.width(number) + 0.1)


def test_a_character_wider_than_the_line_still_stands() -> None:
    assert broken("WW", STYLE, 1) == ("W", "W")


def test_bold_text_is_measured_in_bold() -> None:
    text = "Handtekening van de leidinggevende"
    width = STYLE.width(text) + 0.1
    assert len(broken(text, STYLE, width)) == 1
    assert len(broken(text, BOLD, width)) == 2


def test_empty_text_is_one_empty_line() -> None:
    assert broken("", STYLE, 100) == ("",)


def test_unprintable_text_is_refused() -> None:
    with pytest.raises(UnprintableText):
        broken("李", STYLE, 100)


def test_the_space_between_words_counts() -> None:
    assert broken("one two three", STYLE, STYLE.width("one two") - 0.5) == ("one", "two", "three")
