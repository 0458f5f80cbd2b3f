"""What a look at a page must not overlook."""

from __future__ import annotations

import pytest

from tests.browser import IN_BROWSER, sight

pytestmark = IN_BROWSER


@pytest.mark.parametrize(
    ("page_part", "complaint"),
    [
        ("<img src='data:,'>", "image-alt"),
        ("<p>Very<span>wide</span></p><hr width='2000'>", "wider than the screen"),
        ("<input>", "label"),
    ],
)
def test_a_look_finds_what_is_wrong(people, look, page_part, complaint):
    page = people.visitor()
    page.set_content(f"<main>{page_part}</main>")

    with pytest.raises(AssertionError, match=complaint):
        look(page, "sight")


def test_a_look_hears_what_a_script_throws(people, look):
    page = people.visitor()
    page.set_content("<main>Well</main>")
    with page.expect_event("pageerror"):
        page.evaluate("setTimeout(() => { throw new Error('broken') })")

    with pytest.raises(AssertionError, match="broken"):
        look(page, "sight")


def test_a_look_hears_of_what_the_content_policy_stopped(visit, look):
    page = visit("viewer")
    page.goto("/sms/jobs/")
    with page.expect_console_message():
        page.evaluate("new Image().src = 'http://127.0.0.1:9/elsewhere.png'")

    with pytest.raises(AssertionError, match="Content Security Policy"):
        look(page, "sight")


def test_a_page_without_fault_is_passed(people, look):
    page = people.visitor()
    page.set_content("<html lang='en'><title>Well</title><main><h1>Well</h1></main>")

    look(page, "sight")
    assert not sight.complaints(page)
