"""From a statement file to texts, as a biller takes the steps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tests.browser import steps

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import FilePayload, Locator, Page

COLUMNS = (
    "account_number,first_name,last_name,phone,state,language,invoice_number,balance,"
    "due_date\n"
)


def statement(name: str, *accounts: str, balance: str = "41.00") -> FilePayload:
    """A file with a new bill for each account."""
    due = datetime.now(UTC).date() + timedelta(days=30)
    rows = [
        f"{account},INV-{account[:5]}-{name},{balance},{due}\n" for account in accounts
    ]
    content = (COLUMNS + "".join(rows)).encode()
    return {"name": f"{name}.csv", "mimeType": "text/csv", "buffer": content}


def upload(page: Page, file: FilePayload | Path) -> None:
    """Upload a file in the portal's own Jobs."""
    page.goto("/")
    steps.choose(page, "Jobs", "Upload a statement")
    page.get_by_label("File").set_input_files(file)
    page.get_by_role("button", name="Upload").click()


def text_of(page: Page, name: str) -> Locator:
    """The card of somebody's text on the desk."""
    return page.locator("li.sms-text").filter(has_text=name)
