"""What the scenes that a detector learns from are like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from rtcnn_perception.training.engine.ranges import check_ranges
from rtcnn_perception.training.engine.ranges import Degrees
from rtcnn_perception.training.engine.ranges import NotNegative
from rtcnn_perception.training.engine.ranges import Positive
from rtcnn_perception.training.engine.ranges import Range
from rtcnn_perception.training.engine.ranges import Share

LARGEST = 4096
"""Pixels of the side of a scene; a batch of larger ones fits into no memory."""


@dataclass(frozen=True)
class SceneConfig:
    """
    What scenes are like.

    ``sizes`` are the sides of a batch's scenes in pixels, one drawn for each batch. A face of the
    photograph is drawn and shown ``least_face`` to ``most_face`` pixels high, but little higher
    than the scene; ``most_enlarged`` bounds the scale, as what is enlarged is blurred; all but
    ``small_share`` are shown no smaller than fills the scene. ``negative_share`` are without a
    face, ``faces_share`` of the others show one of the faces that are given beside photographs;
    ``mosaic_share`` are made of four, ``nine_share`` of those of nine. Where a photograph does not
    reach, one colour is seen or, in ``background_share``, another without a face. Faces lower than
    ``too_small`` pixels are ignored. ``rotation`` is in degrees, ``stretch`` bounds the logarithm
    of width by height. ``front_share`` of the scenes have heads of another photograph before
    them. A part of ``covered_share`` of the faces is hidden, by one colour or what
    ``background_share`` says; ``drawn_share`` of the scenes have frames and words drawn on them,
    ``dark_share`` lie in the dark; the rest is as for face crops.
    """

    sizes: tuple[int, ...] = (160, 224, 288)
    least_face: Positive = 9.0
    most_face: Positive = 260.0
    most_enlarged: Positive = 2.5
    small_share: Share = 0.15
    negative_share: Share = 0.3
    faces_share: Share = 0.0
    mosaic_share: Share = 0.35
    nine_share: Share = 0.0
    background_share: Share = 0.0
    too_small: NotNegative = 7.0
    rotation: Degrees = 12.0
    stretch: Share = 0.0
    front_share: Share = 0.0
    covered_share: Share = 0.0
    drawn_share: Share = 0.0
    dark_share: Share = 0.0
    light: Share = 0.3
    gamma: NotNegative = 0.4
    colour: Share = 0.4
    gray_share: Share = 0.08
    blur_share: Share = 0.1
    noise_share: Share = 0.2
    noise: Annotated[float, Range(0, 255)] = 12.0
    jpeg_share: Share = 0.1

    def __post_init__(self) -> None:
        """Refuse sizes that the network does not take, and bounds that leave nothing to draw."""
        check_ranges(self)
        if not self.sizes or any(size % 32 or not 0 < size <= LARGEST for size in self.sizes):
            raise ValueError(
                f'sizes must be multiples of 32 pixels up to {LARGEST}, got {self.sizes}'
            )
        if self.least_face > self.most_face:
            raise ValueError(
                f'least_face must be at most most_face, got {self.least_face} and {self.most_face}'
            )
        if self.too_small >= self.most_face:
            raise ValueError(
                f'too_small must be below most_face, got {self.too_small} and {self.most_face}'
            )
