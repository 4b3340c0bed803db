"""`crystutor lab --student`, started for real, as a student sees it on a projector's screen."""

import json
import os
import re
import subprocess
import sys
from contextlib import contextmanager

import pytest

from tests.browser.conftest import ALL_CELLS_IN_PAGE, IS_READY, SHUT_DOWN, START_TIME, stop, until
from tests.browser.test_notebooks_in_browser import ERRORS, RUN_ALL, keep

ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/lab/tree/00_start_here\.ipynb\?token=\w+")
SERVER = {"ip": "127.0.0.1", "port": 0, "port_retries": 0}
USER_FILES = {
    "jupyter_lab_config.json": {"ServerApp": SERVER, "LabApp": {"expose_app_in_browser": True}},
    "lab/user-settings/@jupyterlab/notebook-extension/tracker.jupyterlab-settings": (
        ALL_CELLS_IN_PAGE
    ),
    "lab/user-settings/@jupyterlab/apputils-extension/themes.jupyterlab-settings": {
        "theme": "JupyterLab Dark"
    },
}
FOLDED = "details => details.map(element => !element.open)"


@pytest.fixture
def user(tmp_path):
    """Home of a user who has settings, and has never been asked about news."""
    for name, content in USER_FILES.items():
        path = tmp_path / "home/.jupyter" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content), encoding="utf-8")
    return tmp_path / "home"


@contextmanager
def student_lab(user):
    """Address of the page that would open in the user's browser."""
    command = [sys.executable, "-m", "crystutor", "lab", "--student", "--no-browser"]
    own = {"HOME": str(user), "XDG_CACHE_HOME": str(user / ".cache")}
    environment = {k: v for k, v in os.environ.items() if not k.startswith("JUPYTER")} | own
    log = user / "lab.log"
    with log.open("w", encoding="utf-8") as file:
        process = subprocess.Popen(command, cwd=user, stdout=file, stderr=file, env=environment)
        try:
            yield until(lambda: address(log, process), START_TIME)[0]
        finally:
            stop(process)


def address(log, process):
    text = log.read_text("utf-8")
    assert process.poll() is None, text
    return ADDRESS.search(text)


def open_page(browser, url):
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.goto(url)
    page.wait_for_function(IS_READY, timeout=60_000)
    return page


def test_a_student_sees_the_notebook_alone_and_folded_solutions(user, browser):
    before = sorted((user / ".jupyter/lab").rglob("*"))
    with student_lab(user) as url:
        page = open_page(browser, url)
        assert not page.locator("#filebrowser").is_visible()
        assert page.locator(".jp-NotebookPanel").bounding_box()["width"] > 0.9 * 1280
        assert page.locator(".jp-OutputArea-output").count() == 0
        page.evaluate(RUN_ALL)
        assert page.evaluate(ERRORS) == []
        assert page.locator(".jp-OutputArea-output").count() > 5
        solutions = page.locator(".jp-Notebook details")
        assert solutions.evaluate_all(FOLDED) == [True, True]
        code = solutions.last.locator("pre")
        assert not code.is_visible()
        solutions.last.locator("summary").click()
        assert code.is_visible()
        keep(page.locator("#main"), "student")
        assert page.locator(".Toastify__toast").count() == 0  # nor has it asked about news
        assert page.locator("body").get_attribute("data-jp-theme-name") == "JupyterLab Dark"
        page.evaluate("() => window.jupyterapp.commands.execute('filebrowser:activate')")
        page.locator("#filebrowser").wait_for()
        keep(page.locator("#main"), "student_with_files")
        page.evaluate(SHUT_DOWN)
        page.close()
    with student_lab(user) as url:
        page = open_page(browser, url)
        assert not page.locator("#filebrowser").is_visible()
        page.close()
    assert sorted((user / ".jupyter/lab").rglob("*")) == before
