"""The widgets of every notebook in JupyterLab in Chromium; explorers moved by mouse and keyboard.

nbval runs the notebooks whole. Here only the cells that show widgets are run, with the cells that
they need; of one short notebook, all.
"""

import ast
import io
import re
import time

import nbformat
import numpy as np
import pytest
from PIL import Image

from crystutor import EXAMPLES
from tests.browser.conftest import DESKTOP, NOTEBOOKS, PROJECTOR, ROOT, until
from tests.conftest import LARGEST_KERNEL
from tests.test_explorers import SMALLEST_LABEL

SCREENSHOTS = ROOT / "build" / "screenshots"
WIDGET = re.compile(r"_explorer\(|view_structure\(|\.widget$", re.MULTILINE)
RUN_ALL = "() => window.jupyterapp.commands.execute('notebook:run-all-cells')"
RUN_CELLS = """async cells => {
    const notebook = window.jupyterapp.shell.currentWidget.content;
    for (const cell of cells) {
        notebook.deselectAll();
        notebook.activeCellIndex = cell;
        await window.jupyterapp.commands.execute('notebook:run-cell');
    }
}"""
RUN_CODE = """async code => {
    const {kernel} = window.jupyterapp.shell.currentWidget.sessionContext.session;
    return (await kernel.requestExecute({code}).done).content.status;
}"""
ERRORS = """() => window.jupyterapp.shell.currentWidget.content.model.toJSON().cells
    .flatMap(cell => cell.outputs ?? []).filter(output => output.output_type === 'error')
    .map(output => output.evalue)"""
PICTURES = "() => Array.from(document.querySelectorAll(\"img[src^='blob:']\")).map(i => i.src)"
CHANGED = f"before => ({PICTURES})().some(source => !before.includes(source))"
SIZES = """panel => Array.from(panel.querySelectorAll('.widget-gridbox > *, canvas, img'))
    .map(element => element.getBoundingClientRect()).filter(box => box.width > 0)
    .map(box => [box.left, box.top, box.right, box.bottom])"""
CUT_OFF = """panel => Array.from(panel.querySelectorAll('.widget-label, .widget-readout, button'))
    .filter(label => label.scrollWidth > label.clientWidth).map(label => label.innerText)"""
POINTS = "picture => picture.getBoundingClientRect().width / picture.naturalWidth * 4 / 3"
DRAWN_ANEW = """() => new Promise(
    done => requestAnimationFrame(() => requestAnimationFrame(done)))"""
RED = "b[style*='b00020']"
VACANCIES = "vacancies [fraction]"
CENTRES = "removed [fraction]"


def shot(locator):
    return np.asarray(Image.open(io.BytesIO(locator.screenshot())).convert("L"), float)


def settled(locator):
    """Picture of a canvas once it is drawn: NGL draws in frames of its own, and glides on."""
    shots = [shot(locator)]

    def is_still():
        shots.append(shot(locator))
        return shots[-1].std() > 5 and np.array_equal(shots[-1], shots[-2])

    until(is_still)
    return shots[-1]


def keep(locator, name):
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    locator.screenshot(path=SCREENSHOTS / f"{name}.png")


def panel_with(page, label):
    """The explorer that has a control with this label, in sight."""
    panel = page.locator(".widget-vbox", has=page.get_by_text(label, exact=True)).last
    panel.locator("canvas:visible, img").first.scroll_into_view_if_needed()
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


def check_layout(page):
    """All of an explorer fits a projector's page, readable; on a desktop it uses the width."""
    panel = page.locator(".crystutor-panel:has(.widget-gridbox)")
    for size in (DESKTOP, PROJECTOR):
        page.set_viewport_size(size)
        page.evaluate(DRAWN_ANEW)
        area = page.locator(".jp-NotebookPanel-notebook").bounding_box()
        boxes = np.array(panel.evaluate(SIZES))
        whole = panel.bounding_box()
        assert (boxes[:, 0] >= whole["x"]).all() and not overlaps(boxes)
        assert (boxes[:, 2] <= whole["x"] + whole["width"] + 1).all()
        assert boxes[:, 3].max() - boxes[:, 1].min() < area["height"]
        pictures = panel.locator("canvas:visible, img")
        widths = [pictures.nth(n).bounding_box()["width"] for n in range(pictures.count())]
        assert len(widths) == 2 and sum(widths) >= 0.85 * whole["width"]
        assert SMALLEST_LABEL * panel.locator("img").evaluate(POINTS) >= 12  # [pixel]
    assert panel.evaluate(CUT_OFF) == []


def overlaps(boxes):
    """Pairs of boxes, left, top, right and bottom, that share more than a pixel's rim."""
    return [
        (one, other)
        for n, one in enumerate(boxes)
        for other in boxes[:n]
        if (np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2]) > 1).all()
    ]


def check_margins(locator):
    """No atom and no edge of a cell touches the margin of a view."""
    picture = settled(locator)
    assert (picture[:4] == 255).all() and (picture[:, :4] == 255).all()
    assert (picture[-4:, :-20] == 255).all() and (picture[:-20, -4:] == 255).all()  # but a handle


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
    turned = settled(canvas)
    shares = (0.2, 0.4, 0.6, 0.3, 0.5, 0.7, 0.1)
    seconds = [seconds_to_a_new_picture(page, panel, VACANCIES, share) for share in shares]
    print(f"{np.median(seconds):.3f} s (median) from releasing a slider to a new picture")
    before = settled(canvas)
    drag(page, panel, VACANCIES, 0.25 / 0.9)
    wait_for_text(panel, "192 of 256 atoms")
    until(lambda: not np.array_equal(shot(canvas), before))
    after = settled(canvas)
    assert panel.locator("canvas").count() == 1
    check_margins(canvas)
    assert np.corrcoef(turned.ravel(), after.ravel())[0, 1] > 0.9  # the camera has stayed


def fingerprint_explorer(page, _):
    panel = panel_with(page, "rotation [degree]")
    drag(page, panel, "rotation [degree]", 1 / 3)
    wait_for_text(panel, "±30° about each axis")
    before = page.evaluate(PICTURES)
    panel.locator("select").last.select_option("y")
    wait_for_text(panel, "±30° about y")
    page.wait_for_function(CHANGED, arg=before)


def live_curve(page, _):
    """The curve grows while a small network learns nonsense."""
    before = page.evaluate(PICTURES)
    assert page.evaluate(RUN_CODE, LEARN_NONSENSE) == "ok"
    page.wait_for_function(CHANGED, arg=before)


LEARN_NONSENSE = """
images, labels = np.random.default_rng(1).random((80, 64, 64, 3)), np.arange(80) % 7
ct.train_convnet(images, labels, ct.build_linear_softmax(1), 2, callbacks=[curve])
"""


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
        check_margins(panel.locator("canvas"))
    for share in (0.5, 1.0):
        drag(page, panel, "c/a", share)
        wait_for_text(panel, "ConvNet: hex/rh")
        check_margins(panel.locator("canvas"))


def response_map_explorer(page, _):
    panel = panel_with(page, "layer")
    panel.locator("select").last.select_option("conv1")
    wait_for_text(panel, "this filter of conv1")
    before = page.evaluate(PICTURES)
    panel.locator(".noUi-handle").first.press("ArrowRight")
    page.wait_for_function(CHANGED, arg=before)


BAD_FILES = {"broken.cif": b"data_\nnot a structure\n", "huge.cif": b"#" * 50_000_000}


def upload(page, panel, file):
    with page.expect_file_chooser() as chooser:
        panel.locator("button.widget-upload").click()
    chooser.value.set_files(file)


def upload_explorer(page, tmp_path):
    panel = panel_with(page, VACANCIES)
    good = EXAMPLES / "Cu_25_percent_vacancies.cif"
    upload(page, panel, good)
    answer = "Cu_25_percent_vacancies.cif: Cu, 192 atoms in the file. Cluster of 1.. atoms: fcc"
    wait_for_text(panel, answer)
    for name, content in BAD_FILES.items():
        (tmp_path / name).write_bytes(content)
        upload(page, panel, tmp_path / name)
        panel.locator(RED, has_text=name).wait_for(timeout=40_000)
        assert panel.locator("canvas:visible, img:visible").count() == 0
        assert panel.get_by_text(re.compile("fcc|atoms")).count() == 0
        assert panel.locator(".noUi-target[disabled]:visible").count() == 3
    keep(panel, "upload_error")
    upload(page, panel, good)
    wait_for_text(panel, answer)
    drag(page, panel, VACANCIES, 0.3)
    upload(page, panel, good)  # while the computation may still be going on
    wait_for_text(panel, answer)
    check_margins(panel.locator("canvas"))
    assert panel.locator(RED).count() == 0


MOVES = {
    "01_crystals_and_defects.ipynb": structure_explorer,
    "02_diffraction_fingerprint.ipynb": fingerprint_explorer,
    "04_training_a_convnet.ipynb": live_curve,
    "06_bcc_to_sc.ipynb": bcc_to_sc_explorer,
    "07_rhombohedral_path.ipynb": rhombohedral_explorer,
    "08_attentive_response_maps.ipynb": response_map_explorer,
    "09_your_own_structure.ipynb": upload_explorer,
}


def names(source, *contexts):
    """Names that a cell uses or sets, functions and imports included."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, contexts):
            yield node.id
        elif ast.Store in contexts and isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif ast.Store in contexts and isinstance(node, ast.alias):
            yield (node.asname or node.name).split(".")[0]


def cells_to_run(cells):
    """Numbers of the code cells that show widgets and of those that set the names they use."""
    code = {n: cell.source for n, cell in enumerate(cells) if cell.cell_type == "code"}
    setting = {n: set(names(source, ast.Store)) for n, source in code.items()}
    chosen, open_ = set(), [n for n, source in code.items() if WIDGET.search(source)]
    while open_:
        number = open_.pop()
        chosen.add(number)
        for name in names(code[number], ast.Load):
            before = [n for n in code if n < number and name in setting[n]]
            open_ += set(before[-1:]) - chosen
    return sorted(chosen)


def check_page(page, name):
    assert page.evaluate(ERRORS) == []
    assert page.locator(RED).count() == 0
    canvases = page.locator(".jp-OutputArea canvas:visible")
    for number in range(canvases.count()):
        canvases.nth(number).scroll_into_view_if_needed()
        settled(canvases.nth(number))  # and not empty
    explorers = page.locator(".jp-OutputArea .widget-vbox")
    if explorers.count():
        keep(explorers.first, name.removesuffix(".ipynb"))
    return canvases.count() + explorers.count()


def test_a_whole_notebook(open_notebook, kernel_peak):
    page = open_notebook("00_start_here.ipynb")
    page.evaluate(RUN_ALL)
    assert check_page(page, "00_start_here.ipynb") > 0
    assert kernel_peak() < LARGEST_KERNEL


CELLS = {
    path.name: cells
    for path in sorted(NOTEBOOKS.glob("*.ipynb"))[1:]
    if (cells := cells_to_run(nbformat.read(path, as_version=4).cells))
}


def test_every_move_has_a_notebook():
    assert set(MOVES) <= set(CELLS) and len(CELLS) >= 9


@pytest.mark.parametrize("name", CELLS)
def test_widgets(name, open_notebook, kernel_peak, tmp_path):
    page = open_notebook(name)
    page.evaluate(RUN_CELLS, CELLS[name])
    assert check_page(page, name) > 0
    if page.locator(".crystutor-panel").count():
        check_layout(page)
    if name in MOVES:
        MOVES[name](page, tmp_path)
    peak = kernel_peak()
    print(f"{name}: {peak:.2f} GB at most")
    assert peak < LARGEST_KERNEL
