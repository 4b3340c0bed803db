"""Execute notebooks in place, top to bottom, and keep only outputs that can be printed.

    python tools/execute_notebooks.py notebooks/*.ipynb

Text and figures stay, and what the cell's metadata "alt" says of a figure for those who do not see
it. Widget state, references to live widgets, and times are dropped. Cells tagged "solution" are
folded. The figure of the cell tagged "readme" is saved in docs/figures.
"""

import base64
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbclient import NotebookClient
from tqdm import tqdm

WIDGET = "application/vnd.jupyter.widget-view+json"
EMPTY = {"text/plain": ""}
FIGURES = Path(__file__).parents[1] / "docs/figures"
FOLDED = {"jupyter": {"source_hidden": True, "outputs_hidden": True}}
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def main(paths):
    for path in tqdm(paths):
        notebook = nbformat.read(path, as_version=4)
        with TemporaryDirectory() as folder:  # no network that was trained before lies there
            client = NotebookClient(
                notebook,
                timeout=1200,  # training takes minutes, more on a busy machine
                kernel_name="python3",
                resources={"metadata": {"path": folder}},
                store_widget_state=False,
                coalesce_streams=True,
                record_timing=False,
            )
            client.execute()
        clean(notebook)
        nbformat.write(notebook, path)
        save_figure(notebook, FIGURES / f"{Path(path).stem}.png")


def clean(notebook):
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        kept = {key: cell.metadata[key] for key in ("tags", "alt") if cell.metadata.get(key)}
        cell.metadata = nbformat.from_dict(kept | (FOLDED if "solution" in tags else {}))
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if reads_on_paper(output)]


def reads_on_paper(output):
    data = output.get("data", {})
    return WIDGET not in data and data != EMPTY


def save_figure(notebook, path):
    [cell] = [cell for cell in notebook.cells if "readme" in cell.metadata.get("tags", [])]
    [png] = [o.data["image/png"] for o in cell.outputs if "image/png" in o.get("data", {})]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(base64.b64decode(png))


if __name__ == "__main__":
    main(sys.argv[1:])
