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

import numpy as np
import pytest
from rtcnn_perception.core.attributes.classifier import Classification
from rtcnn_perception.core.detection.base import Detection
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.core.geometry.crops import cut_crop
from rtcnn_perception.core.geometry.crops import to_gray
from rtcnn_perception.core.pipeline import ClassificationStage
from rtcnn_perception.core.results import AttributeInfo
from rtcnn_perception.training.data.faces import FaceSet
from rtcnn_perception.training.data.faces import Labels
from rtcnn_perception.training.tasks.attributes.report import pipeline_line
from rtcnn_perception.training.tasks.attributes.through_pipeline import enlarged
from rtcnn_perception.training.tasks.attributes.through_pipeline import MOST_SIDE
from rtcnn_perception.training.tasks.attributes.through_pipeline import PipelineFigures
from rtcnn_perception.training.tasks.attributes.through_pipeline import through_pipeline

GEOMETRY = CropGeometry(0.0)


class BrightDetector:
    """Finds the bright or dark square on gray ground, as these tests place it."""

    tag = 'bright'
    landmark_names = ()
    min_score = 0.5

    def detect(self, image):
        rows, columns = np.nonzero(np.abs(to_gray(image).astype(int) - 128) > 60)
        if not len(rows):
            return ()
        box = BoundingBox(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        return (Detection(box, 0.9),)


class BrightClassifier:
    """Classifies what is bright as 'bright'; its classes are in another order than the labels."""

    attributes = (AttributeInfo('shade', ('bright', 'dark'), 'made'),)

    def classify(self, image, regions):
        crops = tuple(GEOMETRY.crop(region) for region in regions)
        means = [cut_crop(to_gray(image), crop, (8, 8)).mean() for crop in crops]
        is_bright = np.array(means).reshape(-1, 1) > 128
        rows = np.where(is_bright, [[1.0, 0.0]], [[0.0, 1.0]]).astype(np.float32)
        return Classification(crops, {'shade': rows})


def faces(values):
    pictures = []
    for value in values:
        picture = np.full((60, 60), 128, np.uint8)
        picture[15:45, 15:45] = value
        pictures.append(picture)
    labels = Labels.of(('dark', 'bright'), np.array([value > 128 for value in values], int))
    return FaceSet(
        pictures=pictures,
        boxes=np.tile([15.0, 15.0, 45.0, 45.0], (len(values), 1)),
        names=[str(value) for value in values],
        labels={'shade': labels},
    )


def figures_of(values):
    return through_pipeline(
        faces(values),
        'shade',
        detector=BrightDetector(),
        classifier=BrightClassifier(),
        predict_directly=lambda some: ['bright'] * len(some),
    )


def test_no_faces_have_no_accuracy():
    figures = PipelineFigures('', 0, 0, 0, 0, 0)
    assert (figures.accuracy, figures.direct_accuracy) == (0.0, 0.0)


@pytest.mark.parametrize(('shape', 'size_hw'), [((60, 60), (280, 280)), ((150, 600), (160, 640))])
def test_the_box_is_where_the_face_is_in_the_image(shape, size_hw):
    picture = np.full(shape, 128, np.uint8)
    picture[15:45, 15:45] = 250
    image, box = enlarged(picture, BoundingBox(15, 15, 45, 45))
    assert image.shape == (*size_hw, 3)
    assert max(size_hw) <= MOST_SIDE
    (found,) = BrightDetector().detect(image)
    assert found.box.as_tuple() == pytest.approx(box.as_tuple(), abs=4)


def test_faces_that_are_found_and_classified_correctly_are_counted():
    figures = figures_of([250, 5, 250, 128])  # the last one is as its ground
    assert figures == PipelineFigures(
        'bright', faces=4, found=3, labelled=3, correct=3, correct_directly=2
    )
    assert pipeline_line(figures) == (
        'through the detector bright, tracker and classifier: 3 of 4 faces found, 3 labelled, '
        '100.0 % of these correctly; the same faces directly: 66.7 %'
    )


def test_a_face_without_a_label_is_neither_right_nor_wrong(monkeypatch):
    classified = ClassificationStage.process

    def process(stage, result):
        (face,) = classified(stage, result).faces
        shade = face.attributes['shade']
        shade = shade.without_label() if shade.label == 'dark' else shade
        return replace(result, faces=(replace(face, attributes={'shade': shade}),))

    monkeypatch.setattr(ClassificationStage, 'process', process)
    figures = figures_of([250, 5, 250])
    assert (figures.found, figures.labelled, figures.correct) == (3, 2, 2)
    assert figures.accuracy == 1.0


def test_a_large_picture_is_averaged_as_a_camera_averages_it():
    noise = np.random.default_rng(0).normal(128, 15, (1600, 1600)).clip(0, 255).astype(np.uint8)
    image, box = enlarged(noise, BoundingBox(400, 400, 1200, 1200))
    assert image.shape[0] < 500
    assert box.width == pytest.approx(image.shape[0] / 2, rel=0.01)
    assert image.std() < 5


def test_no_accuracy_is_said_of_no_face():
    figures = PipelineFigures(
        'bright', faces=2, found=0, labelled=0, correct=0, correct_directly=0
    )
    assert pipeline_line(figures).endswith('0 of 2 faces found, 0 labelled')
