"""
The beginnings of the executables.

What the nodes import takes most of a second. A signal that comes meanwhile ends the process as
one that comes later does, with exit code 0: so this module imports nothing of theirs.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from types import FrameType

from rtcnn_perception.remedies import remedy


def camera() -> int:
    """Run the camera node."""
    return _run('camera_node')


def detector() -> int:
    """Run the detector node."""
    return _run('detector_node')


def classifier() -> int:
    """Run the classifier node."""
    return _run('classifier_node')


def perception() -> int:
    """Run the three nodes in one process."""
    return _run('perception')


def _run(name: str) -> int:
    """Import a module of nodes and run its ``main``, which takes the signals over."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, _leave)
    try:
        code: int = importlib.import_module(f'rtcnn_perception.nodes.{name}').main()
    except ModuleNotFoundError as error:
        told = remedy(error)
        if told is None:
            raise
        sys.exit(f'{name}: {told}')
    return code


def _leave(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - Python's signature
    # An exception could be caught by whatever is being imported; there is nothing to tidy up yet.
    os._exit(0)
