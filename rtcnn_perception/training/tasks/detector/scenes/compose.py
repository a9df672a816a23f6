"""
Compose the scenes that a detector is trained on: parts of photographs at random scales.

A scene shows one photograph, or a mosaic of four or nine. It is (H, W, 3) uint8, BGR, with the
annotations moved to its pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
from itertools import pairwise
import math

import cv2
import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.training.data.photographs import Photograph
from rtcnn_perception.training.tasks.detector.config import SceneConfig
from rtcnn_perception.training.tasks.detector.scenes.pixels import changed
from rtcnn_perception.training.tasks.detector.scenes.pixels import heads
from rtcnn_perception.training.tasks.detector.scenes.pixels import hidden_shares
from rtcnn_perception.training.tasks.detector.scenes.pixels import MOST_HIDDEN
from rtcnn_perception.training.tasks.detector.scenes.pixels import toned

MIRRORED = (1, 0, 2, 4, 3)
"""The source of each landmark in a mirrored picture: left and right change places."""

TRUST = ((0.0, 0.6, 0.7, 0.8, 1.0), (0.5, 0.6, 0.75, 0.95, 1.0))
"""
How likely a teacher's annotation of a score is a face, linear between these points.

Source: the comparison with people's boxes in the description of the data: 66 % of annotations from
0.6 to 0.7, 80 to 87 % from 0.7 to 0.8, 97 % above.
"""


MOST_BYTES = 8 * 2**30
"""Of all photographs, decoded."""


@dataclass(frozen=True)
class Scene:
    """A picture and its annotations: as a :class:`Photograph`, with how certain each face is."""

    image: ImageBGR
    boxes: NDArray[np.float32]
    weights: NDArray[np.float32]
    landmarks: NDArray[np.float32]
    ignored: NDArray[np.float32]


class SceneMaker:
    """Makes scenes at random; the same generator makes the same ones."""

    def __init__(
        self,
        photographs: Sequence[Photograph],
        config: SceneConfig,
        faces: Sequence[Photograph] = (),
    ) -> None:
        """
        Hold all photographs in memory, decoded.

        :param faces: gray pictures of one face each, in memory, of which ``faces_share`` are made
        :raises ConfigurationError: if there is no face in them, or they take too much memory
        :raises DataError: if one cannot be read
        """
        self.config = config
        self.photographs = photographs
        self.negatives = np.flatnonzero([p.is_negative for p in photographs])
        self.positives = np.flatnonzero([len(p.boxes) > 0 for p in photographs])
        if not len(self.positives):
            raise ConfigurationError('there is no face in the photographs to learn from')
        needed = sum(3 * photograph.width * photograph.height for photograph in photographs)
        if needed > MOST_BYTES:
            raise ConfigurationError(
                f'the photographs take {needed / 2**30:.0f} GB of memory, at most '
                f'{MOST_BYTES / 2**30:.0f} are allowed; make them smaller, such as 640 pixels wide'
            )
        self.images = [photograph.read() for photograph in photographs]
        self.faces = faces

    def scene(self, side: int, rng: np.random.Generator) -> Scene:
        """Return a square scene of ``side`` pixels."""
        if rng.random() < self.config.mosaic_share:
            made = self._mosaic(side, rng)
        else:
            made = self._part(side, side, rng)
        if self.config.front_share and rng.random() < self.config.front_share:
            made = overlaid(made, self._part(side, side, rng))
        image = changed(
            made.image, made.boxes, self.config, rng, lambda: self._background(side, side, rng)
        )
        return replace(made, image=image)

    def _mosaic(self, side: int, rng: np.random.Generator) -> Scene:
        """Return four scenes about a point near the middle, or nine."""
        count = 3 if rng.random() < self.config.nine_share else 2
        shares = (np.arange(1, count) + rng.uniform(-0.3, 0.3, (2, count - 1))) / count
        edges = [[0, *np.round(side * row).astype(int).tolist(), side] for row in shares]
        image = np.empty((side, side, 3), np.uint8)
        parts = []
        for y0, y1 in pairwise(edges[0]):
            for x0, x1 in pairwise(edges[1]):
                part = self._part(y1 - y0, x1 - x0, rng)
                image[y0:y1, x0:x1] = part.image
                corner = np.array([x0, y0], np.float32)
                parts.append(
                    Scene(
                        image,
                        part.boxes + np.tile(corner, 2),
                        part.weights,
                        part.landmarks + corner,
                        part.ignored + np.tile(corner, 2),
                    )
                )
        return Scene(
            image,
            np.concatenate([part.boxes for part in parts]),
            np.concatenate([part.weights for part in parts]),
            np.concatenate([part.landmarks for part in parts]),
            np.concatenate([part.ignored for part in parts]),
        )

    def _part(self, height: int, width: int, rng: np.random.Generator) -> Scene:
        """Return a part of a photograph, at a random scale."""
        config, side = self.config, min(height, width)
        wants_none = rng.random() < config.negative_share and len(self.negatives)
        index = int(rng.choice(self.negatives if wants_none else self.positives))
        photograph, image = self.photographs[index], self.images[index]
        if len(self.faces) and not wants_none and rng.random() < config.faces_share:
            photograph = self.faces[int(rng.integers(len(self.faces)))]
            image = toned(photograph.read(), rng)
        size, room = np.array([photograph.width, photograph.height]), np.array([width, height])
        covering = float((room / size).max())
        if len(photograph.boxes):
            x0, y0, x1, y1 = photograph.boxes[rng.integers(len(photograph.boxes))].tolist()
            most = max(config.least_face, min(config.most_face, 1.1 * side))
            shown = math.exp(rng.uniform(math.log(config.least_face), math.log(most)))
            scale = shown / (y1 - y0)
            focus = np.array([(x0 + x1) / 2, (y0 + y1) / 2])
        else:
            scale = covering * math.exp(rng.uniform(0.0, math.log(4.0)))
            focus = rng.uniform(0, 1, 2) * size
        if rng.random() >= config.small_share:
            scale = max(scale, covering)
        scale = min(scale, config.most_enlarged)
        # Anywhere, but the edges of the photograph stay outside where it is large enough.
        edges = np.stack([room - scale * (size - focus), scale * focus])
        place = np.clip(rng.uniform(0.1, 0.9, 2) * room, edges.min(0), edges.max(0))
        angle = math.radians(rng.uniform(-config.rotation, config.rotation))
        flip = rng.random() < 0.5
        return transformed(
            photograph,
            image,
            (height, width),
            scale=scale,
            angle=angle,
            flip=flip,
            focus=focus,
            place=place,
            too_small=config.too_small,
            background=self._background(height, width, rng),
            stretch=math.exp(rng.uniform(-config.stretch, config.stretch)),
        )

    def _background(self, height: int, width: int, rng: np.random.Generator) -> ImageBGR:
        """Return what lies beside a photograph: one colour, or another one without a face."""
        if not len(self.negatives) or rng.random() >= self.config.background_share:
            return np.full((height, width, 3), rng.integers(0, 256, 3), np.uint8)
        image = self.images[int(rng.choice(self.negatives))]
        share = rng.uniform(0.3, 1.0)
        high, wide = (max(1, round(share * side)) for side in image.shape[:2])
        top = int(rng.integers(image.shape[0] - high + 1))
        left = int(rng.integers(image.shape[1] - wide + 1))
        part = image[top : top + high, left : left + wide]
        # Enlarging by areas repeats pixels, which would be a sign of no face.
        is_smaller = high >= height and wide >= width
        how = cv2.INTER_AREA if is_smaller else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(part, (width, height), interpolation=how), np.uint8)


def overlaid(behind: Scene, front: Scene) -> Scene:
    """
    Put the heads of one scene in front of another of its size.

    A face behind them of which more than ``MOST_HIDDEN`` is hidden is ignored.
    Source: Ghiasi et al.: Simple Copy-Paste is a Strong Data Augmentation Method, 2021.
    """
    covers = heads(behind.image.shape[:2], front.boxes)
    is_visible = hidden_shares(covers, behind.boxes) <= MOST_HIDDEN
    is_copied = hidden_shares(covers, front.ignored) > 0
    return Scene(
        np.where(covers[..., None] > 0, front.image, behind.image),
        np.concatenate([behind.boxes[is_visible], front.boxes]),
        np.concatenate([behind.weights[is_visible], front.weights]),
        np.concatenate([behind.landmarks[is_visible], front.landmarks]),
        np.concatenate([behind.ignored, behind.boxes[~is_visible], front.ignored[is_copied]]),
    )


def transformed(
    photograph: Photograph,
    image: ImageBGR,
    size_hw: tuple[int, int],
    *,
    scale: float,
    angle: float,
    flip: bool,
    focus: NDArray[np.float64],
    place: NDArray[np.float64],
    too_small: float,
    background: ImageBGR,
    stretch: float = 1.0,
) -> Scene:
    """
    Scale, rotate and mirror a photograph about a point, and cut out the scene.

    A rotated face keeps the size of its box. A face of which less than half is inside, or that is
    too small, is ignored. Ignored regions end at the edges of the scene, as another may lie beyond
    them.

    :param scale: pixels of the scene for one of the photograph
    :param angle: in radians, clockwise in the image
    :param background: of the size of the scene, shown where the photograph does not reach
    :param stretch: width by height of what is square in the photograph
    :param focus: x, y in the photograph that come to lie at ``place`` in the scene
    """
    height, width = size_hw
    cos, sin, sign = math.cos(angle), math.sin(angle), -1.0 if flip else 1.0
    sides = scale * np.array([math.sqrt(stretch), 1 / math.sqrt(stretch)])
    turn = np.array([[sign * cos, -sin], [sign * sin, cos]]) * sides
    shift = place - turn @ focus
    if scale < 0.7:  # linear interpolation alone would skip pixels
        smaller = np.maximum(1, np.round(sides * image.shape[1::-1])).astype(int).tolist()
        image = np.asarray(cv2.resize(image, smaller, interpolation=cv2.INTER_AREA), np.uint8)
    step = turn * (np.array([photograph.width, photograph.height]) / image.shape[1::-1])
    # OpenCV's pixels have their centres at whole numbers, annotations are from edge to edge.
    matrix = np.column_stack([step, shift + step.sum(1) / 2 - 0.5])
    warped = cv2.warpAffine(
        image,
        matrix,
        (width, height),
        dst=background.copy(),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_TRANSPARENT,
    )
    boxes = _moved(photograph.boxes, turn, shift, sides)
    landmarks = photograph.landmarks @ turn.T.astype(np.float32) + shift.astype(np.float32)
    if flip:
        landmarks = landmarks[:, MIRRORED]
    edges = np.array([width, height, width, height], np.float32)
    clipped = np.clip(boxes, 0, edges)
    visible = (clipped[:, 2:] - clipped[:, :2]).prod(1) / (boxes[:, 2:] - boxes[:, :2]).prod(1)
    is_fit = (boxes[:, 3] - boxes[:, 1] >= too_small) & (visible >= 0.5)
    ignored = np.clip(_moved(photograph.ignored, turn, shift, sides), 0, edges)
    ignored = np.concatenate([ignored, clipped[~is_fit]])
    weights = np.interp(photograph.scores, *TRUST).astype(np.float32)
    return Scene(
        np.asarray(warped, np.uint8),
        boxes[is_fit],
        weights[is_fit],
        landmarks[is_fit].astype(np.float32),
        ignored[(ignored[:, :2] < ignored[:, 2:]).all(1)],
    )


def _moved(
    boxes: NDArray[np.float32],
    turn: NDArray[np.float64],
    shift: NDArray[np.float64],
    sides: NDArray[np.float64],
) -> NDArray[np.float32]:
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2 @ turn.T + shift
    half = (boxes[:, 2:] - boxes[:, :2]) / 2 * sides
    return np.concatenate([middle - half, middle + half], axis=1).astype(np.float32)
