"""Long work in blocks: a few at a time on any executor, in order, kept in files once finished."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

IN_FLIGHT = 12  # blocks that wait or have not been taken yet; bounds the memory


def map_in_order(
    function: Callable[[Any], Any], items: Iterable[Any], executor: Executor | None = None
) -> Iterator[Any]:
    """Yield function(item) for each item, in order, with few of them under way at any time.

    Parameters
    ----------
    function
        Something that the executor can send to its workers.
    items
        Its arguments.
    executor
        Any executor of `concurrent.futures`; without one, the work is done here.
    """
    if executor is None:
        yield from map(function, items)
        return
    waiting = deque()
    for item in items:
        waiting.append(executor.submit(function, item))
        if len(waiting) == IN_FLIGHT:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


@contextmanager
def finished_file(path: Path) -> Iterator[Path]:
    """Give a path to write to; the file gets its own name only if nothing went wrong."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.stem}.unfinished{path.suffix}")
    try:
        yield unfinished
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
