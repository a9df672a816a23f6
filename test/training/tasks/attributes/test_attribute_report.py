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

from dataclasses import asdict
from dataclasses import replace
import json

from bright_faces import bright_faces
from bright_faces import SHADES
import cv2
import numpy as np
import pytest
from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.training.data.faces import Fact
from rtcnn_perception.training.data.faces import Labels
from rtcnn_perception.training.tasks.attributes.evaluate import evaluate
from rtcnn_perception.training.tasks.attributes.predictor import Predictor
from rtcnn_perception.training.tasks.attributes.report import draw_report
from rtcnn_perception.training.tasks.attributes.report import pipeline_line
from rtcnn_perception.training.tasks.attributes.report import report_page
from rtcnn_perception.training.tasks.attributes.report import summary_lines
from rtcnn_perception.training.tasks.attributes.through_pipeline import PipelineFigures
from rtcnn_perception.training.tasks.reporting import write_report

COUNT = 96


def by_brightness(crops):
    """Classify every face correctly, with nine tenths."""
    bright = crops.mean((1, 2)) > 100
    return {'shade': np.where(bright[:, None], [[0.1, 0.9]], [[0.9, 0.1]]).astype('f')}


PREDICTOR = Predictor('brightness', {'shade': SHADES}, (8, 8), CropGeometry(0.0), by_brightness)


def face_set():
    """Return faces of which one in six has the label of the other class, all of them outside."""
    indices = np.arange(COUNT) % 2
    is_outside = np.isin(np.arange(COUNT) % 12, (4, 11))
    labels = np.where(is_outside, 1 - indices, indices)
    votes = Labels.of(SHADES, indices)
    return bright_faces(
        COUNT,
        labels={'shade': Labels.of(SHADES, labels), 'shade_votes': votes},
        facts={
            'place': Fact(is_outside.astype(int), ('inside', 'outside')),
            'age': Fact(np.where(np.arange(COUNT) % 4 < 2, 8, 30)),
        },
    )


def report_of(*, with_conditions=False):
    return evaluate(
        PREDICTOR, face_set(), data='made', command='evaluate it', with_conditions=with_conditions
    )


def test_a_page_has_all_figures_and_the_pictures_lie_beside_it(tmp_path):
    report, probabilities = report_of(with_conditions=True)
    pictures = draw_report(report, probabilities, PREDICTOR, face_set())
    write_report(asdict(report), report_page(report), pictures, tmp_path / 'out')
    text = (tmp_path / 'out/report.md').read_text()
    for expected in (
        '# brightness on made',
        '96 faces, crop margin 0.0',
        '`evaluate it`',
        '| labelled faces | 96 |',
        '| accuracy | 83.3 % (95 %: ',
        '| balanced accuracy | 83.3 % |',
        '| accuracy on shade votes | 100.0 % |',
        '| wrong with 0.9 and more | 16.7 % |',
        '| expected calibration error | 6.7 % |',
        '| dark | 48 | 83.3 % | 83.3 % | 83.3 % |',
        '| lost with the box off by 10 % | 0.0 % on average',
        '### Groups, the worst first',
        '| outside | 16 | 0.0 % |',
        '2 groups; the best, ',
        '### Under worse conditions',
        'face size in pixels',
        'blur',
        'rotation',
        'crop margin',
        'shade_worst.png',
    ):
        assert expected in text, expected
    content = json.loads((tmp_path / 'out/report.json').read_text())
    assert content['attributes'][0]['figures']['accuracy'] == pytest.approx(5 / 6)
    for name in pictures:
        assert cv2.imread(str(tmp_path / 'out' / name)) is not None
        assert name in text


def test_a_page_without_conditions_leaves_them_out():
    report, _ = report_of()
    assert 'Under worse conditions' not in report_page(report)
    assert 'box off' not in report_page(report)


def test_the_terminal_shows_the_worst_group_of_each_kind():
    report, _ = report_of()
    first, *lines = summary_lines(report)
    assert first.startswith('brightness: shade 83.3 % (')
    assert 'surely wrong 16.7 %' in first
    assert any(line.startswith('  worst by place: outside, 0.0 % (') for line in lines)
    assert '  accuracy on shade votes: 100.0 %' in lines


def test_the_figures_through_the_pipeline_are_one_sentence():
    figures = PipelineFigures('bright', 4, 3, labelled=3, correct=3, correct_directly=2)
    assert pipeline_line(figures) == (
        'through the detector bright, tracker and classifier: 3 of 4 faces found, 3 labelled, '
        '100.0 % of these correctly; the same faces directly: 66.7 %'
    )


@pytest.mark.parametrize('upright', [False, True])
def test_a_page_says_whether_crops_are_upright(upright):
    predictor = replace(PREDICTOR, geometry=CropGeometry(0.1, upright=upright))
    report, _ = evaluate(predictor, face_set(), data='', command='', with_conditions=False)
    assert ('rotated upright by the landmarks' in report_page(report)) == upright
