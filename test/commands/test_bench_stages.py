import cv2
import numpy as np
import pytest
from rtcnn_perception.commands.benchmark import stages
from rtcnn_perception.commands.benchmark.scenes import crowd_clip
from rtcnn_perception.commands.benchmark.stages import compare
from rtcnn_perception.commands.benchmark.stages import DetectorAlone
from rtcnn_perception.commands.benchmark.stages import EachStage
from rtcnn_perception.commands.benchmark.stages import OriginalWay
from rtcnn_perception.commands.benchmark.stages import PackageWay
from rtcnn_perception.commands.benchmark.stages import Stopwatch
from rtcnn_perception.core.attributes.classifier import AttributeClassifier
from rtcnn_perception.core.attributes.classifier import FaceModel
from rtcnn_perception.core.detection.haar import find_cascade
from rtcnn_perception.core.detection.registry import DetectorConfig
from rtcnn_perception.core.detection.registry import load_detector
from rtcnn_perception.core.labels import ATTRIBUTES
from rtcnn_perception.resources import models_directory


@pytest.fixture(scope='module')
def models():
    return {name: FaceModel.load(models_directory() / name) for name in ATTRIBUTES}


@pytest.fixture
def haar():
    return load_detector(DetectorConfig(name='haar'), ()).detector


@pytest.mark.parametrize('faces', [0, -1, 2, 15])
def test_a_crowd_is_a_square(faces):
    with pytest.raises(ValueError, match='square number'):
        crowd_clip(faces, 1)


@pytest.mark.parametrize('faces', [1, 4, 16])
def test_a_crowd_has_the_faces_it_says(faces):
    cascade = cv2.CascadeClassifier(cv2.data.haarcascades + 'haarcascade_frontalface_default.xml')
    for frame in crowd_clip(faces, 12)[::4]:
        assert frame.shape == (480, 640, 3)
        assert (
            len(cascade.detectMultiScale(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), 1.3, 5)) == faces
        )


def test_all_ways_judge_every_face(models, haar, monkeypatch):
    monkeypatch.setattr(stages, 'WARM_UP_FRAMES', 1)
    classifier = AttributeClassifier(models)
    costs = compare(
        {
            'original': lambda: OriginalWay(models['emotion'], models['gender']),
            'package': lambda: PackageWay(haar, classifier),
            'detector': lambda: DetectorAlone(haar),
            'steps': lambda: EachStage(haar, models),
        },
        crowd_clip(4, 3),
        repeats=2,
    )
    assert {name: cost.faces for name, cost in costs.items()} == dict.fromkeys(costs, 4.0)
    assert set(costs['original'].median_ms) == {'detect', 'classify', 'total'}
    assert set(costs['package'].median_ms) == {'detect', 'track', 'classify', 'total'}
    assert set(costs['detector'].median_ms) == {'detect', 'total'}
    assert {'detect', 'emotion network', 'quality'} <= set(costs['steps'].median_ms)
    for cost in costs.values():
        low, high = cost.range_ms['total']
        assert 0 < low <= cost.median_ms['total'] <= high


def test_the_total_is_that_of_whole_frames():
    watch = Stopwatch()
    watch.seconds['detect'] = [0.001, 0.002, 0.009]
    watch.seconds['classify'] = [0.009, 0.002, 0.001]
    medians = watch.medians_ms()
    assert medians == pytest.approx({'detect': 2.0, 'classify': 2.0, 'total': 10.0})


def test_frames_of_warming_up_are_not_measured():
    seen = []

    def way(image, index, watch):
        with watch.stage('only'):
            seen.append(index)
        return int(image[0, 0, 0])

    frames = [np.full((2, 2, 3), 7, np.uint8)] * (stages.WARM_UP_FRAMES + 2)
    costs = compare({'way': lambda: way}, frames, repeats=1)
    assert seen == list(range(stages.WARM_UP_FRAMES + 2))
    assert costs['way'].faces == 7.0


def test_the_original_way_takes_the_cascade_wherever_it_lies(models, monkeypatch, tmp_path):
    elsewhere = tmp_path / 'cascade.xml'
    elsewhere.write_bytes(find_cascade().read_bytes())
    monkeypatch.setattr(cv2, '__file__', str(tmp_path / 'none' / '__init__.py'))
    monkeypatch.setattr(stages, 'find_cascade', lambda: elsewhere)
    way = OriginalWay(models['emotion'], models['gender'])
    assert way(crowd_clip(1, 1)[0], 0, Stopwatch()) == 1
