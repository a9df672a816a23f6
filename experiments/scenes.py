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
Write scenes that a detector learns from as annotated photographs, for `train face_check`.

A training of a detector composes its scenes as it goes: dark, blurred, covered, with prints. Here
some are kept, so that the check of the detector learns from what is found in them.

    python experiments/scenes.py face_anywhere --output DATA/detection/scenes
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rtcnn_perception.exceptions import PerceptionError
from rtcnn_perception.training.data.load import load_faces
from rtcnn_perception.training.data.photographs import ANNOTATIONS
from rtcnn_perception.training.data.photographs import face_pictures
from rtcnn_perception.training.data.photographs import UNCUT
from rtcnn_perception.training.engine.config import find_config
from rtcnn_perception.training.engine.config import from_mapping
from rtcnn_perception.training.engine.config import read_toml
from rtcnn_perception.training.tasks.detector.config import DetectorTrainConfig
from rtcnn_perception.training.tasks.detector.parts import configured_photographs
from rtcnn_perception.training.tasks.detector.scenes.compose import SceneMaker
from rtcnn_perception.training.tasks.detector.scenes.transformation import Scene
from tqdm import tqdm

SEED = 1

CERTAIN = 0.5
"""Faces that count less in the training of the detector are neither faces nor none here."""

QUALITY = 95


def entry_of(scene: Scene, name: str) -> dict[str, Any]:
    """Return what annotations.json says of a scene; landmarks are not needed."""
    height, width = scene.image.shape[:2]
    is_certain = scene.weights >= CERTAIN
    ignored = [*scene.ignored, *scene.boxes[~is_certain]]
    return {
        'file': name,
        'width': width,
        'height': height,
        'split': 'train',
        'faces': [{'box': box.tolist()} for box in scene.boxes[is_certain]],
        'ignore': [{'box': box.tolist()} for box in ignored],
    }


def write_scenes(config: DetectorTrainConfig, count: int, folder: Path) -> None:
    """
    Compose scenes of the training part of a configuration and write them.

    :raises PerceptionError: if its data is missing or faulty
    """
    photographs, _, _ = configured_photographs(config)
    faces = [
        face for name in config.faces for face in face_pictures(load_faces(name, UNCUT).train)
    ]
    rng = np.random.default_rng(SEED)
    train_part = [photograph for photograph in photographs if photograph.split == 'train']
    maker = SceneMaker(train_part, config.scenes, faces)
    images = folder / 'images'
    images.mkdir(parents=True, exist_ok=True)
    (folder / ANNOTATIONS).unlink(missing_ok=True)  # which are of the scenes before
    entries = []
    for number in tqdm(range(count), disable=None):
        scene = maker.scene(int(rng.choice(config.scenes.sizes)), rng)
        entries.append(entry_of(scene, f'{number:05}.jpg'))
        quality = [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
        if not cv2.imwrite(str(images / entries[-1]['file']), scene.image, quality):
            raise PerceptionError(f'cannot write {images / entries[-1]["file"]}')
    (folder / ANNOTATIONS).write_text(json.dumps(entries), encoding='utf-8')


def main() -> None:
    """Write a set of scenes, and say how many."""
    parser = argparse.ArgumentParser(description=(__doc__ or '').strip().splitlines()[0])
    parser.add_argument('config', type=Path, help='of a detector: a TOML file, or its name')
    parser.add_argument('--count', type=int, default=10000, help='scenes (default: %(default)s)')
    parser.add_argument('--output', type=Path, required=True, metavar='FOLDER')
    arguments = parser.parse_args()
    if arguments.count < 1:
        parser.error(f'--count must be at least 1, got {arguments.count}')
    try:
        path = find_config(arguments.config)
        config = from_mapping(DetectorTrainConfig, read_toml(path), path.name)
        write_scenes(config, arguments.count, arguments.output)
    except (PerceptionError, OSError) as error:
        parser.exit(1, f'{parser.prog}: {error}\n')
    print(f'{arguments.output}: {arguments.count} scenes')


if __name__ == '__main__':
    main()
