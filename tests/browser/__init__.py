"""Walks through the running demo in a browser.

A package, so that Chromium and the demo end with its last test.
"""

import pytest

# One worker runs all walks: they share one demo, which takes a while to start.
IN_BROWSER = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
