# Copyright 2026 The rtcnn_perception authors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""
The entry points of the executables.

Importing the nodes takes most of a second. A signal that arrives meanwhile ends the process with
exit code 0, as a later one does: so this module imports nothing of theirs.
"""

from __future__ import annotations

from functools import partial
import importlib
import os
import sys
from types import FrameType
from typing import NoReturn

from rtcnn_perception import process
from rtcnn_perception.install_hints import install_hint


def run(name: str) -> NoReturn:
    """Import a module of nodes, run its ``main``, which takes over the signals, and leave."""
    process.share_heaps()
    process.open_standard_streams()
    process.handle_end_signals(_leave)
    process.end_at_latest(process.LATEST_END)
    process.leave_after(partial(_main, name))


def _main(name: str) -> int:
    try:
        code: int = importlib.import_module(f'rtcnn_perception.nodes.{name}').main()
    except ModuleNotFoundError as error:
        hint = install_hint(error)
        if hint is None:
            raise
        sys.exit(f'{name}: {hint}')
    return code


def _leave(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - Python's signature
    # An exception could be caught by whatever is being imported; nothing needs to be released yet.
    os._exit(0)


camera = partial(run, 'camera_node')
detector = partial(run, 'detector_node')
classifier = partial(run, 'classifier_node')
humans = partial(run, 'humans_node')
perception = partial(run, 'perception')
"""The entry points: a node each, and all nodes in one process."""
