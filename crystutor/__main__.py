"""Command line: ``crystutor classify FILE...``, ``reproduce table1`` and ``lab``."""

import argparse
import json
import os
import sys
from concurrent.futures import BrokenExecutor
from pathlib import Path

from crystutor import __version__, read_structure, space_group
from crystutor.crystal.samples import is_periodic
from crystutor.executors import open_executor
from crystutor.table1.run_folder import Parameters, claim_folder

TOLERANCES = (0.001, 0.01, 0.1)  # [Å]
BAD_INPUT = 2
SCHEMA = 2  # of the JSON; 1 had no overlap, reason and warnings
LARGE_UPLOADS = '--ServerApp.tornado_settings={"websocket_max_message_size": 100_000_000}'
MOST_ATOMS_FOR_SPGLIB = 2000  # its time grows with their square


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit code, 2 if any input was bad."""
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except KeyboardInterrupt:
        return _complain("interrupted")


def _parser():
    parser = argparse.ArgumentParser(
        prog="crystutor", description="Name the crystal class of structures, defective or not."
    )
    parser.add_argument("--version", action="version", version=f"crystutor {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    classify = commands.add_parser(
        "classify",
        help="name the crystal class of structure files",
        description="Print for each file: formula, number of atoms, class and probability, the "
        "runner-up, and the space group of the average structure. Of a compound, the space group "
        "leads: the class is that of the places of its atoms, with elements ignored.",
    )
    classify.add_argument("files", nargs="+", metavar="FILE", help="CIF, POSCAR, extended XYZ, ...")
    tolerances = ", ".join(map(str, TOLERANCES))
    classify.add_argument(
        "--spglib", action="store_true", help=f"also Spglib's space group at {tolerances} Å"
    )
    classify.add_argument("--json", action="store_true", help="print JSON instead of lines")
    classify.set_defaults(run=_classify)
    _add_reproduce(commands)
    lab = commands.add_parser("lab", help="open the notebooks in JupyterLab")
    lab.add_argument("--no-browser", action="store_true", help="only print the address")
    lab.set_defaults(run=_lab)
    return parser


def _add_reproduce(commands):
    reproduce = commands.add_parser(
        "reproduce",
        help="reproduce a table of the paper",
        description="Sample crystals, train the network, damage crystals; let network, Spglib and "
        "other baselines classify them. Killed and started again, it goes on where it stopped.",
    )
    reproduce.add_argument("table", choices=["table1"])
    defaults = Parameters()
    for name, meaning in (
        ("size", "number of crystals"),
        ("extra-size", "number of crystals at levels that the paper does not have"),
        ("seed", "seed of all random numbers"),
    ):
        default = getattr(defaults, name.replace("-", "_"))
        reproduce.add_argument(
            f"--{name}", type=int, default=default, help=f"{meaning} ({default})"
        )
    reproduce.add_argument(
        "--baseline-sample",
        type=lambda text: None if text == "all" else int(text),
        default=defaults.baseline_sample,
        metavar="N",
        help=f"crystals for Spglib and other slow baselines, or 'all' ({defaults.baseline_sample})",
    )
    reproduce.add_argument("--workers", type=int, default=os.cpu_count(), help="processes")
    reproduce.add_argument("--scheduler", help="address of a running Dask scheduler, tcp://...")
    reproduce.add_argument("--out", type=Path, default=Path("table1"), help="folder (table1)")
    reproduce.set_defaults(run=_reproduce)


def _reproduce(options):
    try:
        sample = options.size if options.baseline_sample is None else options.baseline_sample
        parameters = Parameters(options.size, options.extra_size, sample, options.seed)
        claim_folder(options.out, parameters)
        with open_executor(options.workers, options.scheduler) as executor:
            from crystutor.table1.reproduce import reproduce_table1  # imports TensorFlow

            reproduce_table1(options.out, parameters, executor)
    except (ValueError, ConnectionError) as error:
        return _complain(str(error))
    except BrokenExecutor:
        return _complain(
            "a worker died, perhaps for lack of memory; finished blocks are kept in "
            f"{options.out}, repeat the command to go on, with fewer --workers if it happens again"
        )
    except OSError as error:
        return _complain(
            f"{error.filename or options.out}: {error.strerror or error}; finished blocks are kept "
            f"in {options.out}, repeat the command to go on"
        )
    print((options.out / "table1.md").read_text(encoding="utf-8"))
    print(f"tables, figures and networks are in {options.out}")
    return 0


def _classify(options):
    results = []
    for file in options.files:
        try:
            structure = read_structure(file)
            from crystutor import classify  # imports TensorFlow; a bad file need not wait for it

            answer = _named(classify, file, structure)
        except ValueError as error:
            results.append({"schema": SCHEMA, "file": file, "error": str(error)})
            _complain(results[-1]["error"])
            continue
        for warning in answer.warnings:
            print(f"crystutor: warning: {file}: {warning}", file=sys.stderr)
        spglib = _spglib(structure) if options.spglib else {}
        results.append(_result(file, structure, answer) | spglib)
        if not options.json:
            print(_line(file, structure, answer, spglib), flush=True)
    if options.json:
        print(json.dumps(results, indent=2, ensure_ascii=False))
    return BAD_INPUT if any("error" in result for result in results) else 0


def _named(classify, file, structure):
    try:
        return classify(structure)
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from error


def _result(file, structure, answer):
    return {
        "schema": SCHEMA,
        "file": file,
        "formula": structure.composition.reduced_formula,
        "n_atoms": len(structure),
        "class": answer.label,
        "class_of": "sites, elements ignored",
        "probability": answer.probability,
        "probabilities": answer.probabilities,
        "space_group": _group(answer.space_group, answer.symbol),
        "site_space_group": _group(
            answer.site_space_group, answer.average.site_symbol if answer.average else ""
        ),
        "cell": answer.cell.describe() if answer.cell else None,
        "overlap": answer.overlap,
        "reason": answer.reason,
        "note": answer.note,
        "warnings": list(answer.warnings),
    }


def _group(number, symbol):
    return None if number is None else {"number": number, "symbol": symbol}


def _spglib(structure):
    """Spglib's groups of the file as it is, or why they are missing."""
    if not is_periodic(structure):
        return {"spglib": None, "spglib_note": "Spglib was not tried on a finite sample"}
    if len(structure) > MOST_ATOMS_FOR_SPGLIB:
        return {
            "spglib": None,
            "spglib_note": f"Spglib was not tried on more than {MOST_ATOMS_FOR_SPGLIB} atoms",
        }
    return {"spglib": {str(symprec): space_group(structure, symprec) for symprec in TOLERANCES}}


def _line(file, structure, answer, spglib):
    n_atoms = f"{len(structure)} {'atom' if len(structure) == 1 else 'atoms'}"
    line = f"{file}: {structure.composition.reduced_formula}, {n_atoms}: {answer.describe()}"
    if spglib.get("spglib"):
        groups = (
            f"{number or 'none'} at {symprec} Å" for symprec, number in spglib["spglib"].items()
        )
        return f"{line}; Spglib: space group {', '.join(groups)}"
    return f"{line}; {spglib['spglib_note']}" if spglib else line


def _lab(options):
    places = (Path.cwd() / "notebooks", Path(__file__).resolve().parents[1] / "notebooks")
    folder = next((place for place in places if place.is_dir()), None)
    if folder is None:
        return _complain("no folder 'notebooks' here; run this command in a clone of crystutor")
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder}"]
    command += ["--LabApp.default_url=/lab/tree/00_start_here.ipynb", LARGE_UPLOADS]
    command += ["--no-browser"] if options.no_browser else []
    command += ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    os.execv(sys.executable, command)


def _complain(message):
    print(f"crystutor: error: {message}", file=sys.stderr)
    return BAD_INPUT


if __name__ == "__main__":
    sys.exit(main())
