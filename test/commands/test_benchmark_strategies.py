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

import cv2
import numpy as np
import pytest
from rtcnn_perception.commands.benchmark import strategies
from rtcnn_perception.commands.benchmark.inputs import crowd_clip
from rtcnn_perception.commands.benchmark.strategies import compare
from rtcnn_perception.commands.benchmark.strategies import detector_alone
from rtcnn_perception.commands.benchmark.strategies import EachStage
from rtcnn_perception.commands.benchmark.strategies import OriginalStrategy
from rtcnn_perception.commands.benchmark.strategies import PackageStrategy
from rtcnn_perception.commands.benchmark.strategies import Stopwatch
from rtcnn_perception.core.attributes.classifier import AttributeClassifier
from rtcnn_perception.core.attributes.classifier import Classification
from rtcnn_perception.core.attributes.classifier import DEFAULT_ATTRIBUTES
from rtcnn_perception.core.attributes.model import AttributeModel
from rtcnn_perception.core.detection.base import Detection
from rtcnn_perception.core.detection.base import DetectorConfig
from rtcnn_perception.core.detection.haar import find_cascade
from rtcnn_perception.core.detection.registry import load_detector
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.crops import Crop
from rtcnn_perception.resources import models_directory


@pytest.fixture(scope='module')
def models():
    folder = models_directory() / 'attributes'
    return {name: AttributeModel.load(folder) for name in DEFAULT_ATTRIBUTES}  # one run for each


@pytest.fixture
def haar():
    return load_detector(DetectorConfig(name='haar'), ()).detector


def test_all_strategies_classify_every_face(models, haar, monkeypatch):
    monkeypatch.setattr(strategies, 'WARM_UP_FRAMES', 1)
    classifier = AttributeClassifier(models)
    costs = compare(
        {
            'original': lambda: OriginalStrategy([*models.values()]),
            'package': lambda: PackageStrategy(haar, classifier),
            'detector': lambda: detector_alone(haar),
            'steps': lambda: EachStage(haar, models),
        },
        crowd_clip(4, 3),
        repeats=2,
    )
    assert {name: cost.faces for name, cost in costs.items()} == dict.fromkeys(costs, 4.0)
    assert set(costs['original'].median_ms) == {'detect', 'classify', 'total'}
    assert set(costs['package'].median_ms) == {'detect', 'track', 'classify', 'total'}
    assert set(costs['detector'].median_ms) == {'detect', 'total'}
    steps = set(costs['steps'].median_ms)
    assert {'detect', 'network of emotion', 'network of gender', 'quality'} <= steps
    for cost in costs.values():
        low, high = cost.range_ms['total']
        assert 0 < low <= cost.median_ms['total'] <= high


def test_the_steps_of_a_model_of_several_attributes_are_measured_once(haar):
    both = AttributeModel.load(models_directory() / 'attributes')
    watch = Stopwatch()
    EachStage(haar, {'emotion': both, 'gender': both})(crowd_clip(1, 1)[0], 0, watch)
    assert [n for n in watch.seconds if 'network' in n] == ['network of emotion and gender']


def test_the_total_is_the_median_of_whole_frames():
    watch = Stopwatch()
    watch.seconds['detect'] = [0.001, 0.002, 0.009]
    watch.seconds['classify'] = [0.009, 0.002, 0.001]
    medians = watch.medians_ms()
    assert medians == pytest.approx({'detect': 2.0, 'classify': 2.0, 'total': 10.0})


def test_frames_of_the_warm_up_are_not_measured():
    indices = []

    def strategy(image, index, watch):
        with watch.stage('only'):
            indices.append(index)
        return int(image[0, 0, 0])

    frames = [np.full((2, 2, 3), 7, np.uint8)] * (strategies.WARM_UP_FRAMES + 2)
    costs = compare({'strategy': lambda: strategy}, frames, repeats=1)
    assert indices == list(range(strategies.WARM_UP_FRAMES + 2))
    assert costs['strategy'].faces == 7.0


def test_the_original_uses_the_cascade_wherever_it_lies(models, monkeypatch, tmp_path):
    elsewhere = tmp_path / 'cascade.xml'
    elsewhere.write_bytes(find_cascade().read_bytes())
    monkeypatch.setattr(cv2, '__file__', str(tmp_path / 'none' / '__init__.py'))
    monkeypatch.setattr(strategies, 'find_cascade', lambda: elsewhere)
    original = OriginalStrategy([*models.values()])
    assert original(crowd_clip(1, 1)[0], 0, Stopwatch()) == 1


def test_the_classifier_gets_the_landmarks_by_the_names_of_the_detector():
    regions = []

    class Scripted:
        tag, min_score, landmark_names = 'scripted', 0.6, ('left_ear', 'right_ear')

        def detect(self, _image):
            points = np.float32([[3, 4], [9, 4]])
            return (Detection(BoundingBox(2, 2, 10, 12), 0.9, points),)

    class Recording:
        attributes = ()

        def classify(self, _image, found):
            regions.extend(found)
            return Classification(tuple(Crop(region.box) for region in found), {})

    strategy = PackageStrategy(Scripted(), Recording())
    assert strategy(np.zeros((20, 20, 3), np.uint8), 0, Stopwatch()) == 1
    assert regions[0].landmark_names == Scripted.landmark_names
    assert regions[0].landmarks == pytest.approx(np.float32([[3, 4], [9, 4]]))
