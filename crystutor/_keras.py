"""Keras and TensorFlow, imported without their log lines."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Discard what C++ code writes to standard error inside the block.

    TensorFlow logs the features of the processor when it is imported, whatever level its
    environment variables set. Python exceptions are raised as always.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    saved = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)


with _quiet_stderr():
    import keras
    import tensorflow as tf

__all__ = ["keras", "tf"]
