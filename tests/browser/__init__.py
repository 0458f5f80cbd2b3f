"""Walks through the running demo in a browser.

A package, so that Chromium and the demo end with its last test; one worker runs all of
it (``TOGETHER`` in ``tests/conftest.py``).
"""

import pytest

IN_BROWSER = pytest.mark.browser
