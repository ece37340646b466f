"""Whole numbers in what was sent: what only looks like one is none."""

from workflow.digits import whole


def test_plain_digits_up_to_the_most_are_a_number() -> None:
    assert [whole(said, 120) for said in ("0", "7", "007", "120")] == [0, 7, 7, 120]


def test_whatever_else_is_none() -> None:
    odd = ["", "121", "0007", "-1", "+1", " 1", "1 ", "1.0", "1_0", "٣", "²", "1e1", "9" * 5_000, None, 7]
    assert [whole(said, 120) for said in odd] == [None] * len(odd)
