"""A headless Chromium for tests of pages; it reports what a page does that it must not."""

import shutil
from contextlib import contextmanager

import pytest

PATIENCE = 120_000  # ms, on a machine that is busy with other things
NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def browser():
    """Give a function that opens a page, given its file and options of a context.

    Tests are skipped where there is no browser, or nothing to steer it with.
    """
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM:
        pytest.skip("no chromium on this machine")
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])

        def visit(path, **options):
            options = {"viewport": {"width": 1440, "height": 900}} | options
            page = chromium.new_context(**options).new_page()
            page.set_default_timeout(PATIENCE)
            page.wrong = []
            page.on("console", lambda message: page.wrong.append(f"console: {message.text}"))
            page.on("pageerror", lambda error: page.wrong.append(f"error: {error}"))
            page.on("request", lambda request: note_request(page, request.url, path))
            page.on("dialog", lambda dialog: page.wrong.append(f"dialog: {dialog.message}"))
            page.goto(path.as_uri())
            return page

        yield visit
        chromium.close()


def note_request(page, url, path):
    """Note every request but that of the page itself and of what it holds."""
    if url != path.as_uri() and not url.startswith(("data:", "blob:")):
        page.wrong.append(f"request: {url}")
