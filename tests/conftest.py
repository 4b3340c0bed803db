"""Crystals that many tests look at, and the memory of the notebooks' kernels."""

import re
from pathlib import Path

import pytest

from crystutor import EXAMPLE_CRYSTALS, build_prototype, example_cluster

LARGEST_KERNEL = 1.2  # [GB]; Binder guarantees 1 GB and stops at 2 GB


@pytest.fixture(scope="session", params=EXAMPLE_CRYSTALS)
def labelled_cell(request):
    """One conventional cell of each class, with its label."""
    return request.param, build_prototype(*EXAMPLE_CRYSTALS[request.param])


@pytest.fixture(scope="session")
def copper():
    """A cluster of 256 fcc copper atoms."""
    return example_cluster("fcc", "Cu")


def pytest_configure(config):
    config.pluginmanager.register(NotebookMemory())


class NotebookMemory:
    """Fails the cell of a notebook, run by nbval, after which its kernel has used too much."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item):
        result = yield
        if kernel := getattr(item.parent, "kernel", None):
            assert peak_memory(kernel.km.provisioner.pid) < LARGEST_KERNEL
        return result


def peak_memory(pid):
    """Largest memory that a process has used so far [GB]; 0 where there is no /proc to tell."""
    status = Path(f"/proc/{pid}/status")
    text = status.read_text(encoding="ascii") if status.exists() else "VmHWM: 0 kB"
    return int(re.search(r"VmHWM:\s+(\d+) kB", text)[1]) / 1e6
