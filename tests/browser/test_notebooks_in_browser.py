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
PICTURES = "() => Array.from(document.querySelectorAll(\"img[src^='blob:']\")).map(i => i.src)"
CHANGED = f"before => ({PICTURES})().some(source => !before.includes(source))"
RED = "b[style*='b00020']"
VACANCIES = "vacancies [fraction of atoms]"
CENTRES = "centres removed [fraction]"


def shot(locator):
    return np.asarray(Image.open(io.BytesIO(locator.screenshot())).convert("L"), float)


def keep(locator, name):
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    locator.screenshot(path=SCREENSHOTS / f"{name}.png")


def panel_with(page, label):
    """The explorer that has a control with this label, in sight."""
    panel = page.locator(".widget-vbox", has=page.get_by_text(label, exact=True)).last
    panel.locator("canvas").first.scroll_into_view_if_needed()
    return panel


def drag(page, panel, label, share):
    """Drag a slider with the mouse to a share of its way."""
    slider = panel.locator(".widget-slider", has=page.get_by_text(label, exact=True))
    base, box = (slider.locator(f".noUi-{part}").bounding_box() for part in ("base", "handle"))
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, y)
    page.mouse.down()
    page.mouse.move(base["x"] + share * base["width"], y, steps=4)
    page.mouse.up()


def wait_for_text(panel, pattern):
    panel.get_by_text(re.compile(pattern)).first.wait_for(timeout=20_000)


def seconds_to_a_new_picture(page, panel, label, share):
    before = page.evaluate(PICTURES)
    drag(page, panel, label, share)
    start = time.monotonic()
    page.wait_for_function(CHANGED, arg=before, polling=20)
    return time.monotonic() - start


def structure_explorer(page, _):
    panel = panel_with(page, VACANCIES)
    canvas = panel.locator("canvas").first
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 160, steps=5)
    page.mouse.up()
    page.wait_for_timeout(500)
    turned = shot(canvas)
    shares = (0.2, 0.4, 0.6, 0.3, 0.5, 0.7, 0.1)
    seconds = [seconds_to_a_new_picture(page, panel, VACANCIES, share) for share in shares]
    print(f"{np.median(seconds):.3f} s (median) from releasing a slider to a new picture")
    drag(page, panel, VACANCIES, 0.25 / 0.9)
    wait_for_text(panel, "192 of 256 atoms")
    page.wait_for_timeout(1000)
    assert panel.locator("canvas").count() == 1
    assert np.corrcoef(turned.ravel(), shot(canvas).ravel())[0, 1] > 0.9  # the camera has stayed


def bcc_to_sc_explorer(page, _):
    panel = panel_with(page, CENTRES)
    for share, text in (
        (1, "125 atoms.*ConvNet: sc"),
        (0.7, "163 atoms.*ConvNet: bcc"),
        (0, "250.*ConvNet: bcc"),
    ):
        drag(page, panel, CENTRES, share)
        wait_for_text(panel, text)
        assert panel.locator("canvas").count() == 1
    panel.locator(".noUi-handle").first.press("ArrowRight")
    wait_for_text(panel, "244 atoms")


def rhombohedral_explorer(page, _):
    panel = panel_with(page, "c/a")
    readout = panel.locator(".widget-readout").first
    drag(page, panel, "c/a", 0.0)
    wait_for_text(panel, "Average cell: cI. ConvNet: bcc")
    for label in ("sc", "fcc"):
        for _ in range(60):
            panel.locator(".noUi-handle").first.press("ArrowRight")
            if readout.inner_text().endswith(f" {label}"):
                break
        wait_for_text(panel, f"Average cell: c[PF]. ConvNet: {label}")
    drag(page, panel, "c/a", 0.5)
    wait_for_text(panel, "ConvNet: hex/rh")


BAD_FILES = {"broken.cif": b"data_\nnot a structure\n", "huge.cif": b"#" * 50_000_000}


def upload(page, panel, file):
    with page.expect_file_chooser() as chooser:
        panel.locator("button.widget-upload").click()
    chooser.value.set_files(file)


def upload_explorer(page, tmp_path):
    panel = panel_with(page, VACANCIES)
    good = EXAMPLES / "Cu_25_percent_vacancies.cif"
    upload(page, panel, good)
    wait_for_text(panel, "Cu_25_percent_vacancies.cif: Cu, 192 atoms. ConvNet: fcc")
    for name, content in BAD_FILES.items():
        (tmp_path / name).write_bytes(content)
        upload(page, panel, tmp_path / name)
        panel.locator(RED, has_text=name).wait_for(timeout=40_000)
    keep(panel, "upload_error")
    drag(page, panel, VACANCIES, 0.3)
    upload(page, panel, good)  # while the computation may still be going on
    wait_for_text(panel, "Cu_25_percent_vacancies.cif: Cu, 1.. atoms. ConvNet: fcc")
    assert panel.locator(RED).count() == 0


MOVES = {
    "01_crystals_and_defects.ipynb": structure_explorer,
    "06_bcc_to_sc.ipynb": bcc_to_sc_explorer,
    "07_rhombohedral_path.ipynb": rhombohedral_explorer,
    "09_your_own_structure.ipynb": upload_explorer,
}


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook(name, open_notebook, kernel_peak, tmp_path):
    page = open_notebook(name)
    assert page.evaluate(ERRORS) == []
    assert page.locator(RED).count() == 0
    page.wait_for_timeout(1000)  # NGL draws in frames of its own
    canvases = page.locator(".jp-OutputArea canvas:visible")
    for number in range(canvases.count()):
        canvases.nth(number).scroll_into_view_if_needed()
        assert shot(canvases.nth(number)).std() > 5, f"canvas {number} of {name} is empty"
    if name in MOVES:
        MOVES[name](page, tmp_path)
    explorers = page.locator(".jp-OutputArea .widget-vbox")
    if explorers.count():
        keep(explorers.first, name.removesuffix(".ipynb"))
    peak = kernel_peak()
    print(f"{name}: {peak:.2f} GB at most")
    assert peak < LARGEST_KERNEL
