"""A real browser, where there is one, on a real server."""

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from explore.opened import app_of

from latelier.core import Model

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PATIENCE = 60_000  # ms: a busy machine is slow, and a right page is not waited for


@contextmanager
def serving(app: Any, **config: Any) -> Iterator[str]:
    """The address at which a thread serves it; ``config`` is uvicorn's."""
    import uvicorn

    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", ws="none", **config))
    begun, startup = threading.Event(), server.startup

    async def told(sockets: Any = None) -> None:
        await startup(sockets)
        begun.set()

    server.startup = told  # type: ignore[method-assign]
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert begun.wait(60)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/"
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def served(*models: Model) -> Iterator[str]:
    """The address of a page over runs named one, two, ..."""
    with app_of(*models) as app, serving(app) as base:
        yield base


class Visitor:
    """A person at a page, who notices what goes wrong and who is asked."""

    def __init__(self, page: Any, base: str):
        self.page, self.base = page, base
        self.asked: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)

    def go(self, address: str) -> None:
        """Opens a view anew."""
        self.page.goto("about:blank")
        self.page.goto(f"{self.base}#{address}")
        self.page.wait_for_selector("h1")

    def image(self, alt: str) -> str:
        """The address of a drawn image, once it is there."""
        found: str = self.page.locator(f'img[alt^="{alt}"][src^="data:"]').first.get_attribute("src")
        return found

    def changed(self, alt: str, before: str) -> str:
        """Its address, once it is another."""
        self.until("([alt, before]) => document.querySelector(`img[alt^='${alt}']`)?.src !== before", [alt, before])
        return self.image(alt)

    def settled(self, alt: str) -> str:
        """Its address, once half a second has brought no other."""
        before, now = "", self.image(alt)
        while now != before:
            self.page.wait_for_timeout(500)
            before, now = now, self.image(alt)
        return now

    def until(self, expression: str, given: Any = None) -> None:
        """Waits until that is true. (Playwright's own way evaluates text in the page, which its policy forbids.)"""
        for _ in range(PATIENCE // 20):
            if self.page.evaluate(expression, given):
                return
            self.page.wait_for_timeout(20)
        raise AssertionError(f"never true: {expression}")

    def content(self) -> None:
        """Nothing went wrong, and nobody else was asked."""
        assert self.complaints == []
        outside = [url for url in self.asked if not url.startswith((self.base, "data:", "blob:", "about:"))]
        assert outside == []


class Shared:
    """One Chromium for tests that follow each other, begun by the first that needs it. While it is there, asyncio has a
    loop in this thread."""

    def __init__(self) -> None:
        self._stack, self._browser = ExitStack(), None

    def browser(self) -> Any:
        """Skips, saying so, where there is none."""
        if CHROMIUM is None:
            pytest.skip("no Chromium is installed (apt-get install chromium), so the page is not tried in a browser")
        api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed, so no browser is driven")
        if self._browser is None:
            playwright = self._stack.enter_context(api.sync_playwright())
            sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
            self._browser = playwright.chromium.launch(executable_path=CHROMIUM, args=sandbox)
            self._stack.callback(self._browser.close)
        return self._browser

    def close(self) -> None:
        self._browser = None
        self._stack.close()


SHARED = Shared()


@contextmanager
def visiting(base: str, **context: Any) -> Iterator[Visitor]:
    """A visitor who has not been here before. Skips as ``Shared.browser`` does."""
    opened = SHARED.browser().new_context(accept_downloads=True, **context)
    opened.set_default_timeout(PATIENCE)
    visitor = Visitor(opened.new_page(), base)
    try:
        yield visitor
        visitor.content()
    finally:
        opened.close()
