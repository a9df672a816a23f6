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

"""The tables of the stages in one thread, from a few frames or from figures made by hand."""

from dataclasses import replace
from pathlib import Path

from own_detector import ROW
from own_detector import write_level
import pytest
from rtcnn_perception.commands.benchmark import core_parts
from rtcnn_perception.commands.benchmark import strategies
from rtcnn_perception.commands.benchmark.inputs import BenchmarkConfig
from rtcnn_perception.commands.benchmark.inputs import find_inputs
from rtcnn_perception.commands.benchmark.strategies import Cost
from rtcnn_perception.core.detection.base import DetectorConfig
from rtcnn_perception.core.detection.registry import DETECTORS

CONFIG = BenchmarkConfig(repeats=2, seconds=1.0, soak_frames=1000, stage_frames=4)
YUNET = DetectorConfig('yunet', model_path='yunet.onnx')


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    monkeypatch.setattr(strategies, 'WARM_UP_FRAMES', 2)
    monkeypatch.setattr(core_parts, 'CROWDS', (1, 4))


@pytest.fixture
def inputs(tmp_path):
    found = find_inputs(tmp_path, ['rtcnn', 'haar'], ['emotion', 'gender'])
    return replace(found, left_out=('yunet is left out.',))


def report_progress(text: str, share: float) -> None:
    assert text
    assert 0.0 <= share < 1.0


def test_each_strategy_has_a_row_beside_the_original(inputs):
    section = core_parts.strategies(inputs, CONFIG, report_progress)
    names = ('the original', 'this package, rtcnn', 'this package, haar')
    assert [row[:2] for row in section.rows] == [
        (faces, name) for faces in ('1', '4') for name in names
    ]
    assert 'yunet is left out.' in section.notes
    for row in section.rows:
        assert len(row) == len(section.columns)
        assert float(row[-1]) == float(row[0]), 'every face is classified'


def test_a_detector_that_is_not_part_of_the_package_has_a_row_too(tmp_path, monkeypatch):
    monkeypatch.setitem(DETECTORS, ROW.name, ROW)
    model = write_level(tmp_path / 'model.level')
    found = find_inputs(tmp_path, [f'bright={model}'], ['gender'])
    section = core_parts.detectors(found, CONFIG, report_progress)
    assert [(row[0], row[1], row[3]) for row in section.rows] == [('bright', '160', '-')]
    assert section.targets == ()
    assert 'bright' in core_parts.steps(found, CONFIG, report_progress).notes[0]


def test_a_model_of_several_attributes_is_loaded_once(inputs, monkeypatch):
    models = []

    def load(path, **_options):
        models.append(path)
        return path.name

    folder = Path('models') / 'attributes'
    monkeypatch.setattr(core_parts, 'model_paths', lambda names, *_: dict.fromkeys(names, folder))
    monkeypatch.setattr(core_parts.AttributeModel, 'load', load)
    assert core_parts._models(inputs) == {'emotion': 'attributes', 'gender': 'attributes'}
    assert models == [folder]


@pytest.mark.parametrize(('ours', 'share', 'holds'), [(2.0, '0.40', True), (2.6, '0.52', False)])
def test_the_detectors_are_compared_with_yunet(inputs, monkeypatch, ours, share, holds):
    times = {'rtcnn': ours, 'yunet': 5.0, 'haar': 50.0}

    def compare(makers, clip, repeats):
        assert list(makers) == list(times)
        assert {frame.shape for frame in clip} == {(480, 640, 3)}
        assert repeats == CONFIG.repeats
        return {
            name: Cost({'total': time}, {'total': (time, time)}, faces=1.0)
            for name, time in times.items()
        }

    monkeypatch.setattr(core_parts, 'compare', compare)
    rtcnn, haar = inputs.detectors
    section = core_parts.detectors(
        replace(inputs, detectors=(rtcnn, YUNET, haar)), CONFIG, report_progress
    )
    assert section.rows == (
        ('rtcnn', '320', f'{ours:.2f}', share, '1.0'),
        ('yunet', '320', '5.00', '1.00', '1.0'),
        ('haar', '640', '50.00', '10.00', '1.0'),
    )
    assert [target.holds for target in section.targets] == [holds]


def test_without_yunet_the_detectors_have_times_alone(inputs):
    section = core_parts.detectors(inputs, CONFIG, report_progress)
    assert [(row[0], row[3]) for row in section.rows] == [('rtcnn', '-'), ('haar', '-')]
    assert 'yunet is left out.' in section.notes
    assert section.targets == ()


def test_every_step_has_a_row(inputs):
    section = core_parts.steps(inputs, CONFIG, report_progress)
    both = ('crops for emotion and gender', 'network of emotion and gender')
    assert {'detect', 'track', *both, 'quality'} <= {row[0] for row in section.rows}
    assert section.columns == ('step', '1 face [ms]', '4 faces [ms]')


def test_without_attributes_nothing_is_classified(inputs):
    section = core_parts.steps(replace(inputs, attributes=()), CONFIG, report_progress)
    assert not any('network' in row[0] for row in section.rows)
