import os
import socket
import subprocess
import sys
from concurrent.futures import BrokenExecutor, Future

import numpy as np
import pytest

from crystutor import build_cluster, build_prototype, fingerprints
from crystutor.executors import IN_FLIGHT, map_in_order, open_executor


class CountingExecutor:
    """Does the work at once, and counts the results that have not been taken yet."""

    def __init__(self, workers):
        self.waiting = self.most = 0
        self._max_workers = workers

    def submit(self, function, item):
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        future = Future()
        future.set_result((self, function(item)))
        return future


def test_order_and_a_bounded_number_under_way():
    executor, found = CountingExecutor(workers=3), []
    for waiting, result in map_in_order(lambda n: n * n, range(50), executor):
        waiting.waiting -= 1
        found.append(result)
    assert found == [n * n for n in range(50)]
    assert executor.most == 3 * IN_FLIGHT
    assert list(map_in_order(lambda n: n * n, range(5))) == [0, 1, 4, 9, 16]


def test_a_worker_that_dies():
    with open_executor(1) as executor, pytest.raises(BrokenExecutor):
        list(map_in_order(os._exit, [1], executor))


SLEEPER = """
import os, time
from crystutor.executors import open_executor
with open_executor(1) as executor:
    print(executor.submit(os.getpid).result(), flush=True)
    time.sleep(60)
"""


def test_workers_end_when_the_run_is_killed():
    command = [sys.executable, "-c", SLEEPER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        assert int(run.stdout.readline()) != run.pid
        run.kill()
        assert run.communicate(timeout=30)[0] == ""  # no process holds the output any more


def test_no_workers():
    with pytest.raises(ValueError, match="workers is 0"), open_executor(0):
        pass


def test_a_scheduler_that_does_not_answer(monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("crystutor.executors.ANSWER_TIME", 0.5)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    with (
        pytest.raises(ConnectionError, match="no Dask scheduler answers"),
        open_executor(1, address),
    ):
        pass


def test_a_real_dask_cluster():
    distributed = pytest.importorskip("distributed")
    clusters = [build_cluster(build_prototype(name)) for name in ("fcc", "bcc", "hcp")] * 7
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with (
        distributed.LocalCluster(**options) as cluster,
        open_executor(0, cluster.scheduler_address) as executor,
    ):
        found = fingerprints(clusters, executor=executor)
    np.testing.assert_array_equal(found, fingerprints(clusters))
