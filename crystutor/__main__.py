"""Command line: ``crystutor classify FILE...``, ``map FILE``, ``reproduce table1``, ``lab``."""

import argparse
import atexit
import gc
import sys

from crystutor import __version__
from crystutor.commands.classify import add_classify
from crystutor.commands.console import close_quietly, complain, show_on_any_terminal
from crystutor.commands.lab import add_lab
from crystutor.commands.map import add_map
from crystutor.commands.reproduce import add_reproduce


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit code, 2 if any input was bad."""
    show_on_any_terminal()
    atexit.register(gc.freeze)  # TensorFlow's objects are not searched for garbage at exit, for 1 s
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except KeyboardInterrupt:
        return complain("interrupted")
    except BrokenPipeError:
        close_quietly()
        return 0


def _parser():
    parser = argparse.ArgumentParser(
        prog="crystutor", description="Name the crystal class of structures, defective or not."
    )
    parser.add_argument("--version", action="version", version=f"crystutor {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add_classify(commands)
    add_map(commands)
    add_reproduce(commands)
    add_lab(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
