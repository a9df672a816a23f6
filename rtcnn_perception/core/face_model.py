"""One network with its card, checked against each other and run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as onnxruntime_errors
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.arrays import Probabilities
from rtcnn_perception.core.face_crops import cut_faces
from rtcnn_perception.core.geometry import BoundingBox
from rtcnn_perception.core.model_spec import ModelSpec
from rtcnn_perception.exceptions import ModelError

MAX_FACES_PER_RUN = 16
"""
More faces than this go in several runs.

A mini-Xception costs the same per face from 4 to 16 at once; 64 at once cost a quarter more, as
they fall out of the processor's cache, and hold 60 MB more memory from then on.
"""

SUM_TOLERANCE = 1e-3
"""How far from 1 a row may sum up: half precision keeps three digits."""

GRAPH_TYPES: Mapping[str, str] = {'uint8': 'tensor(uint8)', 'float32': 'tensor(float)'}

SESSION_ERRORS = (
    onnxruntime_errors.Fail,
    onnxruntime_errors.InvalidArgument,
    onnxruntime_errors.InvalidGraph,
    onnxruntime_errors.InvalidProtobuf,
    onnxruntime_errors.NotImplemented,
    onnxruntime_errors.RuntimeException,
)
"""What onnxruntime raises for a graph that it cannot load or run; they have no common base."""


class FaceModel:
    """
    A network and its card; several threads may use it at once.

    :raises ModelError: if the graph does not take or give what the card says; it is tried out
    """

    def __init__(self, session: onnxruntime.InferenceSession, spec: ModelSpec) -> None:
        """Check the graph against the card, by what it declares and by running it."""
        self.spec = spec
        self._session = session
        self._check_input()
        self._check_outputs()
        for faces in (1, 2):
            self.judge(np.zeros((faces, *spec.input_shape), dtype=np.uint8))

    @classmethod
    def load(cls, path: Path, threads: int = 1, allow_spinning: bool = False) -> FaceModel:
        """
        Load a model and its card.

        :param path: the folder, the model, or the card
        :param threads: how many threads one run may use
        :param allow_spinning: whether threads burn their core while they wait for work
        :raises ModelError: if either is missing or damaged, or one contradicts the other
        """
        spec = ModelSpec.load(path)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.enable_mem_pattern = False  # it keeps a plan for each number of faces it ever met
        options.add_session_config_entry(
            'session.intra_op.allow_spinning', '1' if allow_spinning else '0'
        )
        options.log_severity_level = 3  # errors come as exceptions; warnings are for developers
        try:
            session = onnxruntime.InferenceSession(
                spec.read_model(), sess_options=options, providers=['CPUExecutionProvider']
            )
        except SESSION_ERRORS as error:
            raise ModelError(
                f'{spec.path}: expected a graph that onnxruntime {onnxruntime.__version__} can '
                f'load, got one that it refuses ({_in_one_line(error)}); export it anew with '
                f'`rtcnn_perception export`'
            ) from error
        return cls(session, spec)

    def predict(self, image: ImageBGR, boxes: tuple[BoundingBox, ...]) -> dict[str, Probabilities]:
        """
        Judge faces of an image, all in one run.

        :param boxes: N faces in pixels of the image; N = 0 runs nothing
        :returns: (N, C) probabilities by attribute
        :raises ModelError: if the network gives what are no probabilities
        """
        return self.judge(cut_faces(image, boxes, self.spec))

    def judge(self, faces: NDArray[np.uint8]) -> dict[str, Probabilities]:
        """
        Judge crops that are cut already.

        :param faces: (N, C, h, w) uint8 as ``cut_faces`` gives them
        :returns: (N, C) probabilities by attribute
        :raises ModelError: if the network gives what are no probabilities
        """
        parts = [
            self._run(faces[first : first + MAX_FACES_PER_RUN])
            for first in range(0, len(faces), MAX_FACES_PER_RUN)
        ]
        judged: dict[str, Probabilities] = {}
        for index, head in enumerate(self.spec.heads):
            none = np.empty((0, len(head.labels)), dtype=np.float32)
            judged[head.attribute] = np.concatenate([none, *(part[index] for part in parts)])
        return judged

    def _run(self, faces: NDArray[np.uint8]) -> list[Probabilities]:
        pixels: NDArray[np.uint8] | NDArray[np.float32] = faces
        if self.spec.input_dtype == 'float32':
            scale, offset = np.float32(self.spec.scale), np.float32(self.spec.offset)
            pixels = faces.astype(np.float32) * scale + offset
        names = [head.output for head in self.spec.heads]
        try:
            outputs = self._session.run(names, {self.spec.input_name: pixels})
        except SESSION_ERRORS as error:
            raise self._refusal(
                f'a graph that takes {len(faces)} faces of shape {self.spec.input_shape}',
                f'one that fails ({_in_one_line(error)})',
            ) from error
        return [
            self._checked(head.output, output, (len(faces), len(head.labels)))
            for head, output in zip(self.spec.heads, outputs, strict=True)
        ]

    def _checked(
        self, name: str, output: NDArray[np.float32], shape: tuple[int, int]
    ) -> Probabilities:
        """Return the output as rows that sum to 1, or refuse it."""
        if output.shape != shape:
            raise self._refusal(
                f'output {name} of shape {shape}, a column for each label of the card',
                f'{output.shape}',
            )
        if not np.isfinite(output).all():
            raise self._refusal(f'finite numbers in output {name}', 'NaN or infinity')
        sums = output.sum(axis=1, keepdims=True)
        if output.min() < 0.0 or np.abs(sums - 1.0).max() > SUM_TOLERANCE:
            raise self._refusal(
                f'probabilities in output {name}, from 0 and with sum 1',
                f'rows from {output.min():.4g}, with sums {sums.min():.4g} to {sums.max():.4g}',
            )
        rows: Probabilities = (output / sums).astype(np.float32)
        return rows

    def _check_input(self) -> None:
        inputs = self._session.get_inputs()
        names = [each.name for each in inputs]
        if names != [self.spec.input_name]:
            raise self._refusal(f'one input {self.spec.input_name}', f'{names}')
        graph_type = GRAPH_TYPES[self.spec.input_dtype]
        if inputs[0].type != graph_type:
            raise self._refusal(f'input {names[0]} of type {graph_type}', f'{inputs[0].type}')
        self._check_shape(f'input {names[0]}', inputs[0].shape, self.spec.input_shape)

    def _check_outputs(self) -> None:
        outputs = {each.name: each for each in self._session.get_outputs()}
        for head in self.spec.heads:
            if head.output not in outputs:
                raise self._refusal(f'an output {head.output}', f'{list(outputs)}')
            output = outputs[head.output]
            if output.type != GRAPH_TYPES['float32']:
                raise self._refusal(
                    f'output {head.output} of type {GRAPH_TYPES["float32"]}', f'{output.type}'
                )
            self._check_shape(f'output {head.output}', output.shape, (len(head.labels),))

    def _check_shape(
        self, what: str, found: list[int | str | None], expected: tuple[int, ...]
    ) -> None:
        """Refuse a fixed batch, and any axis that is fixed to something else than expected."""
        is_free = bool(found) and not isinstance(found[0], int)
        fits = len(found) == 1 + len(expected) and all(
            axis == size or not isinstance(axis, int)
            for axis, size in zip(found[1:], expected, strict=True)
        )
        if not (is_free and fits):
            raise self._refusal(f'{what} of shape {("N", *expected)} with N free', f'{found}')

    def _refusal(self, expected: str, found: str) -> ModelError:
        return ModelError(
            f'{self.spec.path}: by its card expected {expected}, got {found}; '
            f'export model and card together with `rtcnn_perception export`'
        )


def _in_one_line(error: Exception) -> str:
    return ' '.join(str(error).split())
