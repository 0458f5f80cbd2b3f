"""F8: the carrier takes a text, and its answer is lost."""

from __future__ import annotations

import pytest

from tests.support.lost_answers import CALLBACKS, settled_without_an_answer


@pytest.mark.parametrize("callbacks", CALLBACKS)
def test_a_text_whose_answer_was_lost_is_settled_and_not_sent_again(stage, callbacks):
    settled_without_an_answer(stage, [{"kind": "reset"}] * 3, callbacks)
