"""``crystutor map FILE``."""

import argparse
import sys
import warnings
from functools import partial
from typing import Any

from crystutor.commands.console import add_run_options, finish
from crystutor.crystal.reading.frames import read_structure
from crystutor.executors import open_executor
from crystutor.files import finished_file

DPI = 150  # of the picture
WINDOWS = "windows"  # folder in which finished windows are kept


def add_map(commands: Any) -> None:
    """Add the command and its options to a parser's commands."""
    parser = commands.add_parser(
        "map",
        help="map a polycrystal: classes, grains, orientations",
        description="Look at windows of a large sample, join them to grains, and find each atom's "
        "grain. Killed and started again, it goes on where it stopped.",
    )
    parser.add_argument("file", metavar="FILE", help="extended XYZ, LAMMPS dump, CIF, ...")
    parser.add_argument("--stride", type=float, default=8.0, help="of the windows [Å] (8)")
    parser.add_argument("--atoms", type=int, default=250, help="atoms of a window (250)")
    parser.add_argument("--format", help="ASE's name of the file's format")
    parser.add_argument("--elements", nargs="+", help="elements of the types of atoms (LAMMPS)")
    add_run_options(parser, "map")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Map the file; return the exit code."""
    return finish(partial(_map, options), options.out)


def _map(options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they are in the structure's properties, printed below
        structure = read_structure(options.file, options.format, options.elements)
    with open_executor(options.workers, options.scheduler) as executor:
        from crystutor.maps.figures import draw_overview  # imports matplotlib
        from crystutor.maps.mapping import map_structure

        found = map_structure(
            structure,
            options.stride,
            options.atoms,
            executor=executor,
            progress=sys.stderr.isatty(),
            folder=options.out / WINDOWS,
        )
    found.write(options.out)
    with finished_file(options.out / "map.png") as path:
        draw_overview(found).savefig(path, dpi=DPI)
    print(found.describe())
    for warning in structure.properties.get("warnings", ()):
        print(f"warning: {warning}")
    print(f"atoms, windows, grains and a picture are in {options.out}")
