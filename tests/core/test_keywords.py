# Look-alike characters are what is tested.
# ruff: noqa: RUF001
from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sms_plugin.core.keywords import (
    Intent,
    carrier_answers,
    classify,
    read,
)

FCC_WORDS = ["stop", "quit", "end", "revoke", "opt out", "cancel", "unsubscribe"]
TWILIO_WORDS = ["stopall", "optout"]


@pytest.mark.parametrize(
    "text",
    [
        *("stop", "Stop.", " STOP ", "STOP!!", "ＳＴＯＰ", "stop please", "STOP🛑"),
        *("opt out", "OPT-OUT", "opt_out", "unsubscribe me", "S.T.O.P.", "𝐒𝐓𝐎𝐏"),
        *("cancel", "END", "Quit!", "revoke", "stop all", "«basta»", "¡Alto!", "parar"),
        *("remove me", "stop texting me", "Don’t text me", "dont  TEXT me", "STOP2END"),
        *("wrong number", "Sorry, this is the wrong number.", "número equivocado"),
        *("no más mensajes", "No me envíe nada", "leave me alone", "sto\u200bp"),
        *("I paid already. Stop.", "stop\nthanks", "No, stop", "Unsubscribe, please"),
        *("I did not sign up for this, remove me", "por favor dejen de enviar esto"),
        *(
            "s t o p",
            "S.T.O.P",
            "please s t o p",
            "o p t  o u t",
            "c-a-n-c-e-l",
            "opt_out",
        ),
        *(
            "ＯＰＴ－ＯＵＴ",
            "stop cancel end",
            "fin",
            "no molestar",
            "dar de baja",
            "PARAR!",
        ),
    ],
)
def test_revocations_are_opt_outs_at_once(text):
    assert classify(text) is Intent.OPT_OUT


@pytest.mark.parametrize(
    "text",
    [
        *("St0p", "5top", "$TOP", "stpo", "🛑", "🛑🛑!", "✋🏽", "cancle"),
        *("please cancel my appointment", "when will this stop", "I want to stop"),
        *(
            "do not remove me",
            "please don't stop texting me",
            "I don't want to opt out",
        ),
        *("this is not the wrong number", "how do I unsubscribe", "STOP START"),
        *("iniciar", "empezar", "opt in", "start please"),
    ],
)
def test_unsure_ones_go_to_a_person(text):
    assert classify(text) is Intent.REVIEW


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("START", Intent.OPT_IN),
        ("Start!", Intent.OPT_IN),
        ("unstop", Intent.OPT_IN),
        ("HELP", Intent.HELP),
        ("help please", Intent.HELP),
        ("Info?", Intent.HELP),
        ("¡AYUDA!", Intent.HELP),
        ("YES", Intent.NONE),
        ("sí", Intent.NONE),
        ("", Intent.NONE),
        ("   ", Intent.NONE),
        ("👍", Intent.NONE),
        ("no", Intent.NONE),
        ("1", Intent.NONE),
        ("I will pay at the end of the month", Intent.NONE),
        ("can I stop by today?", Intent.NONE),
        ("I need help with my bill", Intent.NONE),
        ("when does my plan start", Intent.NONE),
        ("=cmd()|'/c calc'!A0", Intent.NONE),
        ("<script>alert(1)</script>", Intent.NONE),
        ("\ud800\x00\u202e", Intent.NONE),
    ],
)
def test_other_texts(text, intent):
    assert classify(text) is intent


B13 = {
    **dict.fromkeys(
        [
            *("stop", "Stop.", " STOP ", "STOP!!", "ＳＴＯＰ", "stop please"),
            *("opt out", "OPT-OUT", "unsubscribe me", "alto"),
        ],
        (Intent.OPT_OUT, False, False),
    ),
    **dict.fromkeys(("St0p", "🛑"), (Intent.REVIEW, False, False)),
    "wrong number": (Intent.OPT_OUT, False, True),
    "cancel": (Intent.OPT_OUT, True, False),
}


@pytest.mark.parametrize("text", B13)
def test_each_variant_has_its_class(text):
    reading = read(text)

    assert (reading.intent, reading.double, reading.wrong_number) == B13[text]


@pytest.mark.parametrize(
    "text", ["Cancel", "END!", "q u i t", "I quit", "cancelar", "Fin"]
)
def test_words_that_are_said_of_other_things_too_are_marked(text):
    assert read(text).double


@pytest.mark.parametrize(
    "text", ["stop", "cancel texts", "Cancel. Stop.", "end stop", "quit texting me"]
)
def test_a_clear_revocation_is_not_marked(text):
    assert classify(text) is Intent.OPT_OUT
    assert not read(text).double


@pytest.mark.parametrize(
    ("text", "wants"),
    [("opt in", True), ("iniciar", True), ("when does it stop", False)],
)
def test_a_wish_to_start_is_told_from_a_doubtful_stop(text, wants):
    assert classify(text) is Intent.REVIEW
    assert read(text).wants_texts is wants


@pytest.mark.parametrize(
    ("text", "answers"),
    [("HELP", True), (" info\n", True), ("help please", False), ("ayuda", False)],
)
def test_what_a_carrier_answers_by_itself(text, answers):
    assert carrier_answers(text) is answers


def fullwidth(text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


def spelt(text: str) -> str:
    return " ".join(text.replace(" ", ""))


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    st.sampled_from(
        [*FCC_WORDS, *TWILIO_WORDS, "start", "help", "wrong number", "alto", "opt in"]
    ),
    st.lists(
        st.sampled_from([str.upper, str.title, fullwidth, lambda text: f"  {text}\n"]),
        max_size=3,
    ),
    st.text(alphabet=" .!?\"'*\n\u200b🛑", max_size=4),
)
def test_how_a_word_is_dressed_up_changes_nothing(word, changes, after):
    text = word
    for change in changes:
        text = change(text)

    assert read(text + after) == read(word)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.sampled_from(FCC_WORDS + TWILIO_WORDS), st.sampled_from([str, str.upper]))
def test_a_stop_word_letter_by_letter_is_obeyed(word, change):
    text = change(spelt(word))

    assert classify(text) is Intent.OPT_OUT
    assert classify(text.replace(" ", ".")) is Intent.OPT_OUT


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    st.text(max_size=2000) | st.binary(max_size=200).map(lambda b: b.decode("latin-1"))
)
def test_no_text_makes_it_fail(text):
    assert read(text) == read(text)


DECORATION = st.text(alphabet=" .!?,\"'*-\n\u200b🛑👍()", max_size=6)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.sampled_from(FCC_WORDS + TWILIO_WORDS), st.booleans(), DECORATION, DECORATION)
def test_a_stop_word_alone_always_opts_out(word, upper, before, after):
    text = before + (word.upper() if upper else word.title()) + after

    assert classify(text) is Intent.OPT_OUT


@settings(max_examples=80, deadline=None, derandomize=True)
@given(
    st.sampled_from(["stop", "quit", "revoke", "cancel", "unsubscribe", "opt out"]),
    st.lists(
        st.sampled_from(
            ["my", "i", "want", "to", "please", "the", "bill", "doctor", "now", "you"]
        )
    ),
    st.lists(
        st.sampled_from(
            ["my", "i", "want", "to", "please", "the", "bill", "doctor", "now", "you"]
        )
    ),
)
def test_a_stop_word_in_a_sentence_is_never_overlooked(word, before, after):
    text = " ".join([*before, word, *after])

    assert classify(text) in {Intent.OPT_OUT, Intent.REVIEW}


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.text(max_size=50))
def test_any_text_has_an_intent_and_a_word_only_with_one(text):
    assert (read(text).word is None) == (classify(text) is Intent.NONE)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("Cancel!", "CANCEL"),
        ("end", "END"),
        ("i quit", "QUIT"),
        ("Opt-out", "OPTOUT"),
        ("stop texting me", "STOP"),
        ("wrong number", "WRONG NUMBER"),
        ("please cancel my appointment", "CANCEL"),
        ("St0p", "STOP"),
        ("unstop", "UNSTOP"),
        ("ayuda", "AYUDA"),
        ("hello", None),
    ],
)
def test_the_word_that_decided_is_named(text, word):
    assert read(text).word == word


@pytest.mark.parametrize(
    "piece",
    [
        *(
            "a",
            "stop ",
            " ",
            "a\u0301\u0323",
            "\ufdfa",
            "dont ",
            "do not to the a ",
            "(-",
        ),
        *("a ", "s t o p ", "end ", "x y z "),
    ],
)
def test_long_input_takes_no_longer(piece):
    text = (piece * 100_000)[:100_000] + "!"
    started = time.perf_counter()
    classify(text)

    assert time.perf_counter() - started < 0.05
