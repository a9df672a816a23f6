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

"""A model folder of a graph that others trained: adapted, compared with the original, written."""

from __future__ import annotations

from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
import hashlib
import math
from pathlib import Path
import tempfile
from typing import Any
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import Probabilities
from rtcnn_perception.core.attributes.card import AttributeCard
from rtcnn_perception.core.attributes.card import AttributeHead
from rtcnn_perception.core.attributes.model import AttributeModel
from rtcnn_perception.core.attributes.model import SUM_TOLERANCE
from rtcnn_perception.core.geometry.crops import CHANNELS
from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.core.models.card import CARD_FORMAT
from rtcnn_perception.core.models.card import read_graph
from rtcnn_perception.core.models.session import in_one_line
from rtcnn_perception.core.models.session import open_session
from rtcnn_perception.core.models.session import SESSION_ERRORS
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.paths import is_file
from rtcnn_perception.training.models.adapted_graph import adapted
from rtcnn_perception.training.models.graph_signature import parsed
from rtcnn_perception.training.models.graph_signature import Signature
from rtcnn_perception.training.models.graph_signature import signature_of
from rtcnn_perception.training.tasks.folder_files import GRAPH_NAME
from rtcnn_perception.training.tasks.folder_files import write_graph_and_card
from scipy import special

AUTO, PROBABILITIES, SCORES = 'auto', 'probabilities', 'scores'
OUTPUTS = (AUTO, PROBABILITIES, SCORES)

TRIAL_FACES = 5
TOLERANCE = 1e-3
"""By how much a probability may differ from that of the graph as it came, a face at a time."""

ADVICE = 'look at its inputs and outputs, as with netron.app, and correct the options'


@dataclass(frozen=True)
class AdaptSettings:
    """
    What a graph does not say of itself.

    ``channels`` may be empty for one plane, ``layout`` and ``size_hw`` where the graph says them.
    The graph takes ``pixel * scale + offset`` with pixels from 0 to 255: one number, or one for
    each plane in its own order. ``outputs`` is one of ``OUTPUTS``; ``temperature`` divides scores.
    """

    attribute: str
    labels: tuple[str, ...]
    name: str
    channels: str = ''
    scale: tuple[float, ...] = (1.0,)
    offset: tuple[float, ...] = (0.0,)
    layout: str = ''
    size_hw: tuple[int, int] | None = None
    outputs: str = AUTO
    temperature: float = 1.0
    graph_output: str = ''
    crop: CropGeometry = field(default_factory=lambda: CropGeometry(0.0))
    command: str = ''


class Adapted(NamedTuple):
    """
    A model as it was written.

    ``summary`` says in a line what its graph takes and returns; ``removed`` are the files in the
    folder that described the model before.
    """

    model: AttributeModel
    summary: str
    removed: tuple[str, ...]


def adapt(path: Path, folder: Path, settings: AdaptSettings) -> Adapted:
    """
    Adapt a graph and write it with its card; both are written only after every check has passed.

    :param path: the graph; weights in a file beside it are put into it
    :raises ModelError: if the graph is missing or cannot be adapted
    :raises ConfigurationError: if a setting cannot be, or the folder cannot be written to
    """
    _check(settings)
    if not is_file(path):
        raise ModelError(f'there is no graph at {path}; name an ONNX file')
    if path.resolve() == (folder / GRAPH_NAME).resolve():
        raise ConfigurationError(f'{folder} holds the graph itself; name another --output')
    source = read_graph(path)
    model = parsed(source.content, path)
    signature = signature_of(
        model,
        path,
        output_name=settings.graph_output,
        layout=settings.layout,
        size_hw=settings.size_hw,
        planes=CHANNELS.get(settings.channels),
    )
    if signature.planes == 3 and not settings.channels:
        raise ConfigurationError(
            f'{path} takes three planes: say in which order with --channels rgb or bgr'
        )
    settings = replace(settings, channels=settings.channels or 'gray')
    _check_scaling(settings, signature, path)
    faces = _trial_faces(signature)
    rows = _rows(source.content, path, signature, faces, settings)
    is_scores = _is_scores(rows, settings, path)
    expected = special.softmax(rows / settings.temperature, axis=1) if is_scores else rows
    digest = hashlib.sha256(source.files).hexdigest()
    # A graph may take several faces and still mix them, or return other numbers than for one.
    for one_by_one in (False, True) if signature.batch is None else (True,):
        try:
            content = adapted(
                model,
                signature,
                scale=settings.scale,
                offset=settings.offset,
                classes=len(settings.labels),
                temperature=settings.temperature if is_scores else None,
                one_by_one=one_by_one,
                output_name=settings.attribute,
            )
            summary = _summary(signature, settings, is_scores, one_by_one)
            card = _card(content, signature, settings)
            card['adapted'] = {'file': path.name, 'sha256': digest, 'summary': summary}
            _compare(content, card, faces, expected)
        except (ModelError, ValueError) as error:  # noqa: PERF203 - also names that are no UTF-8
            if one_by_one:
                raise ModelError(f'{path} cannot be adapted: {error}') from error
        else:
            break
    removed = write_graph_and_card(content, card, folder)
    return Adapted(AttributeModel.load(folder), f'{path.name} takes {summary}', removed)


def _check(settings: AdaptSettings) -> None:
    """Refuse what no card could say."""
    try:
        AttributeHead(settings.attribute, 'scores', settings.labels, settings.temperature)
    except ValueError as error:
        raise ConfigurationError(f'--{error}') from error


def _check_scaling(settings: AdaptSettings, signature: Signature, path: Path) -> None:
    if signature.dtype == 'uint8' and (settings.scale, settings.offset) != ((1.0,), (0.0,)):
        raise ConfigurationError(
            f'{path} takes whole numbers from 0 to 255: leave out --scale and --offset'
        )
    for option, values in (('scale', settings.scale), ('offset', settings.offset)):
        is_finite = all(map(math.isfinite, values))
        if len(values) not in (1, signature.planes) or not is_finite:
            raise ConfigurationError(
                f'--{option} must be one finite number, or one for each of the '
                f'{signature.planes} planes, got {values}'
            )
    if 0.0 in settings.scale:
        raise ConfigurationError('--scale must not be 0, as the graph would get no picture')


def _trial_faces(signature: Signature) -> NDArray[np.uint8]:
    """Return black, a ramp and noise (N, C, H, W)."""
    shape = (signature.planes, *signature.size_hw)
    faces = np.random.default_rng(0).integers(0, 256, (TRIAL_FACES, *shape)).astype(np.uint8)
    faces[0] = 0
    faces[1] = np.linspace(0, 255, shape[2]).astype(np.uint8)
    return faces


def _rows(
    content: bytes,
    path: Path,
    signature: Signature,
    faces: NDArray[np.uint8],
    settings: AdaptSettings,
) -> NDArray[np.float32]:
    """Return what a graph, as it came, gives (N, K) for faces, one after the other."""
    session = open_session(content, path, advice=ADVICE)
    scale, offset = (
        np.array(values, np.float32).reshape(1, -1, 1, 1)
        for values in (settings.scale, settings.offset)
    )
    rows = []
    for face in faces:
        pixels = signature.arranged(face[None].astype(np.float32) * scale + offset)
        try:
            (row,) = session.run([signature.output_name], {signature.input_name: pixels})
        except SESSION_ERRORS as error:
            raise ModelError(
                f'{path}: expected a graph that takes {pixels.shape} {pixels.dtype}, got one '
                f'that fails ({in_one_line(error)}); {ADVICE}'
            ) from error
        if not (isinstance(row, np.ndarray) and np.issubdtype(row.dtype, np.floating)):
            kind = getattr(row, 'dtype', type(row).__name__)
            raise ModelError(
                f'{path}: expected scores or probabilities in {signature.output_name}, got {kind}'
            )
        if row.size != len(settings.labels):
            raise ConfigurationError(
                f'{path} returns {row.size} numbers for a face as {signature.output_name}, but '
                f'--labels names {len(settings.labels)} classes'
            )
        rows.append(row.astype(np.float32).ravel())
    found: NDArray[np.float32] = np.stack(rows)
    if np.isfinite(found).all():
        return found
    raise ModelError(f'{path} returns NaN or infinity for such pixels; {ADVICE}')


def _is_scores(rows: NDArray[np.float32], settings: AdaptSettings, path: Path) -> bool:
    """Return whether rows are scores before a softmax, and no probabilities."""
    is_share = bool(rows.min() >= 0.0 and rows.max() <= 1.0)
    is_probability = is_share and bool(np.abs(rows.sum(axis=1) - 1.0).max() <= SUM_TOLERANCE)
    if settings.outputs == AUTO and is_share and not is_probability:
        raise ConfigurationError(
            f'{path} returns numbers from 0 to 1 whose sum is not 1, as networks do that decide '
            'each class for itself; if they are scores before a softmax, say --outputs scores'
        )
    if settings.outputs == PROBABILITIES and not is_probability:
        raise ConfigurationError(
            f'{path} returns numbers from {rows.min():.4g} to {rows.max():.4g}, which are no '
            'probabilities; say --outputs scores'
        )
    is_scores = settings.outputs == SCORES or not is_probability
    if settings.temperature != 1.0 and not is_scores:
        raise ConfigurationError(f'--temperature is for scores; {path} returns probabilities')
    return is_scores


def _summary(
    signature: Signature, settings: AdaptSettings, is_scores: bool, one_by_one: bool
) -> str:
    """Return what the graph takes and returns, for people."""
    height, width = signature.size_hw
    ends = np.stack([np.multiply(side, settings.scale) + settings.offset for side in (0, 255)])
    given = 'scores, which get a softmax' if is_scores else 'probabilities'
    return (
        f'{height}x{width} {settings.channels} as {signature.dtype} from {ends.min():.4g} to '
        f'{ends.max():.4g}{", a face at a time" if one_by_one else ""}, and returns {given}'
    )


def _card(content: bytes, signature: Signature, settings: AdaptSettings) -> dict[str, Any]:
    """Return the card of an adapted graph."""
    graph = parsed(content, Path('the adapted graph')).graph
    return {
        'format': CARD_FORMAT,
        'kind': AttributeCard.KIND,
        'name': settings.name,
        'file': GRAPH_NAME,
        'sha256': hashlib.sha256(content).hexdigest(),
        'input': {
            'name': graph.input[0].name,
            'size_hw': list(signature.size_hw),
            'channels': settings.channels,
            'dtype': 'uint8',
            'scale': 1.0,
            'offset': 0.0,
        },
        'crop': asdict(settings.crop),
        'heads': [
            {
                'attribute': settings.attribute,
                'output': graph.output[0].name,
                'labels': list(settings.labels),
                'temperature': settings.temperature,
            }
        ],
        'command': settings.command,
    }


def _compare(
    content: bytes, card: dict[str, Any], faces: NDArray[np.uint8], expected: Probabilities
) -> None:
    """
    Load a model as the pipeline does, and compare it with the graph as it came.

    :raises ModelError: if it cannot be used, or its probabilities differ
    """
    with tempfile.TemporaryDirectory() as scratch:
        write_graph_and_card(content, card, Path(scratch))
        (found,) = AttributeModel.load(Path(scratch)).predict(faces).values()
    worst = float(np.abs(found - expected).max())
    if not worst <= TOLERANCE:
        raise ModelError(
            f'expected the probabilities of the graph as it came, got a difference of {worst:.1e}'
        )
