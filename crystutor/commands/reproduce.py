"""``crystutor reproduce table1``."""

import argparse
from functools import partial
from typing import Any

from crystutor.commands.console import add_run_options, finish
from crystutor.executors import open_executor
from crystutor.table1.run_folder import Parameters, claim_folder


def add_reproduce(commands: Any) -> None:
    """Add the command and its options to a parser's commands."""
    parser = commands.add_parser(
        "reproduce",
        help="reproduce a table of the paper",
        description="Sample crystals, train the network, damage crystals; let network, Spglib and "
        "other baselines classify them. Killed and started again, it goes on where it stopped.",
    )
    parser.add_argument("table", choices=["table1"])
    defaults = Parameters()
    for name, meaning in (
        ("size", "number of crystals"),
        ("extra-size", "number of crystals at levels that the paper does not have"),
        ("seed", "seed of all random numbers"),
    ):
        default = getattr(defaults, name.replace("-", "_"))
        parser.add_argument(f"--{name}", type=int, default=default, help=f"{meaning} ({default})")
    parser.add_argument(
        "--baseline-sample",
        type=lambda text: None if text == "all" else int(text),
        default=defaults.baseline_sample,
        metavar="N",
        help=f"crystals for Spglib and other slow baselines, or 'all' ({defaults.baseline_sample})",
    )
    add_run_options(parser, "table1")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Reproduce the table; return the exit code."""
    return finish(partial(_reproduce, options), options.out)


def _reproduce(options):
    sample = options.size if options.baseline_sample is None else options.baseline_sample
    parameters = Parameters(options.size, options.extra_size, sample, options.seed)
    claim_folder(options.out, parameters)
    with open_executor(options.workers, options.scheduler) as executor:
        from crystutor.table1.reproduce import reproduce_table1  # imports TensorFlow

        reproduce_table1(options.out, parameters, executor)
    print((options.out / "table1.md").read_text(encoding="utf-8"))
    print(f"tables, figures and networks are in {options.out}")
