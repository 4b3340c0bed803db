"""``crystutor lab``: the notebooks in JupyterLab."""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from crystutor.commands.console import complain

LARGE_UPLOADS = '--ServerApp.tornado_settings={"websocket_max_message_size": 100_000_000}'


def add_lab(commands: Any) -> None:
    """Add the command and its options to a parser's commands."""
    parser = commands.add_parser("lab", help="open the notebooks in JupyterLab")
    parser.add_argument("--no-browser", action="store_true", help="only print the address")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Become JupyterLab; an exit code is returned only if there are no notebooks."""
    places = (Path.cwd() / "notebooks", Path(__file__).resolve().parents[2] / "notebooks")
    folder = next((place for place in places if place.is_dir()), None)
    if folder is None:
        return complain("no folder 'notebooks' here; run this command in a clone of crystutor")
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder}"]
    command += ["--LabApp.default_url=/lab/tree/00_start_here.ipynb", LARGE_UPLOADS]
    command += ["--no-browser"] if options.no_browser else []
    command += ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    os.execv(sys.executable, command)
