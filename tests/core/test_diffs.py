from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sms_plugin.core.diffs import compare

QUICK = settings(max_examples=100, deadline=None, derandomize=True)
WORDS = st.text(alphabet="ab {}\n\t.", max_size=40)


def told(before, after):
    """A comparison as it is written on paper."""
    signs = {"same": "{}", "out": "[-{}]", "in": "[+{}]"}
    return "".join(
        signs[piece.change].format(piece.text) for piece in compare(before, after)
    )


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("Pay now.", "Pay now.", "Pay now."),
        ("Pay now.", "Pay by Friday.", "Pay[- now.][+ by Friday.]"),
        ("", "Pay", "[+Pay]"),
        ("Pay now", "", "[-Pay now]"),
        (
            "Hi {{ first_name }}!",
            "Hi {{ name }}!",
            "Hi[- {{ first_name }}][+ {{ name }}]!",
        ),
        ("see it", "see it\nReply", "see it[+\nReply]"),
        ("a  b", "a b", "a b"),
    ],
)
def test_changes_are_told_word_by_word(before, after, expected):
    assert told(before, after) == expected


@QUICK
@given(WORDS, WORDS)
def test_both_wordings_can_be_read_from_the_pieces(before, after):
    pieces = compare(before, after)

    new = "".join(piece.text for piece in pieces if piece.change != "out")
    old = "".join(piece.text for piece in pieces if piece.change != "in")
    assert new == after
    # Spaces between words that stayed are those of the new wording.
    assert "".join(old.split()) == "".join(before.split())
