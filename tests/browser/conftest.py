"""Tests in the system's Chromium; where there is none they are skipped, and say so.

They run before all others (tests/spreading.py), which need a thread without the event loop of Playwright.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from screens.chromium import browsing, chromium


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium, started once, and gone before the tests of anything else."""
    path = chromium()
    if path is None:
        pytest.skip("no Chromium is installed (Debian and Ubuntu: the package chromium), nor named by CHROMIUM")
    # Playwright has an event loop of its own in this thread, which Django takes for an asynchronous caller.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        with browsing(path) as browser:
            yield browser
