"""``crystutor classify FILE...``: one line for each structure."""

import argparse
import sys
from collections import deque
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Executor
from contextlib import nullcontext
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from typing import Any

from pymatgen.core import Element
from tqdm.auto import tqdm

from crystutor.arguments import InputError
from crystutor.commands import records
from crystutor.commands.console import BAD_INPUT, complain
from crystutor.commands.inputs import Entry, read_entries
from crystutor.executors import open_executor
from crystutor.verdict.classification import Classification
from crystutor.verdict.classifier import classify_each

SLOW = 2  # after which there is a progress bar [s]
DESCRIPTION = (
    "Print for each structure: formula, number of atoms, class and probability, the runner-up, "
    "and the space group of the average structure. Of a compound, the space group leads: the "
    "class is that of the places of its atoms, with elements ignored."
)


def add_classify(commands: Any) -> None:
    """Add the command and its options to a parser's commands."""
    parser = commands.add_parser(
        "classify", help="name the crystal class of structure files", description=DESCRIPTION
    )
    tolerances = ", ".join(map(str, records.TOLERANCES))
    parser.add_argument(
        "files",
        nargs="*",
        metavar="FILE",
        help="CIF, POSCAR, extended XYZ, ...; file@-1 or file@::10 for some of its frames; a "
        "folder; a glob in quotes; - for standard input",
    )
    parser.add_argument("--index", default=":", help="frames to read, as in ASE: --index=-1, ::10")
    parser.add_argument("--format", help="ASE's name of the format; else name and content tell")
    parser.add_argument(
        "--elements",
        nargs="+",
        default=[],
        metavar="EL",
        help="elements of the types of a LAMMPS file: --elements Al Ni",
    )
    parser.add_argument("--workers", type=int, default=1, help="processes (1)")
    parser.add_argument(
        "--spglib", action="store_true", help=f"also Spglib's space group at {tolerances} Å"
    )
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="print an object of JSON a line")
    output.add_argument("--csv", action="store_true", help="print a table")
    parser.add_argument("--plot", type=Path, metavar="IMAGE", help="draw class against frame")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Classify all files; return the exit code, 2 if any of them was bad."""
    files, elements = _files_and_elements(options)
    if not files:
        return complain("no FILE is given; at least one is needed")
    try:
        _check_plot(options.plot)
        workers = nullcontext() if options.workers == 1 else open_executor(options.workers)
        with workers as executor:
            entries = read_entries(files, options.index, options.format, elements)
            return _report(_answered(entries, executor), options)
    except ValueError as error:
        return complain(str(error))
    except BrokenExecutor:
        return complain("a worker died, perhaps for lack of memory; try fewer --workers")


def _files_and_elements(options):
    """Part elements from files: in ``--elements Al Ni FILE`` argparse takes all for elements."""
    named = list(takewhile(_are_elements, options.elements))
    files = [*options.files, *options.elements[len(named) :]]
    return files, [symbol for text in named for symbol in text.split(",")] or None


def _are_elements(text):
    return all(Element.is_valid_symbol(symbol) for symbol in text.split(","))


def _check_plot(path):
    """See before the work whether the picture can be written."""
    if path is None:
        return
    from matplotlib.backend_bases import FigureCanvasBase

    kinds = FigureCanvasBase.get_supported_filetypes()
    if path.suffix.removeprefix(".").lower() not in kinds:
        raise InputError(f"{path}: no kind of image; accepted are .{', .'.join(sorted(kinds))}")


def _answered(
    entries: Iterator[Entry], executor: Executor | None
) -> Iterator[tuple[Entry, Classification | ValueError]]:
    """Yield each entry with its answer, in order."""
    waiting: deque[Entry] = deque()

    def found():
        for entry in entries:
            waiting.append(entry)
            yield entry.found

    for answer in classify_each(found(), executor=executor):
        yield waiting.popleft(), answer


def _report(answered, options):
    """Print what was found about each structure while the others are still at work."""
    if options.csv:
        print(records.row_of(records.COLUMNS), flush=True)
    is_bad, skipped, drawn = False, [], []
    hidden = not sys.stderr.isatty()
    with tqdm(answered, unit=" structures", delay=SLOW, disable=hidden, leave=False) as bar:
        for entry, answer in bar:
            if entry.is_skipped:
                skipped.append(entry.name)
                continue
            bar.clear()  # it comes back below the line
            _show(entry, answer, options)
            is_bad |= isinstance(answer, ValueError)
            if options.plot and isinstance(answer, Classification):
                drawn.append(replace(answer, atoms=None, image=None, average=None))
    if skipped:
        files = "1 file" if len(skipped) == 1 else f"{len(skipped)} files"
        print(f"crystutor: skipped {files} of unknown format: {_some(skipped)}", file=sys.stderr)
    if drawn:
        _draw(drawn, options.plot)
    return BAD_INPUT if is_bad else 0


def _some(names):
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


def _show(entry, answer, options):
    if isinstance(answer, ValueError):
        is_read = not isinstance(entry.found, ValueError)  # then the message does not name the file
        message = f"{entry.name}: {answer}" if is_read else str(entry.found)
        complain(message)
        record = records.error_record(entry.name, message)
    else:
        spglib = records.spglib_of(entry.found) if options.spglib else {}
        record = records.record_of(entry.name, entry.found, answer) | spglib
        if not options.json and not options.csv:
            print(records.line_of(entry.name, entry.found, answer, spglib), flush=True)
    if options.json or options.csv:
        print((records.json_line if options.json else records.csv_line)(record), flush=True)


def _draw(answers, path):
    from matplotlib.figure import Figure

    from crystutor.files import finished_file
    from crystutor.plotting.answers import plot_trajectory

    figure = Figure(figsize=(6, 4.6), layout="constrained")
    plot_trajectory(answers, axes=figure.subplots(3, sharex=True))
    with finished_file(path) as unfinished:
        figure.savefig(unfinished, dpi=150)
