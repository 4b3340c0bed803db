"""A real JupyterLab and a real Chromium; without Chromium these tests are skipped."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from crystutor.commands.lab import LARGE_UPLOADS, write_lab_settings
from tests.conftest import peak_memory

ROOT = Path(__file__).parents[2]
NOTEBOOKS = ROOT / "notebooks"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader"]
FLAGS += ["--enable-unsafe-swiftshader"]  # WebGL without a graphics card
ALL_CELLS_IN_PAGE = {"windowingMode": "none"}
PROJECTOR, DESKTOP = {"width": 1280, "height": 720}, {"width": 1920, "height": 1080}
CLOSE_FILE_BROWSER = "() => window.jupyterapp.shell.collapseLeft()"
START_TIME = 120  # of JupyterLab [s]
IS_READY = """() => window.jupyterapp?.shell.currentWidget?.context?.isReady &&
    window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel"""
SHUT_DOWN = "() => window.jupyterapp.shell.currentWidget.sessionContext.session?.shutdown()"


def pytest_collection_modifyitems(items):
    if CHROMIUM is None:
        reason = "no chromium found; on Debian: apt-get install chromium"
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """Address and process of a JupyterLab that serves a copy of the notebooks."""
    folder = tmp_path_factory.mktemp("lab")
    shutil.copytree(NOTEBOOKS, folder / "notebooks")
    settings = folder / "settings/@jupyterlab/notebook-extension/tracker.jupyterlab-settings"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps(ALL_CELLS_IN_PAGE), encoding="utf-8")
    command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root"]
    command += ["--ip=127.0.0.1", "--port=0", "--ServerApp.port_retries=0", LARGE_UPLOADS]
    command += ["--LabApp.expose_app_in_browser=True", f"--ServerApp.root_dir={folder}"]
    write_lab_settings(folder / "jupyter")
    environment = os.environ | {
        "JUPYTER_CONFIG_PATH": str(folder / "jupyter"),
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
    }
    log = folder / "lab.log"
    with log.open("w", encoding="utf-8") as stderr:
        process = subprocess.Popen(command, stderr=stderr, env=environment)
        try:
            yield until(lambda: _address(log, process), START_TIME), process
        finally:
            stop(process)


def stop(process):
    """End a server: politely, so that it ends its kernels, or, if that takes too long, at once."""
    process.terminate()
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _address(log, process):
    """Address with the token, once the server has printed it."""
    text = log.read_text("utf-8")
    assert process.poll() is None, text
    found = re.search(r"http://127\.0\.0\.1:\d+/lab\?token=\w+", text)
    return found and found[0]


def until(condition, seconds=20):
    """Ask a few times a second until a condition holds; return what it then gives."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.1)
    return found


@pytest.fixture(scope="session")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_notebook(lab, browser):
    """Open a notebook in a page of its own, as on a projector; its kernel ends with the test."""
    pages = []

    def open_in_page(name):
        page = browser.new_page(viewport=PROJECTOR)
        pages.append(page)
        page.goto(lab[0].replace("/lab?", f"/lab/tree/notebooks/{name}?reset&"))
        page.wait_for_function(IS_READY, timeout=60_000)
        page.evaluate(CLOSE_FILE_BROWSER)
        page.set_default_timeout(20_000)
        return page

    yield open_in_page
    for page in pages:
        page.evaluate(SHUT_DOWN)
        page.close()


@pytest.fixture
def kernel_peak(lab):
    """Function that gives the largest memory that a kernel has used so far [GB]."""

    def peak():
        children = psutil.Process(lab[1].pid).children(recursive=True)
        kernels = [p for p in children if "ipykernel_launcher" in " ".join(p.cmdline())]
        return max(peak_memory(process.pid) for process in kernels)

    return peak
