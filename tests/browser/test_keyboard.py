"""The desk and the inbox without a mouse."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser import IN_BROWSER, steps

pytestmark = IN_BROWSER
MOST_STOPS = 80


def tab_to(page, target) -> None:
    """Press Tab until the focus is there, and see that it shows."""
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        if target.evaluate("(one) => one === document.activeElement"):
            break
    expect(target).to_be_focused()
    shows = """(one) => {
      const style = getComputedStyle(one);
      return style.outlineStyle !== "none" || style.boxShadow !== "none";
    }"""
    assert target.evaluate(shows), f"nothing shows that the focus is on {target}"


def test_a_text_is_approved_by_keyboard_alone(visit):
    page = visit("biller")
    page.goto("/sms/jobs/")
    tab_to(page, page.get_by_role("link", name="statement-paid-meanwhile.csv"))
    page.keyboard.press("Enter")
    ezra = page.locator("li.sms-text").filter(has_text="Ezra Chestnut")
    tab_to(page, ezra.get_by_role("checkbox"))
    page.keyboard.press("Space")
    expect(ezra.get_by_role("checkbox")).to_be_checked()

    tab_to(page, ezra.get_by_role("button", name="Approve"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Approve and send?")).to_be_visible()
    tab_to(page, page.get_by_role("button", name="Approve and send 1 text"))
    page.keyboard.press("Enter")

    steps.said(page, "1 text")
    expect(ezra).to_have_count(0)


def test_the_keys_of_the_desk_move_choose_edit_and_search(visit, look):
    page = visit("biller")
    page.goto("/sms/jobs/")
    page.get_by_role("link", name="statement-paid-meanwhile.csv").click()
    texts = page.locator("li.sms-text")
    expect(page.get_by_text("shows the keys")).to_be_visible()
    page.keyboard.press("?")
    expect(page.locator("#sms-keys")).to_have_attribute("open", "")
    look(page, "keyboard-keys", narrow=True)

    page.keyboard.press("j")
    expect(texts.first).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("x")
    expect(texts.first.get_by_role("checkbox")).to_be_checked()
    page.keyboard.press("e")
    editor = texts.first.get_by_label("Text", exact=True)
    expect(editor).to_be_focused()
    editor.press("End")
    page.keyboard.type("jjx" * 60)
    expect(page.locator("#sms-measure")).to_contain_text("segments")
    look(page, "keyboard-edit", narrow=True)
    page.keyboard.press("Escape")
    expect(editor).to_have_count(0)
    page.keyboard.press("/")
    expect(page.get_by_label("Name or words in the text")).to_be_focused()

    page.get_by_label("Use these keys in this browser").uncheck()
    page.keyboard.press("j")
    expect(texts.first).not_to_be_focused()
    page.get_by_label("Use these keys in this browser").check()


def test_a_patient_is_answered_by_keyboard_alone(visit):
    page = visit("frontdesk")
    page.goto("/sms/inbox/?show=waiting")
    tab_to(page, page.locator("#sms-list").get_by_role("link", name="Wes Waiting"))
    page.keyboard.press("Enter")
    expect(page.get_by_label("Your text")).to_be_focused()
    page.keyboard.type("Yes, half now and half in two weeks is fine.")
    page.keyboard.press("Control+Enter")

    answer = steps.bubble(page, "Yes, half now and half in two weeks is fine.")
    expect(answer).to_contain_text("Delivered")
