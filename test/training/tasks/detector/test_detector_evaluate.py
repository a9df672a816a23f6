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

"""Reports on a detector that finds what is painted."""

from __future__ import annotations

import json
import os
from pathlib import Path

import cv2
import numpy as np
from photograph_sets import face_row
from photograph_sets import write_found
from photograph_sets import write_set
from predicted_faces import SIDE
import pytest
from rtcnn_perception import cli
from rtcnn_perception.core.detection.base import DetectorConfig
from rtcnn_perception.core.detection.yunet import PUBLISHED
from rtcnn_perception.training.data.photographs import read_photographs
from rtcnn_perception.training.data.sources import data_folder
from rtcnn_perception.training.tasks.detector.evaluate import LEAST_SCORE
from rtcnn_perception.training.tasks.detector.evaluate import load
from rtcnn_perception.training.tasks.detector.figures import curve
from rtcnn_perception.training.tasks.detector.predictions import predict_faces
from tiny_detector import write_tiny_detector

BASELINES = Path(os.environ.get('RTCNN_BASELINES') or data_folder().parent / 'baselines')

YUNET = BASELINES / PUBLISHED.path

WIDER = data_folder() / 'detection' / 'wider_val100'


@pytest.fixture
def faces(tmp_path):
    """Return a set: a face found, a face missed, and a false one among two negatives."""
    return write_set(
        tmp_path / 'faces',
        [
            face_row('found.png', 'val', anchor=4),
            face_row('missed.png', 'val', anchor=4),
            face_row('false.png', 'val'),
            face_row('clean.png', 'val'),
            face_row('other.png', 'train'),
        ],
        [[(4, 0.9)], [], [(7, 0.8)]],
    )


def write_clip(path, scores):
    video = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'FFV1'), 10, (SIDE, SIDE))
    for score in scores:
        image = np.zeros((SIDE, SIDE, 3), np.uint8)
        image[40:56, 130:158] = round(score * 255)  # about an anchor; YUV keeps gray
        video.write(image)
    video.release()
    return path


def evaluate(*arguments):
    return cli.main(['evaluate', *map(str, arguments)])


def test_a_report_has_all_figures_of_a_detector(tmp_path, faces, detector, capsys):
    output = tmp_path / 'report'
    assert evaluate(detector, faces, '--width', SIDE, '--output', output) == 0
    printed = capsys.readouterr().out
    assert '| rtcnn (tiny_face@' in printed
    report = json.loads((output / 'report.json').read_text())
    assert (report['threshold'], report['min_iou'], report['clips']) == (0.5, 0.4, [])
    (found,) = report['sets']
    assert (found['data'], found['part'], found['photographs']) == ('faces', 'val', 4)
    (at,) = found['widths']
    for size in at['sizes']:
        assert (size['faces'], size['average_precision'], size['highest_recall']) == (2, 0.5, 0.5)
        assert (size['precision'], size['recall']) == (0.5, 0.5)
    assert at['bands'] == [{'name': '40 to 80', 'faces': 2, 'recall': 0.5}]
    assert at['negatives']['false_faces_per_thousand'] == 500
    assert at['agreement']['shift_down'] == pytest.approx(0)
    assert at['agreement']['landmark_error'] == pytest.approx(np.mean([0, *[2**0.5 / 4] * 4]))
    page = (output / 'report.md').read_text()
    assert 'precision, 20 px and over | 50.0 % |' in page
    assert 'photographs with a false face | 1 |' in page
    for name in ('curves', 'found', 'false', 'missed'):
        assert f'faces_val_{name}.png' in page
        assert np.ptp(cv2.imread(str(output / f'faces_val_{name}.png'))) > 100


def test_every_part_can_be_evaluated(tmp_path, faces, detector):
    for part, count in (('train', 1), ('all', 5)):
        output = tmp_path / part
        assert evaluate(detector, faces, '--part', part, '--output', output, '--width', 320) == 0
        assert json.loads((output / 'report.json').read_text())['sets'][0]['photographs'] == count


def test_clips_are_evaluated_by_the_frames_with_a_face(tmp_path, detector, capsys):
    clip = write_clip(tmp_path / 'clip.avi', [0.9, 0.0, 0.9, 0.9])
    assert evaluate(detector, clip, '--output', tmp_path / 'report') == 0
    assert 'clip.avi: a face in 75.0 % of 4 frames' in capsys.readouterr().out
    assert '| clip.avi | 4 | 3 | 75.0 % |' in (tmp_path / 'report/report.md').read_text()


def test_a_clip_that_is_not_read_whole_is_named_after_the_report(tmp_path, detector, capsys):
    clip = write_clip(tmp_path / 'clip.avi', [0.9] * 20)
    content = clip.read_bytes()
    clip.write_bytes(content[: len(content) // 2])
    assert evaluate(detector, clip, '--output', tmp_path / 'report') == cli.EXIT_INCOMPLETE
    assert 'clip.avi: ' in capsys.readouterr().err
    assert (tmp_path / 'report/report.md').is_file()


def test_pictures_are_evaluated_by_the_faces_of_a_baseline(tmp_path, detector, capsys):
    cv2.imwrite(str(tmp_path / 'empty.PNG'), np.zeros((SIDE, SIDE, 3), np.uint8))
    pictures = (tmp_path / 'empty.PNG', write_found(tmp_path / 'a.png'))
    output = tmp_path / 'report'
    options = ('--width', 320, 416, '--against', detector, '--output', output)
    assert evaluate('haar', *pictures, *options) == 0
    assert 'haar: 0 of rtcnn (tiny_face@' in (printed := capsys.readouterr().out)
    assert "'s 1 faces of 20 px and over in 2 pictures, at most 320 wide" in printed
    assert '2 pictures, at most 416 wide' in printed
    page = (output / 'report.md').read_text()
    assert '| a.png | 320 | 1 | 0 |' in page
    report = json.loads((output / 'report.json').read_text())
    assert (report['threshold'], report['baseline_threshold']) == (0.6, 0.5)
    assert f'Faces of {report["baseline"]} have a score of 0.5 and above, those of haar' in page
    assert '| empty.PNG | 416 | 0 | 0 |' in page
    for width in (320, 416):
        assert f'against_baseline_{width}.png' in page
        assert (output / f'against_baseline_{width}.png').is_file()


def test_an_unknown_baseline_is_refused_first(tmp_path, detector, capsys):
    output = tmp_path / 'report'
    picture = write_found(tmp_path / 'a.png')
    assert evaluate(detector, picture, '--against', 'retina', '--output', output) == 1
    assert 'retina' in capsys.readouterr().err.splitlines()[-1]


def test_a_part_of_pictures_is_refused(tmp_path, detector, capsys):
    options = ('--against', 'haar', '--part', 'val', '--output', tmp_path / 'report')
    assert evaluate(detector, write_found(tmp_path / 'a.png'), *options) == 1
    assert '--part is for folders with annotations.json' in capsys.readouterr().err


@pytest.mark.usefixtures('faces')
@pytest.mark.parametrize(
    ('name', 'options'), [('a.png', []), ('faces', ['--against', 'haar', '--part', 'val'])]
)
def test_pictures_and_a_baseline_go_together(tmp_path, detector, name, options, capsys):
    write_found(tmp_path / 'a.png')
    assert evaluate(detector, tmp_path / name, *options, '--output', tmp_path / 'report') == 1
    assert 'pictures and --against go together' in capsys.readouterr().err


def test_an_attribute_model_has_no_baseline(tmp_path, capsys):
    (tmp_path / 'model.json').write_text('{"heads": []}')
    assert evaluate(tmp_path, 'a.npz', '--against', 'haar') == 1
    assert '--against is for face detectors' in capsys.readouterr().err


def outside(folder):
    write_set(folder, [face_row('a.png', 'val', anchor=20)])


def broken(folder):
    write_set(folder, [face_row('a.jpg', 'val')])
    (folder / 'images/a.jpg').write_bytes(b'\xff\xd8 and nothing else')


def without_annotations(folder):
    folder.mkdir()


def without_val(folder):
    write_set(folder, [face_row('a.png', 'train')])


@pytest.mark.parametrize(
    ('make', 'options', 'message'),
    [
        (outside, [], 'a.png'),
        (broken, [], 'a.jpg'),
        (without_annotations, [], 'annotations.json'),
        (without_val, ['--part', 'val'], 'no photograph in its part val; there are train'),
        (without_val, ['--width', '0'], '--width must be at least 32, got 0'),
        (without_val, ['--iou', '0'], '--iou must be above 0'),
        (without_val, ['--margin', '0'], '--margin is for attribute networks'),
        (without_val, ['--through-pipeline', '5'], '--through-pipeline is for attribute'),
        (without_val, ['--quick'], '--quick is for attribute networks'),
        (without_val, ['--detector', 'auto'], '--detector is for attribute networks'),
        (without_val, ['--width', '5'], '--width must be at least 32, got 5'),
        (without_val, ['--width', '99999999'], '32 to 8192 pixels, got 99999999'),
        (lambda folder: folder.write_bytes(b'no video'), [], 'cannot be decoded as a video'),
        (os.mkfifo, [], 'cannot read the clip'),
        (lambda _: None, [], 'there is no data at'),
    ],
)
def test_unfit_data_is_refused(make, options, message, tmp_path, capsys):
    detector = write_tiny_detector(tmp_path / 'detector')
    make(tmp_path / 'data')
    output = tmp_path / 'report'
    assert evaluate(detector, tmp_path / 'data', '--output', output, *options) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert message in last
    assert not output.exists()


@pytest.mark.parametrize('name', ['retina', '~no-such-user/retina', 'x' * 300])
def test_a_detector_that_does_not_exist_is_refused(name, tmp_path, faces, capsys):
    assert evaluate(name, faces, '--output', tmp_path / 'report') == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert f'no model at {name}' in line
    assert 'yunet' in line


def test_two_sets_of_one_name_are_refused(tmp_path, faces, detector, capsys):
    assert evaluate(detector, faces, faces, '--output', tmp_path / 'report') == 1
    assert 'evaluate them one by one' in capsys.readouterr().err


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.skipif(not WIDER.exists(), reason='wider_val100 is not there; see RTCNN_DATA')
@pytest.mark.skipif(not YUNET.exists(), reason="YuNet's file is not there; see RTCNN_BASELINES")
def test_yunet_has_the_figures_measured_elsewhere():
    photographs = read_photographs(WIDER)
    detector = load(DetectorConfig('yunet', str(YUNET)), 416, LEAST_SCORE)
    found = list(predict_faces(detector, photographs, 416))
    points, faces = curve(photographs, found, 20, 0.4)
    assert faces == 464
    # Versions of OpenCV decode and resize a little differently.
    assert points.average_precision == pytest.approx(0.69, abs=0.02)
    assert points.highest_recall == pytest.approx(0.88, abs=0.02)
