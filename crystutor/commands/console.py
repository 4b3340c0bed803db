"""Lines on the terminal, whatever it can show."""

import argparse
import codecs
import io
import os
import sys
from collections.abc import Callable
from concurrent.futures import BrokenExecutor
from pathlib import Path

BAD_INPUT = 2  # exit code
PLAIN = "crystutor-plain"


def show_on_any_terminal() -> None:
    """Let the terminal show Å as A, and other letters that it does not have as escapes."""
    codecs.register_error(PLAIN, _in_plain_letters)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=PLAIN)


def _in_plain_letters(error):
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = error.object[error.start : error.end].replace("Å", "A")
    return letters.encode("ascii", "backslashreplace").decode("ascii"), error.end


def complain(message: str) -> int:
    """Print an error; return the exit code for it."""
    print(f"crystutor: error: {message}", file=sys.stderr)
    return BAD_INPUT


def close_quietly() -> None:
    """Forget what was not written: the reader of the pipe has gone, as `head` does."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def finish(work: Callable[[], None], folder: Path) -> int:
    """Do long work that keeps its finished parts in a folder; return the exit code."""
    again = f"what is finished is kept in {folder}, repeat the command to go on"
    try:
        work()
    except (ValueError, ConnectionError) as error:
        return complain(str(error))
    except BrokenExecutor:
        return complain(
            f"a worker died, perhaps for lack of memory; {again}, with fewer --workers if it "
            "happens again"
        )
    except OSError as error:
        return complain(f"{error.filename or folder}: {error.strerror or error}; {again}")
    return 0


def add_run_options(parser: argparse.ArgumentParser, folder: str) -> None:
    """Add the options of long work: workers, a scheduler, the folder."""
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes")
    parser.add_argument("--scheduler", help="address of a running Dask scheduler, tcp://...")
    parser.add_argument("--out", type=Path, default=Path(folder), help=f"folder ({folder})")
