"""The site of the series, built without a network and opened in Chromium."""

import re
import subprocess
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urldefrag, urlsplit

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from bs4 import BeautifulSoup

import crystutor

ROOT = Path(__file__).parents[2]
CHAPTERS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
WITH_EXPLORER = [name for name in CHAPTERS if name[:2] in ("03", "06", "07", "11")]
PAGES = ["index.html", "api.html", "TEACHING.html", "search.html", "genindex.html"]
PAGES += [f"notebooks/{name}.html" for name in CHAPTERS]
LARGEST_CHAPTER = 5_000_000  # [byte]
NETWORK = re.compile(r"https?://(?!127\.0\.0\.1)")
IS_LOADED = "image => image.complete && image.naturalWidth > 0"


class Quiet(SimpleHTTPRequestHandler):
    """A server of files that logs nothing."""

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def html(tmp_path_factory):
    """Folder of the site."""
    folder = tmp_path_factory.mktemp("book")
    command = [sys.executable, str(ROOT / "tools/make_book.py"), str(folder / "book")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return folder / "book/html"


@pytest.fixture(scope="module")
def soups(html):
    """Pages by name, parsed."""
    paths = [path for path in html.rglob("*.html") if "_static" not in path.parts]
    return {
        path.relative_to(html).as_posix(): BeautifulSoup(path.read_text("utf-8"), "lxml")
        for path in paths
    }


@pytest.fixture(scope="module")
def address(html):
    """Address of a server of the site."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(html))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


@pytest.fixture
def page(browser):
    """A page without a network; asked for, it is an error."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, has_touch=True)
    asked = []
    context.route(NETWORK, lambda route: (asked.append(route.request.url), route.abort()))
    yield context.new_page()
    context.close()
    assert not asked


def test_all_pages_are_there(soups):
    assert set(PAGES) <= set(soups)


def test_no_internal_link_is_broken(html, soups):
    broken = []
    for name, soup in soups.items():
        for tag in soup.find_all(["a", "img", "link", "script"]):
            target = tag.get("href") or tag.get("src")
            if not target or urlsplit(target).scheme:
                continue
            path, anchor = urldefrag(unquote(target))
            path = re.sub(r"\?.*", "", path)
            file = (html / name).parent / path if path else html / name
            there = file.is_file()
            if there and anchor and file.suffix == ".html":
                page = soups[file.resolve().relative_to(html.resolve()).as_posix()]
                there = page.find(id=anchor) or page.find(attrs={"name": anchor})
            if not there:
                broken.append((name, target))
    assert not broken


def test_every_picture_is_described(soups):
    for name in PAGES[5:]:
        images = soups[name].find("article").find_all("img")
        bad = [tag["src"] for tag in images if len(tag.get("alt", "")) < 20]
        assert images and not bad


def test_chapters_offer_to_launch(soups):
    for name in CHAPTERS:
        links = [tag.get("href", "") for tag in soups[f"notebooks/{name}.html"].find_all("a")]
        copy = f"/tree/crystutor-student/{name}.ipynb"
        assert any("mybinder.org" in link and link.endswith(copy) for link in links)
        assert any("colab.research.google.com" in link and name in link for link in links)


def test_all_public_names_are_on_the_page_of_the_api(soups):
    text = soups["api.html"].get_text()
    described = {tag["id"] for tag in soups["api.html"].find_all("dt", id=True)}
    for name in crystutor.__all__:
        assert f"crystutor.{name}" in described or re.search(rf"\b{name}\b", text)


@pytest.mark.parametrize("name", PAGES[:3] + PAGES[5:])
def test_no_serious_finding_of_axe(name, address, page):
    page.goto(address + name)
    found = Axe().run(page).response["violations"]
    serious = [
        (rule["id"], [node["html"][:200] for node in rule["nodes"][:3]])
        for rule in found
        if rule["impact"] in ("serious", "critical")
    ]
    assert not serious


@pytest.mark.parametrize("name", WITH_EXPLORER)
def test_explorers_move_without_a_kernel(name, html, page):
    page.goto((html / f"notebooks/{name}.html").as_uri())  # from a disk: no server is needed either
    explorer = page.locator(".explorer")
    text, images = explorer.locator(".text"), explorer.locator("img")
    sliders = explorer.locator("input[type=range]")
    assert sliders.count() >= 1

    def shown():
        for n in range(images.count()):
            page.wait_for_function(IS_LOADED, arg=images.nth(n).element_handle())
        alts = [images.nth(n).get_attribute("alt") for n in range(images.count())]
        assert all(len(alt) > 20 for alt in alts)
        return text.inner_text(), [images.nth(n).get_attribute("src") for n in range(len(alts))]

    for slider in sliders.all():
        before = shown()
        slider.focus()
        key = "ArrowLeft" if slider.input_value() == slider.get_attribute("max") else "ArrowRight"
        page.keyboard.press(key)
        by_keyboard = shown()
        assert by_keyboard[1] != before[1]
        assert slider.get_attribute("aria-valuetext") == slider.evaluate(
            "slider => slider.nextElementSibling.textContent"
        )
        box = slider.bounding_box()
        slider.hover()
        page.mouse.click(box["x"] + 0.98 * box["width"], box["y"] + box["height"] / 2)
        by_mouse = shown()
        assert slider.input_value() == slider.get_attribute("max")
        page.touchscreen.tap(box["x"] + 0.02 * box["width"], box["y"] + box["height"] / 2)
        assert slider.input_value() == "0"
        assert shown()[1] != by_mouse[1]
    for choice in explorer.locator("select").all():
        before = shown()
        n_options = choice.locator("option").count()
        choice.select_option(index=(int(choice.input_value()) + 1) % n_options)
        assert shown()[1] != before[1]


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_is_small(name, address, page):
    sizes = []
    page.on("response", lambda response: sizes.append(len(response.body())))
    page.goto(f"{address}notebooks/{name}.html", wait_until="networkidle")
    assert 100_000 < sum(sizes) < LARGEST_CHAPTER


def test_search_finds_a_word(address, page):
    page.goto(f"{address}search.html?q=misorientation")
    page.get_by_role("link", name=re.compile("polycrystal")).first.wait_for()


def test_guesses_come_before_outputs(soups):
    for name in CHAPTERS:
        folds = [tag.get_text() for tag in soups[f"notebooks/{name}.html"].find_all("summary")]
        assert any("Show what comes out" in text for text in folds)


def test_downloads_have_no_outputs(html):
    for path in (html / "_sources/notebooks").glob("*.ipynb"):
        cells = nbformat.read(path, as_version=4).cells
        assert not any(cell.get("outputs") for cell in cells)
    assert path.stem in CHAPTERS
