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

from __future__ import annotations

from dataclasses import replace

from bright_faces import bright_faces
from bright_faces import CONFIG
import cv2
from drawn_faces import write_photographs
import numpy as np
import pytest
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.training.data.photographs import face_pictures
from rtcnn_perception.training.data.photographs import read_photographs
from rtcnn_perception.training.tasks.detector.config import DetectorTrainConfig
from rtcnn_perception.training.tasks.detector.config import SceneConfig
from rtcnn_perception.training.tasks.detector.scenes.transformation import Scene
from rtcnn_perception.training.tasks.preview import draw_annotations
from rtcnn_perception.training.tasks.preview import write_preview
from rtcnn_perception.training.tasks.preview import write_scene_preview


def test_a_preview_has_a_row_of_faces_and_rows_of_augmented_ones(tmp_path):
    write_preview(CONFIG, bright_faces(3), tmp_path / 'new/sheet.png')
    picture = cv2.imread(str(tmp_path / 'new/sheet.png'))
    assert picture.shape == (8 * (112 + 6), 3 * (112 + 6), 3)
    assert np.ptp(picture) > 100


def test_an_unknown_architecture_has_no_preview(tmp_path):
    config = replace(CONFIG, architecture='resnet50')
    with pytest.raises(ConfigurationError, match="no architecture is called 'resnet50'"):
        write_preview(config, bright_faces(3), tmp_path / 'sheet.png')


def test_a_preview_of_scenes_has_their_annotations(tmp_path):
    photographs = read_photographs(write_photographs(tmp_path / 'data', {'train': [1, 2, 0]}))
    config = DetectorTrainConfig(
        name='a',
        detector='face_dense',
        photographs=('data',),
        faces='faces.npz',
        scenes=SceneConfig(sizes=(64,), faces_share=0.5),
    )
    faces = face_pictures(bright_faces(2))
    write_scene_preview(config, photographs, tmp_path / 'sheet.png', faces)
    picture = cv2.imread(str(tmp_path / 'sheet.png'))
    assert picture.shape == (4 * 64, 6 * 64, 3)
    assert (picture == (90, 200, 60)).all(2).any()


def test_annotations_are_drawn_into_a_copy():
    scene = Scene(
        image=np.zeros((32, 32, 3), np.uint8),
        boxes=np.float32([[2, 2, 12, 12]]),
        weights=np.ones(1, np.float32),
        landmarks=np.full((1, 5, 2), np.nan, np.float32),
        ignored=np.float32([[20, 20, 30, 30]]),
    )
    drawn = draw_annotations(scene)
    assert drawn[2, 6].tolist() == [90, 200, 60]
    assert drawn[20, 25].tolist() == [150, 150, 150]
    assert not scene.image.any()
