"""Lines on the terminal, whatever it can show."""

import codecs
import io
import os
import sys

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
