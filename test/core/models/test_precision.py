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

"""Of a graph in float32 and one in eight bits the faster one is loaded, or the one asked for."""

from __future__ import annotations

import hashlib

import pytest
from rtcnn_perception.core.attributes.card import AttributeCard
from rtcnn_perception.core.attributes.classifier import AttributeClassifier
from rtcnn_perception.core.attributes.model import AttributeModel
from rtcnn_perception.core.detection.base import DetectorConfig
from rtcnn_perception.core.detection.rtcnn import PRECISION_SIDE
from rtcnn_perception.core.detection.rtcnn import RtcnnDetector
from rtcnn_perception.core.models.precision import load_precision
from rtcnn_perception.core.models.precision import RUNS
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.resources import models_directory
from tiny_model import GENDERS
from tiny_model import make_card
from tiny_model import make_graph
from tiny_model import write_model
from tiny_model import write_tiny_model

HEADS = {'gender': GENDERS}


@pytest.fixture
def folder(tmp_path):
    """Return a folder whose card names a second graph, of other weights, as the one of int8."""
    graph, other = (make_graph({'gender': 2}, seed=seed) for seed in (1, 2))
    digest = hashlib.sha256(other).hexdigest()
    card = make_card(graph, HEADS) | {'int8': {'file': 'int8.onnx', 'sha256': digest}}
    (write_model(tmp_path, graph, card) / 'int8.onnx').write_bytes(other)
    return tmp_path


class Clock:
    """Seconds that pass as the models that run say."""

    def __init__(self):
        self.now = 0.0
        self.runs = []

    def __call__(self):
        return self.now

    def run(self, seconds_by_name):
        def run(name):
            self.runs.append(name)
            self.now += seconds_by_name[name]

        return run


@pytest.mark.parametrize(
    ('float_s', 'int8_s', 'name', 'why'),
    [
        (0.002, 0.001, 'tiny_int8', 'int8, as int8 takes 1.00 ms here and float 2.00 ms'),
        (0.001, 0.004, 'tiny', 'float, as int8 takes 4.00 ms here and float 1.00 ms'),
        (0.001, 0.001, 'tiny', 'float, as int8 takes 1.00 ms here and float 1.00 ms'),
    ],
)
def test_auto_takes_the_faster_graph(folder, float_s, int8_s, name, why):
    clock = Clock()
    run = clock.run({'tiny': float_s, 'tiny_int8': int8_s})
    loaded = load_precision(AttributeCard.load(folder), 'auto', lambda card: card.name, run, clock)
    assert loaded == (name, why)
    assert clock.runs == ['tiny_int8', *['tiny', 'tiny_int8'] * RUNS]


def test_a_precision_that_is_asked_for_is_what_runs(folder):
    for precision, file in (('float', 'model.onnx'), ('int8', 'int8.onnx')):
        model = AttributeModel.load(folder, precision=precision)
        assert model.card.path == folder / file
        assert model.precision_note == precision
    classifier = AttributeClassifier.load({'gender': folder}, precision='int8')
    assert classifier.attributes[0].model.startswith('tiny_int8@')
    (note,) = classifier.precision_notes
    assert note == f'{classifier.attributes[0].model}: int8'


def test_a_damaged_graph_in_eight_bits_leaves_the_other(folder):
    (folder / 'int8.onnx').write_bytes(b'damaged')
    model = AttributeModel.load(folder, precision='auto')
    assert model.card.path == folder / 'model.onnx'
    assert model.precision_note.startswith(
        f'float, as the graph in eight bits cannot be used: {folder / "int8.onnx"}: expected '
    )
    with pytest.raises(ModelError, match=r'int8\.onnx: expected '):
        AttributeModel.load(folder, precision='int8')


def test_a_graph_in_eight_bits_that_fails_when_it_runs_leaves_the_other(folder):
    def run(name):
        if name == 'tiny_int8':
            raise ModelError('no such kernel')

    name, why = load_precision(AttributeCard.load(folder), 'auto', lambda card: card.name, run)
    assert name == 'tiny'
    assert why == 'float, as the graph in eight bits cannot be used: no such kernel'


def test_a_model_of_one_graph_runs_in_float(tmp_path):
    folder = write_tiny_model(tmp_path, HEADS)
    assert AttributeModel.load(folder, precision='auto').precision_note == ''
    with pytest.raises(ModelError, match='got one without; make it with `rtcnn_perception export'):
        AttributeModel.load(folder, precision='int8')


def test_an_unknown_precision_is_refused_naming_the_known_ones(tmp_path):
    folder = write_tiny_model(tmp_path, HEADS)
    with pytest.raises(ModelError, match="among auto, float, int8, got 'half'"):
        AttributeModel.load(folder, precision='half')


def test_other_work_does_not_change_the_choice(folder):
    clock = Clock()
    run = clock.run({'tiny': 0.002, 'tiny_int8': 0.001})

    def busy(name):
        run(name)
        if name == 'tiny_int8' and len(clock.runs) % 3:
            clock.now += 0.004

    loaded = load_precision(
        AttributeCard.load(folder), 'auto', lambda card: card.name, busy, clock
    )
    assert loaded == ('tiny_int8', 'int8, as int8 takes 1.00 ms here and float 2.00 ms')


def test_a_detector_for_wide_images_is_compared_by_smaller_ones(monkeypatch):
    widths, detect = [], RtcnnDetector.detect

    def noting(detector, image):
        widths.append(image.shape[1])
        return detect(detector, image)

    monkeypatch.setattr(RtcnnDetector, 'detect', noting)
    detector = RtcnnDetector.load(models_directory() / 'face', DetectorConfig('rtcnn', width=8192))
    assert (set(widths), detector.precision_note != '') == ({PRECISION_SIDE}, True)
