"""F9: the carrier takes a text, and says that it failed."""

from __future__ import annotations

import pytest

from tests.support.lost_answers import CALLBACKS, settled_without_an_answer

ANSWERS = (
    {"kind": "error", "status": 500},
    {"kind": "error", "status": 502, "html": True},
    {"kind": "error", "status": 503},
)


@pytest.mark.parametrize("callbacks", CALLBACKS)
def test_a_text_that_was_said_to_fail_is_settled_and_not_sent_again(stage, callbacks):
    settled_without_an_answer(stage, ANSWERS, callbacks)
