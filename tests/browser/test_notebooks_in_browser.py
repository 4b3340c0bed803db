"""Every notebook, run in JupyterLab in Chromium; every explorer, moved by mouse and keyboard."""

import io
import re
import time

import numpy as np
import pytest
from PIL import Image

from crystutor import EXAMPLES
from tests.browser.conftest import NOTEBOOKS, SCREENSHOTS

LARGEST_KERNEL = 1.2  # [GB]
ERRORS = """() => window.jupyterapp.shell.currentWidget.content.model.toJSON().cells
    .flatMap(cell => cell.outputs ?? []).filter(output => output.output_type === 'error')
    .map(output => output.evalue)"""
PICTURE = "img[src^='blob:']"
RED = "b[style*='b00020']"


def shot(locator):
    return np.asarray(Image.open(io.BytesIO(locator.screenshot())).convert("L"), float)


def keep(locator, name):
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    locator.screenshot(path=SCREENSHOTS / f"{name}.png")


def panel_with(page, label):
    """The explorer that has a control with this label."""
    panel = page.locator(".widget-vbox", has=page.get_by_text(label, exact=True)).last
    panel.locator(".nglview-container, canvas").first.scroll_into_view_if_needed()
    return panel


def drag(page, panel, label, share):
    """Drag a slider with the mouse to a share of its way."""
    slider = panel.locator(".widget-slider", has=page.get_by_text(label, exact=True))
    base, handle = slider.locator(".noUi-base").bounding_box(), slider.locator(".noUi-handle")
    box = handle.bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, y)
    page.mouse.down()
    page.mouse.move(base["x"] + share * base["width"], y, steps=4)
    page.mouse.up()


def wait_for_text(panel, pattern):
    panel.get_by_text(re.compile(pattern)).first.wait_for(timeout=20_000)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_runs(name, open_notebook, kernel_peak):
    page = open_notebook(name)
    assert page.evaluate(ERRORS) == []
    assert page.locator(RED).count() == 0
    page.wait_for_timeout(1000)  # NGL draws in frames of its own
    canvases = page.locator(".jp-OutputArea canvas:visible")
    for number in range(canvases.count()):
        canvases.nth(number).scroll_into_view_if_needed()
        assert shot(canvases.nth(number)).std() > 5, f"canvas {number} of {name} is empty"
    explorers = page.locator(".jp-OutputArea .widget-vbox")
    if explorers.count():
        keep(explorers.first, name.removesuffix(".ipynb"))
    assert kernel_peak() < LARGEST_KERNEL


def test_bcc_to_sc_explorer(open_notebook):
    page = open_notebook("06_bcc_to_sc.ipynb")
    label = "centres removed [fraction]"
    panel = panel_with(page, label)
    for share, text in (
        (1.0, "125 atoms.*ConvNet: sc"),
        (0.7, "163 atoms"),
        (0.0, "250 atoms.*ConvNet: bcc"),
    ):
        drag(page, panel, label, share)
        wait_for_text(panel, text)
        assert panel.locator("canvas").count() == 1
    panel.locator(".noUi-handle").press("ArrowRight")
    wait_for_text(panel, "244 atoms")
    keep(panel, "bcc_to_sc_explorer")


def test_rhombohedral_explorer(open_notebook):
    page = open_notebook("07_rhombohedral_path.ipynb")
    panel = panel_with(page, "c/a")
    readout = panel.locator(".widget-readout").first
    drag(page, panel, "c/a", 0.0)
    wait_for_text(panel, "ConvNet: bcc")
    assert "bcc" in readout.inner_text()
    for label in ("sc", "fcc"):
        for _ in range(60):
            panel.locator(".noUi-handle").press("ArrowRight")
            if readout.inner_text().endswith(f" {label}"):
                break
        wait_for_text(panel, f"Average cell: c[PF]. ConvNet: {label}")
    drag(page, panel, "c/a", 0.5)
    wait_for_text(panel, "ConvNet: hex/rh")
    keep(panel, "rhombohedral_explorer")


def test_camera_stays_where_the_user_turned_it(open_notebook):
    page = open_notebook("01_crystals_and_defects.ipynb")
    label = "vacancies [fraction of atoms]"
    panel = panel_with(page, label)
    canvas = panel.locator("canvas").first
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 160, steps=5)
    page.mouse.up()
    orientation = "() => Array.from(document.querySelectorAll('canvas')).length"
    before = page.evaluate(orientation)
    turned = shot(canvas)
    drag(page, panel, label, 0.35)
    wait_for_text(panel, "atoms. ConvNet: fcc")
    drag(page, panel, label, 0.25 / 0.9)
    wait_for_text(panel, "192 of 256 atoms")
    page.wait_for_timeout(1000)
    assert page.evaluate(orientation) == before
    assert np.corrcoef(turned.ravel(), shot(canvas).ravel())[0, 1] > 0.9


def test_from_slider_to_picture(open_notebook):
    page = open_notebook("01_crystals_and_defects.ipynb")
    label = "vacancies [fraction of atoms]"
    panel = panel_with(page, label)
    seconds = []
    for share in (0.2, 0.4, 0.6, 0.3, 0.5, 0.7, 0.1):
        before = panel.locator(PICTURE).first.get_attribute("src")
        drag(page, panel, label, share)
        start = time.monotonic()
        page.wait_for_function(
            "([selector, before]) => Array.from(document.querySelectorAll(selector))"
            ".every(image => image.src !== before)",
            arg=[PICTURE, before],
            polling=20,
        )
        seconds.append(time.monotonic() - start)
    print(f"median {np.median(seconds):.3f} s from releasing a slider to a new picture")


def test_upload(open_notebook, tmp_path):
    page = open_notebook("09_your_own_structure.ipynb")
    panel = panel_with(page, "vacancies [fraction of atoms]")
    good, bad = EXAMPLES / "Cu_25_percent_vacancies.cif", tmp_path / "broken.cif"
    bad.write_text("data_\nnot a structure\n", encoding="utf-8")
    choose = panel.locator("input[type=file]")
    choose.set_input_files(good)
    wait_for_text(panel, "Cu_25_percent_vacancies.cif: Cu, 192 atoms. ConvNet: fcc")
    choose.set_input_files(bad)
    wait_for_text(panel, "broken.cif")
    keep(panel, "upload_error")
    choose.set_input_files(good)
    wait_for_text(panel, "Cu_25_percent_vacancies.cif: Cu, 192 atoms. ConvNet: fcc")
    assert panel.locator(RED).count() == 0
