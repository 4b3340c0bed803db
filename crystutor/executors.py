"""Work on any executor: a few items at a time, results in order."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from signal import SIG_IGN, SIGINT, signal
from threading import Thread
from typing import Any

from crystutor.arguments import InputError, require

ANSWER_TIME = 10  # in which a Dask scheduler must answer [s]
IN_FLIGHT = 2  # items of each worker, submitted and not yet yielded; bounds the memory
WORKERS = 6  # of an executor that does not tell, such as Dask's


def map_in_order(
    function: Callable[[Any], Any], items: Iterable[Any], executor: Executor | None = None
) -> Iterator[Any]:
    """Yield function(item) for each item, in order; only a few items are under way at any time.

    Parameters
    ----------
    function
        Called with one item. Worker processes must be able to unpickle it.
    items
        Arguments, taken one by one as results are yielded.
    executor
        Any executor of `concurrent.futures`; without one, the work is done here.

    Yields
    ------
    Any
        Results, in the order of the items.
    """
    if executor is None:
        yield from map(function, items)
        return
    require("executor", executor, hasattr(executor, "submit"), "an executor of concurrent.futures")
    in_flight = IN_FLIGHT * getattr(executor, "_max_workers", WORKERS)
    waiting: deque[Future] = deque()
    for item in items:
        waiting.append(executor.submit(function, item))
        if len(waiting) == in_flight:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


@contextmanager
def open_executor(workers: int, scheduler: str | None = None) -> Iterator[Executor]:
    """Open an executor: processes of this machine, or the workers of a running Dask cluster.

    Parameters
    ----------
    workers
        Number of processes.
    scheduler
        Address of a Dask scheduler such as ``"tcp://127.0.0.1:8786"``.

    Raises
    ------
    ValueError
        If the number of workers is not positive, or Dask is not installed.
    ConnectionError
        If no scheduler answers within ten seconds.
    """
    if scheduler is None:
        if workers < 1:
            raise InputError(f"workers is {workers}; 1 or more is accepted")
        spawn = get_context("spawn")
        with ProcessPoolExecutor(workers, spawn, initializer=_follow_parent) as executor:
            yield executor
        return
    try:
        from distributed import Client
    except ImportError:
        raise InputError("a Dask scheduler needs Dask: pip install 'crystutor[dask]'") from None
    try:
        client = Client(scheduler, timeout=ANSWER_TIME)
    except (OSError, ValueError) as error:
        raise ConnectionError(
            f"no Dask scheduler answers at {scheduler} within {ANSWER_TIME} s ({error}); start one "
            "with `dask scheduler` and give its address, tcp://HOST:PORT"
        ) from error
    with client, client.get_executor() as executor:
        yield executor


def _follow_parent():
    """Leave Ctrl-C to the process that started this one, and end when that is killed.

    Without the first, a worker would print a traceback; without the second, wait forever.
    """
    signal(SIGINT, SIG_IGN)
    Thread(target=_end_with, args=[parent_process()], daemon=True).start()


def _end_with(parent):
    parent.join()
    os._exit(1)
