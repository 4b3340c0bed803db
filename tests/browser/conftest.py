"""A real JupyterLab and a real Chromium; without Chromium these tests are skipped."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from crystutor.__main__ import LARGE_UPLOADS

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
SCREENSHOTS = ROOT / "build" / "screenshots"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader"]
FLAGS += ["--enable-unsafe-swiftshader"]  # WebGL without a graphics card
ALL_CELLS_IN_PAGE = {"windowingMode": "none"}


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
    shutil.copytree(ROOT / "notebooks", folder / "notebooks")
    settings = folder / "settings/@jupyterlab/notebook-extension/tracker.jupyterlab-settings"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps(ALL_CELLS_IN_PAGE), encoding="utf-8")
    command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root"]
    command += ["--ip=127.0.0.1", "--port=0", "--ServerApp.port_retries=0", LARGE_UPLOADS]
    command += ["--LabApp.expose_app_in_browser=True", f"--ServerApp.root_dir={folder}"]
    environment = os.environ | {
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
    }
    log = folder / "lab.log"
    with log.open("w", encoding="utf-8") as stderr:
        process = subprocess.Popen(command, stderr=stderr, env=environment)
        try:
            yield _address(log, process), process
        finally:
            process.terminate()
            process.wait(timeout=30)


def _address(log, process):
    """Wait for the line in which the server prints its address with the token."""
    while process.poll() is None:
        found = re.search(r"http://127\.0\.0\.1:\d+/lab\?token=\w+", log.read_text("utf-8"))
        if found:
            return found[0]
    raise RuntimeError(log.read_text("utf-8"))


@pytest.fixture(scope="session")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_notebook(lab, browser):
    """Open a notebook in a page of its own and run all its cells; its kernel ends with the test."""
    pages = []

    def open_and_run(name):
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        pages.append(page)
        address = lab[0].replace("/lab?", f"/lab/tree/notebooks/{name}?reset&")
        page.goto(address)
        page.wait_for_function(
            "() => window.jupyterapp?.shell.currentWidget?.context?.isReady &&"
            " window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel",
            timeout=60_000,
        )
        page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
        page.set_default_timeout(20_000)
        return page

    yield open_and_run
    for page in pages:
        page.evaluate(
            "() => window.jupyterapp.shell.currentWidget.sessionContext.session?.shutdown()"
        )
        page.close()


@pytest.fixture
def kernel_peak(lab):
    """Function that gives the largest memory that a kernel has used so far [GB]."""

    def peak():
        children = psutil.Process(lab[1].pid).children(recursive=True)
        kernels = [p for p in children if "ipykernel_launcher" in " ".join(p.cmdline())]
        return max(_high_water(process.pid) for process in kernels)

    return peak


def _high_water(pid):
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1e6
