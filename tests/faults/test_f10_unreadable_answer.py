"""F10: the carrier takes a text, and nobody can read what it answers."""

from __future__ import annotations

import pytest

from tests.support.lost_answers import CALLBACKS, settled_without_an_answer

ANSWERS = ({"kind": "html"}, {"kind": "empty"}, {"kind": "truncated"})


@pytest.mark.parametrize("callbacks", CALLBACKS)
def test_a_text_with_an_unreadable_answer_is_settled_and_not_sent_again(
    stage, callbacks
):
    settled_without_an_answer(stage, ANSWERS, callbacks)
