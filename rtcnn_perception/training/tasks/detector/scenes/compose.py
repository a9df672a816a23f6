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
Compose the scenes that a detector is trained on: parts of photographs at random scales.

A scene shows one photograph, or a mosaic of four or nine. It is (H, W, 3) uint8, BGR, with the
annotations moved to its pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
import math

import cv2
import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.training.data.photographs import FacePicture
from rtcnn_perception.training.data.photographs import Photograph
from rtcnn_perception.training.tasks.detector.config import MULTIPLE
from rtcnn_perception.training.tasks.detector.config import SceneConfig
from rtcnn_perception.training.tasks.detector.scenes.pixels import changed
from rtcnn_perception.training.tasks.detector.scenes.pixels import heads
from rtcnn_perception.training.tasks.detector.scenes.pixels import hidden_shares
from rtcnn_perception.training.tasks.detector.scenes.pixels import MOST_HIDDEN
from rtcnn_perception.training.tasks.detector.scenes.pixels import toned
from rtcnn_perception.training.tasks.detector.scenes.prints import drawn_face
from rtcnn_perception.training.tasks.detector.scenes.prints import laid_over
from rtcnn_perception.training.tasks.detector.scenes.prints import stencil
from rtcnn_perception.training.tasks.detector.scenes.transformation import in_sizes
from rtcnn_perception.training.tasks.detector.scenes.transformation import Scene
from rtcnn_perception.training.tasks.detector.scenes.transformation import size_for
from rtcnn_perception.training.tasks.detector.scenes.transformation import Sizes
from rtcnn_perception.training.tasks.detector.scenes.transformation import transformed

STENCIL_SHARE = 0.6
"""Of the prints, those made of a person's face; the others are drawn."""

TRIES = 20
"""Photographs, or pictures of a face, that are tried until one has a face that can be so large."""

MOST_BYTES = 8 * 2**30
"""Of all photographs, decoded, in all their sizes."""


class SceneMaker:
    """Makes scenes at random; the same generator makes the same ones."""

    def __init__(
        self,
        photographs: Sequence[Photograph],
        config: SceneConfig,
        faces: Sequence[FacePicture] = (),
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
        # Of all sizes together: each has half the pixels of the one before.
        needed = sum(6 * photograph.width * photograph.height for photograph in photographs)
        if needed > MOST_BYTES:
            raise ConfigurationError(
                f'the photographs take {needed / 2**30:.0f} GB of memory, at most '
                f'{MOST_BYTES / 2**30:.0f} are allowed; make them smaller, such as 640 pixels wide'
            )
        self.images = [in_sizes(photograph.read()) for photograph in photographs]
        self.faces = faces
        self._shares: NDArray[np.float64] | None = None

    def weigh_negatives(self, weights: NDArray[np.float64]) -> None:
        """Draw the photographs without a face by weights (N,), in their order."""
        self._shares = weights / weights.sum()

    def scene(self, side: int, rng: np.random.Generator) -> Scene:
        """Return a square scene of ``side`` pixels."""
        if rng.random() < self.config.mosaic_share:
            made = self._mosaic(side, rng)
        else:
            made = self._part(side, side, rng)
        if self.config.front_share and rng.random() < self.config.front_share:
            made = overlaid(made, self._part(side, side, rng))
        image = made.image
        if rng.random() < self.config.print_share:
            image = self._printed(image, np.concatenate([made.boxes, made.ignored]), rng)
        image = changed(
            image, made.boxes, self.config, rng, lambda: self._background(side, side, rng)
        )
        made = replace(made, image=image)
        return padded(made, rng) if rng.random() < self.config.padded_share else made

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
        config = self.config
        if rng.random() < config.negative_share and len(self.negatives):
            if config.anywhere_share and rng.random() < config.anywhere_share:
                index = int(rng.choice(self.positives))
            else:
                index = int(rng.choice(self.negatives, p=self._shares))
            photograph, sizes, face = self.photographs[index], self.images[index], None
        else:
            most = max(config.least_face, min(config.most_face, 1.1 * min(height, width)))
            shown = math.exp(rng.uniform(math.log(config.least_face), math.log(most)))
            photograph, sizes, face = self._with_face(shown, rng)
        size, room = np.array([photograph.width, photograph.height]), np.array([width, height])
        covering = float((room / size).max())
        if face is not None:
            x0, y0, x1, y1 = face
            scale = shown / (y1 - y0)
            focus = np.array([(x0 + x1) / 2, (y0 + y1) / 2])
        else:
            scale = covering * math.exp(rng.uniform(0.0, math.log(4.0)))
            focus = rng.uniform(0, 1, 2) * size
        if rng.random() >= config.small_share:
            scale = max(scale, covering)
        scale = min(scale, config.most_enlarged)
        # Anywhere, but the edges of the photograph stay outside where it is large enough.
        flip = rng.random() < 0.5
        before = np.array([size[0] - focus[0] if flip else focus[0], focus[1]])
        edges = np.stack([room - scale * (size - before), scale * before])
        place = np.clip(rng.uniform(0.1, 0.9, 2) * room, edges.min(0), edges.max(0))
        angle = math.radians(rng.uniform(-config.rotation, config.rotation))
        return transformed(
            photograph,
            sizes,
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

    def _with_face(
        self, shown: float, rng: np.random.Generator
    ) -> tuple[Photograph, Sizes, list[float]]:
        """
        Choose a photograph and a face in it that can be shown so high, in pixels.

        Most faces are small, and few photographs can be enlarged to show a large one.
        """
        config = self.config
        is_given = len(self.faces) and rng.random() < config.faces_share
        for _ in range(TRIES):
            if is_given:
                photograph: Photograph = self.faces[int(rng.integers(len(self.faces)))]
                sizes = None
            else:
                index = int(rng.choice(self.positives))
                photograph, sizes = self.photographs[index], self.images[index]
            face = photograph.boxes[rng.integers(len(photograph.boxes))].tolist()
            if shown <= config.most_enlarged * (face[3] - face[1]):
                break
        return photograph, sizes or [toned(photograph.read(), rng)], face

    def _background(self, height: int, width: int, rng: np.random.Generator) -> ImageBGR:
        """Return what lies beside a photograph: one colour, or another one without a face."""
        if not len(self.negatives) or rng.random() >= self.config.background_share:
            return np.full((height, width, 3), rng.integers(0, 256, 3), np.uint8)
        sizes = self.images[int(rng.choice(self.negatives))]
        share = rng.uniform(0.3, 1.0)
        full = np.array(sizes[0].shape[:2])
        image = size_for(sizes, float((np.array([height, width]) / full).max()) / share)
        high, wide = (max(1, round(share * side)) for side in image.shape[:2])
        top = int(rng.integers(image.shape[0] - high + 1))
        left = int(rng.integers(image.shape[1] - wide + 1))
        part = image[top : top + high, left : left + wide]
        return np.asarray(cv2.resize(part, (width, height)), np.uint8)

    def _printed(
        self, image: ImageBGR, boxes: NDArray[np.float32], rng: np.random.Generator
    ) -> ImageBGR:
        """Lay one to three prints of faces over a scene, beside its faces."""
        for _ in range(int(rng.integers(1, 4))):
            if len(self.faces) and rng.random() < STENCIL_SHARE:
                face = self.faces[int(rng.integers(len(self.faces)))]
                pattern = stencil(face.gray, face.boxes[0], face.landmarks[0], rng)
            else:
                pattern = drawn_face(rng)
            image = laid_over(image, boxes, pattern, rng)
        return image


def padded(scene: Scene, rng: np.random.Generator) -> Scene:
    """
    Make up to 31 pixels at the right and at the bottom black, as the detector pads its input.

    A face of which less than half is left is ignored.
    """
    height, width = scene.image.shape[:2]
    right, bottom = width - int(rng.integers(MULTIPLE)), height - int(rng.integers(MULTIPLE))
    image = scene.image.copy()
    image[bottom:], image[:, right:] = 0, 0
    clipped = np.minimum(scene.boxes, np.array([right, bottom, right, bottom], np.float32))
    sides, left = scene.boxes[:, 2:] - scene.boxes[:, :2], clipped[:, 2:] - clipped[:, :2]
    is_kept = left.clip(0).prod(1) >= 0.5 * sides.prod(1)
    return Scene(
        image,
        scene.boxes[is_kept],
        scene.weights[is_kept],
        scene.landmarks[is_kept],
        np.concatenate([scene.ignored, scene.boxes[~is_kept]]),
    )


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
