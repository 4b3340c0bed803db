"""From a click to the first figure of a chapter of the site; `make book` first."""

import shutil
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle
from pathlib import Path
from threading import Thread

import pytest

HTML = Path(__file__).parents[2] / "build/book/html"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
IS_SHOWN = "() => [...document.querySelectorAll('main img')].some(image => image.naturalWidth > 0)"


@pytest.mark.skipif(not HTML.exists() or CHROMIUM is None, reason="needs make book and chromium")
def test_first_figure_of_a_chapter(benchmark):
    from playwright.sync_api import sync_playwright

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    chapters = cycle(sorted(path.name for path in (HTML / "notebooks").glob("*.html")))
    with (
        ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(HTML))) as server,
        sync_playwright() as playwright,
    ):
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}/notebooks/"
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])

        def cold():
            return (browser.new_context(viewport={"width": 1280, "height": 900}).new_page(),), {}

        def open_chapter(page):
            page.goto(address + next(chapters), wait_until="commit")
            page.wait_for_function(IS_SHOWN, timeout=10_000)

        benchmark.pedantic(open_chapter, setup=cold, rounds=26)
        browser.close()
        server.shutdown()
