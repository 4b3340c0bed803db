"""From a file to its bytes or its text, whatever the compression and the encoding."""

import bz2
import codecs
import gzip
import io
import lzma
import sys
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

from crystutor.arguments import InputError

COMPRESSIONS: dict[bytes, Any] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
}
COMPRESSED_SUFFIXES = (".gz", ".bz2", ".xz")
HEAD = 65_536  # that is looked at to tell the format [byte]
LARGEST_WHOLE = 256_000_000  # file that is read at once [byte]
LONGEST_LINE = 1_000_000  # [characters]
BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
UNPACKING_ERRORS = (EOFError, OSError, zlib.error, lzma.LZMAError)


@contextmanager
def open_unpacked(path: str | Path) -> Iterator[io.BufferedReader]:
    """Open a file, or standard input for "-", as bytes that are unpacked on the way.

    Raises
    ------
    ValueError
        If there is no such file, it is a folder or it is empty.
    """
    with _open_packed(path) as packed:
        start = packed.peek(6)[:6]
        for magic, opener in COMPRESSIONS.items():
            if start.startswith(magic):
                with opener(packed, "rb") as unpacked:
                    yield io.BufferedReader(unpacked, HEAD)
                return
        yield packed


@contextmanager
def _open_packed(path):
    if str(path) == "-":
        file = io.BufferedReader(cast(io.RawIOBase, sys.stdin.buffer), HEAD)
        try:
            yield file
        finally:
            file.detach()  # standard input stays open
        return
    path = Path(path)
    if path.is_dir():
        raise InputError("this is a folder; a structure file is needed")
    if not path.exists():
        raise InputError("no such file")
    try:
        file = path.open("rb", buffering=HEAD)
    except OSError as error:
        raise InputError(f"it cannot be opened: {error.strerror}") from None
    with file:
        yield file


def is_plain(path: str | Path) -> bool:
    """Whether a path is that of a file on disk that is not compressed."""
    if str(path) == "-":
        return False
    with Path(path).open("rb") as file:
        return not file.read(6).startswith(tuple(COMPRESSIONS))


def unpacking_error(error: Exception) -> InputError:
    """Say that compressed data are broken."""
    return InputError(f"the compressed data end early or are broken ({error}); send it again")


def peek(file: io.BufferedReader) -> bytes:
    """Look at the start of a file; the file stays where it is.

    Raises
    ------
    ValueError
        If it is empty or cannot be unpacked.
    """
    try:
        head = file.peek(HEAD)[:HEAD]
    except UNPACKING_ERRORS as error:
        raise unpacking_error(error) from error
    if not head.strip():
        raise InputError("the file is empty")
    return head


def encoding_of(head: bytes) -> str:
    """Name the encoding of a text by its first bytes: UTF-8 unless they say something else."""
    for bom, encoding in BOMS.items():
        if head.startswith(bom):
            return encoding
    pairs = head[: len(head) // 2 * 2]
    for encoding, zeros, others in (
        ("utf-16-le", pairs[1::2], pairs[::2]),
        ("utf-16-be", pairs[::2], pairs[1::2]),
    ):
        if len(pairs) > 8 and zeros.count(0) > 0.9 * len(zeros) and others.count(0) == 0:
            return encoding
    return "utf-8"


def decoded(head: bytes) -> str:
    """Decode the first bytes of a text; what is no text becomes a replacement character."""
    return head.decode(encoding_of(head), errors="replace")


def text_lines(file: io.BufferedReader, head: bytes) -> Generator[str, None, None]:
    r"""Give the lines of a text, each with "\n" at its end, whatever ended it in the file.

    Raises
    ------
    ValueError
        If a line has more than a million characters, or the compressed data are broken.
    """
    text = io.TextIOWrapper(file, encoding=encoding_of(head), errors="replace", newline=None)
    try:
        while line := text.readline(LONGEST_LINE):
            if len(line) >= LONGEST_LINE:
                raise InputError("a line has a million characters; shorter lines are accepted")
            yield line
    except UNPACKING_ERRORS as error:
        raise unpacking_error(error) from error
    finally:
        text.detach()


def whole_text(lines: Iterator[str]) -> str:
    """Read a text at once; an expanding archive must not fill the memory."""
    return "".join(_at_most(lines))


def whole_bytes(file: IO[bytes]) -> bytes:
    """Read a binary file at once."""
    try:
        content = file.read(LARGEST_WHOLE + 1)
    except UNPACKING_ERRORS as error:
        raise unpacking_error(error) from error
    _check_size(len(content))
    return content


def _at_most(lines):
    size = 0
    for line in lines:
        size += len(line)
        _check_size(size)
        yield line


def _check_size(size):
    if size > LARGEST_WHOLE:
        raise InputError(
            f"unpacked it is larger than {LARGEST_WHOLE // 10**6} MB, the most that is read of a "
            "file of this format"
        )
