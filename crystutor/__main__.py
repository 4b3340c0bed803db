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
        description="Print for each file: formula, number of atoms, class and probability, and "
        "the runner-up.",
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
            results.append(_result(file, options.spglib))
        except ValueError as error:
            results.append({"schema": SCHEMA, "file": file, "error": str(error)})
            _complain(results[-1]["error"])
        else:
            if not options.json:
                print(_line(results[-1]), flush=True)
    if options.json:
        print(json.dumps(results, indent=2, ensure_ascii=False))
    return BAD_INPUT if any("error" in result for result in results) else 0


def _result(file, with_spglib):
    structure = read_structure(file)
    try:
        from crystutor import classify  # imports TensorFlow, which a bad file need not wait for

        classification = classify(structure)
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from error
    for warning in classification.warnings:
        print(f"crystutor: warning: {file}: {warning}", file=sys.stderr)
    result = {
        "schema": SCHEMA,
        "file": file,
        "formula": structure.composition.reduced_formula,
        "n_atoms": len(structure),
        "class": classification.label,
        "probability": classification.probability,
        "probabilities": classification.probabilities,
        "cell": classification.cell.describe() if classification.cell else None,
        "overlap": classification.overlap,
        "reason": classification.reason,
        "note": classification.note,
        "warnings": list(classification.warnings),
    }
    return _add_spglib(result, structure) if with_spglib else result


def _add_spglib(result, structure):
    """Spglib's groups beside an answer, or why they are missing."""
    if not is_periodic(structure):
        untried = "Spglib was not tried on a finite sample"
    elif len(structure) > MOST_ATOMS_FOR_SPGLIB:
        untried = f"Spglib was not tried on more than {MOST_ATOMS_FOR_SPGLIB} atoms"
    else:
        groups = {str(symprec): space_group(structure, symprec) for symprec in TOLERANCES}
        return result | {"spglib": groups}
    return result | {"note": "; ".join(filter(None, (result["note"], untried)))}


def _line(result):
    atoms = "atom" if result["n_atoms"] == 1 else "atoms"
    parts = [f"{result['file']}: {result['formula']}, {result['n_atoms']} {atoms}: "]
    if result["class"] is None:
        parts.append(f"no class: {result['note']}")
    else:
        runner_up = sorted(result["probabilities"], key=result["probabilities"].get)[-2]
        parts.append(
            f"{result['class']} {result['probability']:.2%}, "
            f"next {runner_up} {result['probabilities'][runner_up]:.2%}"
        )
        parts.append(f"; {result['note']}" if result["note"] else "")
    if "spglib" in result:
        groups = (
            f"{group or 'none'} at {symprec} Å" for symprec, group in result["spglib"].items()
        )
        parts.append("; Spglib: space group " + ", ".join(groups))
    return "".join(parts)


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
