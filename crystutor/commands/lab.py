"""``crystutor lab``: the notebooks in JupyterLab, or copies of them for a student."""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from platformdirs import user_cache_dir

from crystutor.commands.console import complain
from crystutor.files import write_text

FIRST = "00_start_here.ipynb"
STUDENT_FOLDER = Path("crystutor-student")
LARGE_UPLOADS = '--ServerApp.tornado_settings={"websocket_max_message_size": 100_000_000}'
NO_NEWS = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
NO_FILE_BROWSER = {
    "data": {"layout-restorer:data": {"left": {"collapsed": True}}},
    "metadata": {"id": "default"},
}
DEFAULT_WORKSPACE = "default-37a8.jupyterlab-workspace"  # JupyterLab's name of the file


def add_lab(commands: Any) -> None:
    """Add the command and its options to a parser's commands."""
    parser = commands.add_parser("lab", help="open the notebooks in JupyterLab")
    parser.add_argument(
        "--student",
        nargs="?",
        type=Path,
        const=STUDENT_FOLDER,
        metavar="FOLDER",
        help="open copies without outputs and with folded solutions; those that FOLDER lacks are "
        f"made, the others are left as they are (default: {STUDENT_FOLDER})",
    )
    parser.add_argument(
        "--copy-only", action="store_true", help="with --student: make the copies, open nothing"
    )
    parser.add_argument("--no-browser", action="store_true", help="only print the address")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Become JupyterLab; an exit code is returned for copies only, and for errors."""
    try:
        folder = _served_folder(options)
        if options.copy_only:
            return 0
        environment = _lab_environment()
    except ValueError as error:
        return complain(str(error))
    except OSError as error:
        return complain(f"{error.filename}: {error.strerror}")
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder}"]
    command += [f"--LabApp.default_url=/lab/tree/{FIRST}", LARGE_UPLOADS]
    command += ["--no-browser"] if options.no_browser else []
    command += ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    os.execve(sys.executable, command, environment)


def _lab_environment():
    """Environment of a JupyterLab whose layout is kept in the cache, not in the user's settings."""
    settings = Path(user_cache_dir("crystutor")) / "jupyter"
    write_lab_settings(settings)
    paths = (str(settings), os.environ.get("JUPYTER_CONFIG_PATH"))
    return os.environ | {
        "JUPYTER_CONFIG_PATH": os.pathsep.join(filter(None, paths)),
        "JUPYTERLAB_WORKSPACES_DIR": str(settings / "lab" / "workspaces"),
    }


def write_lab_settings(folder: Path) -> None:
    """Let a JupyterLab open with the file browser closed, and without asking about news.

    Parameters
    ----------
    folder
        Folder laid out like ``~/.jupyter``. What it says about news and the layout of the page is
        replaced; of all else the user's own settings are in force.
    """
    write_text(folder / "labconfig" / "page_config.json", json.dumps(NO_NEWS))
    write_text(folder / "lab" / "workspaces" / DEFAULT_WORKSPACE, json.dumps(NO_FILE_BROWSER))


def _served_folder(options):
    here = Path.cwd()
    if options.student is not None:
        is_here = options.student == STUDENT_FOLDER and (here / FIRST).exists()
        return _fill_student_folder(here if is_here else here / options.student)
    if options.copy_only:
        raise ValueError("--copy-only makes the copies of --student; give both options")
    return here if (here / FIRST).exists() else _originals()


def _originals():
    places = (Path.cwd() / "notebooks", Path(__file__).resolve().parents[2] / "notebooks")
    for place in places:
        if (place / FIRST).exists():
            return place
    raise ValueError(
        f"no folder 'notebooks' with {FIRST} here; run this command in a clone of crystutor, or "
        "without --student in a folder of student copies"
    )


def _fill_student_folder(folder):
    from crystutor.commands.student_copies import add_student_copies

    originals = _originals()
    if folder.is_file():
        raise ValueError(f"--student {folder}: this is a file; name a folder, old or new")
    if folder.resolve() == originals.resolve():
        raise ValueError(f"--student {folder}: the originals are here; name another folder")
    try:
        added, present = add_student_copies(originals, folder)
    except OSError as error:
        raise ValueError(
            f"--student {folder}: {error.strerror}; name a folder that you may write to"
        ) from error
    kept = "; the others were there and are left as they are" if present else ""
    print(f"{folder}: added {added} of {added + present} notebooks{kept}", flush=True)
    return folder
