"""What the networks look at in the faces of an image."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
import math

import numpy as np
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.geometry.crops import cut_crop
from rtcnn_perception.core.geometry.face_crops import cut_faces
from rtcnn_perception.core.geometry.landmarks import FacePlace
from rtcnn_perception.core.saliency.model import SaliencyModel
from rtcnn_perception.core.saliency.model import TARGET_NAMES
from rtcnn_perception.core.saliency.names import CLASS_MAPS
from rtcnn_perception.core.saliency.names import METHODS
from rtcnn_perception.core.saliency.names import TOP
from rtcnn_perception.core.saliency.overlay import heat_of
from rtcnn_perception.core.saliency.overlay import paint
from rtcnn_perception.core.saliency.overlay import PlacedMap
from rtcnn_perception.core.saliency.overlay import Tile
from rtcnn_perception.core.saliency.overlay import TILE_PX

ANY_CLASS = 'class maps'
"""What stands for the label where the gradient is of the largest map of each place."""


@dataclass(frozen=True, slots=True)
class ExplainedFace:
    """
    The map of one attribute of a face.

    ``label`` is the class whose score the map is of, and ``confidence`` its probability in this
    frame, NaN where it is of no single class.
    """

    attribute: str
    label: str
    confidence: float
    placed: PlacedMap

    @property
    def caption(self) -> str:
        """Label and confidence."""
        share = '' if math.isnan(self.confidence) else f' {self.confidence:.0%}'
        return f'{self.label}{share}'


def explain_faces(
    models: Mapping[str, SaliencyModel],
    image: ImageBGR,
    places: Sequence[FacePlace],
    *,
    target: str = 'top',
    method: str = METHODS[0],
) -> tuple[tuple[ExplainedFace, ...], ...]:
    """
    Map what led to the judgement of each face: one run for each attribute, over all faces.

    :param models: by the attribute to be explained
    :param places: N faces in pixels of the image; N = 0 runs nothing
    :param target: 'top', 'class_maps' or a class; an attribute without that class shows its top
    :param method: one of ``METHODS``
    :returns: N times an explanation for each attribute
    :raises ConfigurationError: if no attribute has the target, or there is no such method
    :raises ModelError: if a network fails
    """
    own = {name: model.spec.head(name).labels for name, model in models.items()}
    is_known = target in TARGET_NAMES or any(target in labels for labels in own.values())
    by_attribute = []
    for attribute, model in models.items():
        labels = own[attribute]
        is_own = target in TARGET_NAMES or target in labels
        number = model.target(attribute, target) if is_own or not is_known else TOP
        faces = cut_faces(image, places, model.spec)
        explained = model.explain(faces, attribute, [number] * len(places), method)
        column = []
        for row, place in enumerate(places):
            rows = explained.probabilities[attribute][row]
            index = int(np.argmax(rows)) if number == TOP else number
            roll = model.spec.crop.roll_for(place.landmarks)
            square = model.spec.crop.square_about(place.box, roll)
            placed = PlacedMap(square, explained.maps[row], roll)
            if number == CLASS_MAPS:
                face = ExplainedFace(attribute, ANY_CLASS, math.nan, placed)
            else:
                face = ExplainedFace(attribute, labels[index], float(rows[index]), placed)
            column.append(face)
        by_attribute.append(column)
    return tuple(tuple(column[row] for column in by_attribute) for row in range(len(places)))


def mosaic_row(
    image: ImageBGR, explained: tuple[ExplainedFace, ...], name: str, color_map: str
) -> list[Tile]:
    """Return a face's crop and beside it the map of each attribute; empty if there is none."""
    if not explained:
        return []
    size = (TILE_PX, TILE_PX)
    shown = explained[0].placed
    tiles = [Tile(cut_crop(image, shown.square, size, shown.roll), name)]
    for face in explained:
        heat = heat_of(face.placed.values)
        tiles.append(Tile(paint(heat, color_map, size), face.caption))
    return tiles
