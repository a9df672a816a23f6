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

"""A process that composes scenes while another trains on the last ones."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence
import multiprocessing
from multiprocessing.connection import Connection
import signal
from types import TracebackType

import cv2
import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.exceptions import PerceptionError
from rtcnn_perception.training.data.photographs import FacePicture
from rtcnn_perception.training.data.photographs import Photograph
from rtcnn_perception.training.tasks.detector.config import SceneConfig
from rtcnn_perception.training.tasks.detector.scenes.compose import SceneMaker
from rtcnn_perception.training.tasks.detector.scenes.transformation import Scene

Scenes = list[Scene]


ENDED = (
    'the process that composes scenes ended; what it printed says why, or it was killed for the '
    'memory it took: use smaller or fewer photographs'
)


class SceneProcess:
    """
    Composes batches of scenes in a process of its own, on one core.

    It is started anew, not forked: a process of several threads must not be. Closing the
    connection ends it, and so does the end of this process in any way.

    :raises PerceptionError: as :class:`SceneMaker` does
    """

    def __init__(
        self,
        photographs: Sequence[Photograph],
        config: SceneConfig,
        faces: Sequence[FacePicture] = (),
    ) -> None:
        """Start it and wait until it holds the photographs."""
        context = multiprocessing.get_context('spawn')
        self._connection, theirs = context.Pipe()
        arguments = (theirs, photographs, config, faces)
        self._process = context.Process(target=_compose, args=arguments, daemon=True)
        self._process.start()
        theirs.close()
        try:
            self._receive()
        except PerceptionError:
            self.close()
            raise

    @property
    def pid(self) -> int | None:
        """Return the number of the process."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it still runs."""
        return self._process.is_alive()

    def batches(self, seed: int, steps: int, size: int) -> Iterator[Scenes]:
        """Yield ``steps`` batches of ``size`` scenes of one side each; ``seed`` repeats them."""
        self._send((seed, steps, size))
        for _ in range(steps):
            yield self._receive()

    def weigh_negatives(self, weights: NDArray[np.float64]) -> None:
        """Draw the photographs without a face by weights (N,), in their order."""
        self._send(weights)

    def close(self) -> None:
        """End the process."""
        self._connection.close()
        self._process.join()

    def __enter__(self) -> SceneProcess:
        """Return the process."""
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """End the process."""
        self.close()

    def _send(self, request: object) -> None:
        try:
            self._connection.send(request)
        except ConnectionError as error:
            raise PerceptionError(ENDED) from error

    def _receive(self) -> Scenes:
        try:
            received: Scenes | PerceptionError = self._connection.recv()
        except (EOFError, ConnectionError) as error:
            raise PerceptionError(ENDED) from error
        if isinstance(received, PerceptionError):
            raise received
        return received


def _compose(
    connection: Connection,
    photographs: Sequence[Photograph],
    config: SceneConfig,
    faces: Sequence[FacePicture],
) -> None:
    """Send what is asked for until the connection ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the other process ends this one
    cv2.setNumThreads(1)
    try:
        maker = SceneMaker(photographs, config, faces)
    except PerceptionError as error:
        connection.send(error)
        return
    try:
        connection.send([])
        while True:
            wanted = connection.recv()
            if isinstance(wanted, np.ndarray):
                maker.weigh_negatives(wanted)
                continue
            seed, steps, size = wanted
            rng = np.random.default_rng(seed)
            for _ in range(steps):
                side = int(rng.choice(config.sizes))
                connection.send([maker.scene(side, rng) for _ in range(size)])
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return
