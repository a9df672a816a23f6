"""
What drawn-on glasses do to the judgements: the same faces with and without.

No face of the data is labelled for glasses, so dark frames are drawn where the eyes are. Run
`python benchmarks/glasses.py OUTPUT.png`; data is sought below `../shared/data`, or where
`RTCNN_DATA` points. The picture has mean faces and mean maps, the lines the mean probabilities.
"""

from __future__ import annotations

from pathlib import Path
import sys

import cv2
import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.face_crops import cut_faces
from rtcnn_perception.core.geometry.landmarks import FacePlace
from rtcnn_perception.core.saliency.model import SaliencyModel
from rtcnn_perception.core.saliency.names import TOP
from rtcnn_perception.core.saliency.overlay import heat_of
from rtcnn_perception.core.saliency.overlay import paint
from rtcnn_perception.core.saliency.overlay import sheet
from rtcnn_perception.core.saliency.overlay import Tile
from rtcnn_perception.core.saliency.overlay import TILE_PX
from rtcnn_perception.resources import models_directory
from rtcnn_perception.training.data import find_data

FACES = 600
LENS, LINE = 0.36, 0.07
"""Radius of a lens and thickness of a frame, as shares of the distance between the eyes."""

INK = 20
SIZE = (TILE_PX, TILE_PX)


def with_glasses(
    picture: NDArray[np.uint8], right: NDArray[np.float64], left: NDArray[np.float64]
) -> NDArray[np.uint8]:
    """Draw dark frames about the eyes into a copy of a gray face."""
    worn = picture.copy()
    between = float(np.hypot(*(left - right)))
    radius, line = round(LENS * between), max(1, round(LINE * between))
    for eye in (right, left):
        cv2.circle(worn, tuple(np.rint(eye).astype(int)), radius, INK, line, cv2.LINE_AA)
    inner = [right + (left - right) * share for share in (LENS, 1 - LENS)]
    ends = [tuple(np.rint(point).astype(int)) for point in inner]
    cv2.line(worn, *ends, INK, line, cv2.LINE_AA)
    return worn


def read_faces() -> list[tuple[NDArray[np.uint8], BoundingBox, NDArray[np.float64]]]:
    """Return gray faces of the test part, their boxes and landmarks."""
    with np.load(find_data('gender/gender_faces_112.npz'), allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    test = [str(name) for name in arrays['split_names']].index('test')
    rows = np.flatnonzero((arrays['split'] == test) & (arrays['score'] > 0.8))
    chosen = np.random.default_rng(0).permutation(rows)[:FACES]
    faces = []
    for row in chosen:
        content = arrays['jpeg'][arrays['offset'][row] : arrays['offset'][row + 1]]
        picture = np.asarray(cv2.imdecode(content, cv2.IMREAD_GRAYSCALE), dtype=np.uint8)
        box = BoundingBox(*(float(value) for value in arrays['box'][row]))
        faces.append((picture, box, arrays['landmarks'][row].reshape(5, 2).astype(np.float64)))
    return faces


def main() -> None:
    """Write the picture and print what changed."""
    faces = read_faces()
    rows: list[list[Tile]] = []
    for attribute in ('gender', 'emotion'):
        model = SaliencyModel.load(models_directory() / attribute)
        labels = model.spec.head(attribute).labels
        shares = []
        for name in ('without', 'with glasses'):
            crops = []
            for picture, box, points in faces:
                worn = picture if name == 'without' else with_glasses(picture, *points[:2])
                color = cv2.cvtColor(worn, cv2.COLOR_GRAY2BGR)
                place = FacePlace(box, np.float32(points))
                crops.append(cut_faces(np.asarray(color, np.uint8), (place,), model.spec)[0])
            batch = np.stack(crops)
            explained = [
                model.explain(batch[i : i + 32], attribute, (TOP,) * len(batch[i : i + 32]))
                for i in range(0, len(batch), 32)
            ]
            shares.append(np.concatenate([e.probabilities[attribute] for e in explained]).mean(0))
            maps = np.abs(np.concatenate([e.maps for e in explained]))
            maps /= np.maximum(maps.sum((1, 2), keepdims=True), 1e-30)
            mean = np.rint(batch.mean((0, 1))).astype(np.uint8)
            heat = paint(heat_of(maps.mean(0)), 'inferno', SIZE)
            caption = attribute if name == 'without' else name
            rows.append([Tile(mean, caption), Tile(heat, 'looked at')])
        for label, before, after in zip(labels, *shares, strict=True):
            sys.stdout.write(f'{attribute}: {label} {before:.1%} without, {after:.1%} with\n')
    cv2.imwrite(str(Path(sys.argv[1])), sheet([rows[0] + rows[1], rows[2] + rows[3]]))


if __name__ == '__main__':
    main()
