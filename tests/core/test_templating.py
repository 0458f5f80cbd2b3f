# Look-alike characters are what is tested.
# ruff: noqa: RUF001
from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sms_plugin.core.segments import Segments, measure
from sms_plugin.core.templating import (
    LINK_MARK,
    LINKS,
    PREFERENCE_MARK,
    VARIABLES,
    MissingValue,
    TemplateError,
    compile_template,
    fill_links,
    marks_in,
    measure_with_links,
    value_limit,
)

QUICK = settings(max_examples=80, deadline=None, derandomize=True)
URL = "https://pay.example.com/p/AbCdEfGhIjKlMnOpQrStUv"


def greet(first_name: str) -> str:
    return compile_template("Hi {{ first_name }}!").render({"first_name": first_name})


def test_a_template_is_rendered_from_its_variables():
    template = compile_template(
        "{{practice_name}}: pay {{ payment_link }}\n{{  due_date}}."
    )

    assert template.variables == {"practice_name", "payment_link", "due_date"}
    assert (
        template.render(
            {
                "practice_name": "Example Clinic",
                "payment_link": LINK_MARK,
                "due_date": "May 3",
                "first_name": "",
            }
        )
        == "Example Clinic: pay [payment link]\nMay 3."
    )


def test_a_template_may_be_literal_only():
    assert compile_template("50% (half) & 100%!").render({}) == "50% (half) & 100%!"


@pytest.mark.parametrize(
    ("source", "position", "says"),
    [
        ("{{ 7*7 }}", 0, "Only the name"),
        ("a {{ config }}", 2, "no variable config. Choose one of: amount_due"),
        ("{{ ''.__class__ }}", 0, "Only the name"),
        ("{{ first_name.__class__ }}", 0, "Only the name"),
        ("{{ first_name | upper }}", 0, "Only the name"),
        ("{% for x in y %}", 0, "{% has no meaning"),
        ("{# note #}", 0, "{# has no meaning"),
        ("hi {0.__class__}", 3, "single brace"),
        ("hi }", 3, "single brace"),
        ("%(x)s", 0, "%(x)s has no meaning"),
        ("cost ${x}", 5, "${ has no meaning"),
        ("{{ payment_link }} or {{payment_link}}", 22, "once only"),
        ("hi {{ first_name", 3, "never closed"),
        ("hi {{ first_name }", 3, "never closed"),
        ("first_name }}", 11, "close nothing"),
        ("{{{ first_name }}}", 0, "Only the name"),
        ("{{ first_name }}}", 16, "single brace"),
        ("{{}}", 0, "Only the name"),
        ("{{ frist_name }}", 0, "Did you mean {{ first_name }}?"),
        ("{{ First_Name }}", 0, "Did you mean {{ first_name }}?"),
        ("see [Payment Link]", 4, "Write {{ payment_link }} instead"),
        ("see [preference link]", 4, "Write {{ preference_link }} instead"),
        ("a" * 4001, 4000, "at most 4000"),
    ],
)
def test_anything_else_is_refused_with_its_place(source, position, says):
    with pytest.raises(TemplateError) as caught:
        compile_template(source)

    assert caught.value.position == position
    assert says in caught.value.message


def test_an_error_tells_line_and_column():
    with pytest.raises(TemplateError) as caught:
        compile_template("one\ntwo {{ x }}\n")

    assert (caught.value.line, caught.value.column) == (2, 5)
    assert str(caught.value).startswith("Line 2, column 5: ")


def test_a_variable_that_the_practice_has_not_switched_on_is_refused():
    with pytest.raises(TemplateError, match="is not switched on"):
        compile_template("{{ amount_due }}", allowed=["first_name"])


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("{{ payment_link }}", "{{ payment_link }}"),
        ("=HYPERLINK(1)", "=HYPERLINK(1)"),
        ("Jane\nReply YES", "Jane Reply YES"),
        ("\u202eJane\x00\u200b", "Jane"),
        ("  Jane \t Q  ", "Jane Q"),
        ("x" * 5000, "x" * 40),
        ("Zoë O’Brien", "Zoë O'Brien"),
        ("[payment link]", "(payment link)"),
        ("😀" * 50, "😀" * 40),
    ],
)
def test_a_hostile_name_stays_one_short_literal_line(name, shown):
    assert greet(name) == f"Hi {shown}!"


def test_two_values_cannot_spell_a_mark_together():
    template = compile_template("{{ first_name }} {{ patient_name }}")

    body = template.render({"first_name": "[payment", "patient_name": "link]"})

    assert marks_in(body) == frozenset()


@pytest.mark.parametrize("value", ["", "  ", "\u200b", "\n", None])
def test_a_blank_value_is_missing(value):
    with pytest.raises(MissingValue) as caught:
        greet(value)

    assert caught.value.name == "first_name"


def test_an_absent_value_is_missing():
    with pytest.raises(MissingValue, match="first_name"):
        compile_template("{{ first_name }}").render({})


def test_values_are_cut_and_links_are_not():
    template = compile_template("{{ practice_name }} {{ payment_link }}")
    long_url = URL + "x" * 300

    body = template.render({"practice_name": "p" * 100, "payment_link": long_url})

    assert body == f"{'p' * value_limit('practice_name')} {long_url}"


literals = st.text(alphabet=st.characters(exclude_characters="{}[%$"), max_size=20)


@QUICK
@given(
    st.lists(st.tuples(literals, st.sampled_from(sorted(set(VARIABLES) - set(LINKS))))),
    st.text(alphabet="{}[] a_%(s)paymentlink$", min_size=1, max_size=30),
)
def test_values_are_never_looked_at_again(parts, value):
    source = "".join(f"{literal}{{{{ {name} }}}}" for literal, name in parts)
    values = dict.fromkeys(VARIABLES, f"v{value}")
    shown = " ".join(values["due_date"].translate(str.maketrans("[]", "()")).split())

    rendered = compile_template(source).render(values)

    assert rendered == "".join(literal + shown for literal, _ in parts)
    assert not marks_in(rendered)


def refusal(source: str) -> TemplateError | None:
    try:
        compile_template(source)
    except TemplateError as error:
        return error
    return None


@QUICK
@given(st.text(alphabet="{}% $()sx\n#first_name", max_size=60))
def test_any_source_compiles_or_is_refused_at_a_place_within_it(source):
    error = refusal(source)
    if error is not None:
        line = source.split("\n")[error.line - 1]
        assert line[error.column - 1] == source[error.position]


@pytest.mark.parametrize("source", ["{{" + " " * 3900, "{" * 4000, "a" * 100_000])
def test_hostile_sources_are_refused_quickly(source):
    started = time.perf_counter()

    assert refusal(source)
    assert time.perf_counter() - started < 0.05


BODY = f"Pay {LINK_MARK}, settings {PREFERENCE_MARK}"


def test_links_take_the_place_of_their_marks():
    assert marks_in(BODY) == {LINK_MARK, PREFERENCE_MARK}
    assert fill_links(BODY, payment="P", preference="S") == "Pay P, settings S"
    assert fill_links("Pay [Payment LINK]", payment="P", preference=None) == "Pay P"
    assert (
        fill_links("nothing [here]", payment=None, preference=None) == "nothing [here]"
    )


def test_a_link_is_not_looked_at_again():
    assert fill_links(LINK_MARK, payment=PREFERENCE_MARK, preference="S") == (
        PREFERENCE_MARK
    )


@pytest.mark.parametrize(
    ("payment", "preference", "name"),
    [(None, "S", "payment_link"), ("P", None, "preference_link"), ("", "S", "payment")],
)
def test_a_mark_never_goes_out_as_it_is(payment, preference, name):
    with pytest.raises(MissingValue, match=name):
        fill_links(BODY, payment=payment, preference=preference)


@QUICK
@given(
    st.text(alphabet="a€’[", max_size=200),
    st.sampled_from([LINK_MARK, PREFERENCE_MARK, "[Payment Link]", ""]),
    st.text(alphabet="a€😀", max_size=200),
)
def test_a_stored_body_is_measured_as_it_will_go_out(before, mark, after):
    body = before + mark + after
    filled = fill_links(body, payment=URL, preference=URL + "abc")

    assert measure_with_links(body, len(URL), len(URL) + 3) == measure(filled)


def test_a_mark_costs_its_link_and_not_its_brackets():
    assert measure_with_links(LINK_MARK, 50, 60) == Segments("GSM-7", 50, 1)
