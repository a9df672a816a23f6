"""Figures of face detectors by hand, and reports on a detector whose marks are painted."""

from __future__ import annotations

import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip('torch')
pytest.importorskip('onnx')

from rtcnn_perception import cli
from rtcnn_perception.core.detection.base import Detection
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.models.files import YUNET_NAME
from rtcnn_perception.training.data.load import data_folder
from rtcnn_perception.training.data.photographs import Photograph
from rtcnn_perception.training.data.photographs import read_photographs
from rtcnn_perception.training.tasks.detector import drawings as detector_pictures
from rtcnn_perception.training.tasks.detector.baseline import against
from rtcnn_perception.training.tasks.detector.baseline import marked_by
from rtcnn_perception.training.tasks.detector.drawings import draw_sheet
from rtcnn_perception.training.tasks.detector.drawings import draw_worst_false
from rtcnn_perception.training.tasks.detector.drawings import draw_worst_misses
from rtcnn_perception.training.tasks.detector.evaluate import DetectorChoice
from rtcnn_perception.training.tasks.detector.evaluate import LEAST_SCORE
from rtcnn_perception.training.tasks.detector.figures import curve
from rtcnn_perception.training.tasks.detector.figures import false_marks
from rtcnn_perception.training.tasks.detector.figures import missed_faces
from rtcnn_perception.training.tasks.detector.figures import width_figures
from rtcnn_perception.training.tasks.detector.metrics import FALSE
from rtcnn_perception.training.tasks.detector.metrics import match
from rtcnn_perception.training.tasks.detector.metrics import NEUTRAL
from rtcnn_perception.training.tasks.detector.metrics import precision_recall
from rtcnn_perception.training.tasks.detector.predictions import mark_faces
from rtcnn_perception.training.tasks.detector.predictions import Marks
from tiny_detector import write_tiny_detector

BASELINES = Path(os.environ.get('RTCNN_BASELINES') or data_folder().parent / 'baselines')
YUNET = BASELINES / 'yunet' / YUNET_NAME
WIDER = data_folder() / 'detection' / 'wider_val100'

LEFT, RIGHT, SMALL, NOWHERE = (
    (0, 0, 40, 40),
    (100, 0, 140, 40),
    (200, 0, 210, 10),
    (0, 90, 40, 130),
)
SIDE = 320


def corners(*boxes):
    return np.array(boxes, np.float64).reshape(-1, 4)


def marks(*scored, landmarks=None):
    """Return marks from pairs of box and score, the surest first."""
    points = np.full((len(scored), 5, 2), np.nan) if landmarks is None else landmarks
    return Marks(corners(*(box for box, _ in scored)), np.array([s for _, s in scored]), points)


def photograph(*faces, ignored=(), landmarks=None):
    points = np.full((len(faces), 5, 2), np.nan) if landmarks is None else landmarks
    return Photograph(
        path=Path('drawn.png'),
        width=SIDE,
        height=SIDE,
        boxes=corners(*faces).astype(np.float32),
        scores=np.ones(len(faces), np.float32),
        landmarks=np.asarray(points, np.float32).reshape(-1, 5, 2),
        ignored=corners(*ignored).astype(np.float32),
        split='test',
    )


def figures(photographs, found):
    return width_figures(photographs, found, width=320, min_iou=0.4, threshold=0.6)


@pytest.mark.parametrize(
    ('boxes', 'faces', 'counts', 'expected'),
    [
        ([], [], [], []),
        ([LEFT], [], [], [FALSE]),
        ([], [LEFT], [True], []),
        ([LEFT, RIGHT], [RIGHT, LEFT], [True, True], [1, 0]),
        ([LEFT, LEFT], [LEFT], [True], [0, FALSE]),  # the second on a face is false
        ([(8, 0, 48, 40), LEFT], [LEFT], [True], [0, FALSE]),  # the surest takes it
        ([SMALL, SMALL], [SMALL], [False], [NEUTRAL, NEUTRAL]),
        ([LEFT], [LEFT, LEFT], [False, True], [1]),  # where both lie, the face counts
        ([LEFT], [(0, 0, 40, 15), (0, 0, 40, 20)], [True, True], [1]),  # of two the nearer
        ([LEFT], [(0, 0, 40, 15)], [True], [FALSE]),  # 0.375
        ([LEFT], [(0, 0, 40, 16)], [True], [0]),  # 0.4 is enough
        ([SMALL], [LEFT], [True], [FALSE]),  # a small mark on nothing is false all the same
    ],
)
def test_each_mark_is_on_a_face_or_neutral_or_false(boxes, faces, counts, expected):
    counts = np.array(counts, bool)
    assert match(corners(*boxes), corners(*faces), counts, 0.4).tolist() == expected


@pytest.mark.parametrize(
    ('answers', 'faces', 'average', 'recall'),
    [
        ([], 0, 0.0, 0.0),
        ([], 1, 0.0, 0.0),
        ([FALSE], 0, 0.0, 0.0),
        ([0], 1, 1.0, 1.0),
        ([0], 2, 0.5, 0.5),
        ([FALSE, 0], 1, 0.5, 1.0),
        ([0, FALSE], 1, 1.0, 1.0),
        ([NEUTRAL, 0, NEUTRAL], 1, 1.0, 1.0),
        ([0, FALSE, 1], 2, 0.5 * 1 + 0.5 * 2 / 3, 1.0),
        ([FALSE, 0, 1], 2, 2 / 3, 1.0),  # half is right at recall 0.5, yet two thirds further on
        ([0, FALSE, FALSE, 1, FALSE], 4, 0.25 * 1 + 0.25 * 0.5, 0.5),
    ],
)
def test_average_precision_is_the_area_under_the_interpolated_curve(
    answers, faces, average, recall
):
    scores = np.linspace(0.9, 0.5, len(answers))
    found = precision_recall(scores, np.array(answers, np.int64), faces)
    assert found.average_precision == pytest.approx(average)
    assert found.highest_recall == pytest.approx(recall)


def test_marks_of_all_photographs_are_put_in_order():
    found = precision_recall(np.array([0.5, 0.9, 0.7]), np.array([0, FALSE, 0]), 2)
    assert found.scores.tolist() == [0.9, 0.7, 0.5]
    assert found.precision.tolist() == pytest.approx([0, 1 / 2, 2 / 3])
    assert found.at(0.95) == (1.0, 0.0)
    assert found.at(0.7) == (0.5, 0.5)


def test_faces_below_the_height_count_neither_as_found_nor_as_false():
    shown = [photograph(LEFT, SMALL, ignored=[RIGHT]), photograph()]
    found = [marks((SMALL, 0.9), (RIGHT, 0.8), (LEFT, 0.7)), marks((LEFT, 0.3))]
    points, faces = curve(shown, found, 20, 0.4)
    assert (faces, points.average_precision, points.highest_recall) == (1, 1.0, 1.0)
    points, faces = curve(shown, found, 10, 0.4)
    assert (faces, points.precision.tolist()) == (2, pytest.approx([1, 1, 2 / 3]))


def test_no_photographs_give_no_figures():
    nothing = figures([], [])
    assert [size.faces for size in nothing.sizes] == [0, 0]
    assert (nothing.bands, nothing.agreement, nothing.negatives) == ((), None, None)


def test_recall_is_told_by_height():
    shown = [photograph((0, 0, 19, 19), (50, 0, 70, 20), LEFT, RIGHT)]
    bands = figures(shown, [marks((LEFT, 0.9), ((50, 0, 70, 20), 0.6), (RIGHT, 0.59))]).bands
    assert [(band.name, band.faces, band.recall) for band in bands] == [
        ('10 to 20', 1, 0.0),
        ('20 to 40', 1, 1.0),
        ('40 to 80', 2, 0.5),
    ]


def test_how_marks_lie_on_faces_is_told():
    points = np.linspace(0, 40, 10).reshape(1, 5, 2)
    shown = [photograph(LEFT, landmarks=points), photograph(RIGHT)]
    at_left = marks(((4, -2, 44, 42), 0.9), landmarks=points + np.array([6, 8]))
    at_right = marks(((104, -2, 144, 42), 0.9), landmarks=points)
    found = figures(shown, [at_left, at_right]).agreement
    assert (found.faces, found.landmark_faces) == (2, 1)  # nobody knows those of the right face
    assert (found.shift_right, found.shift_down) == pytest.approx((0.1, 0.0))
    assert (found.width, found.height) == pytest.approx((1.0, 1.1))
    assert found.landmark_error == pytest.approx(10 / 40)


def test_false_faces_are_counted_where_there_is_no_face():
    shown = [photograph(), photograph(), photograph(LEFT), photograph(ignored=[LEFT])]
    two = marks((NOWHERE, 0.9), (RIGHT, 0.6), (LEFT, 0.5))
    found = figures(shown, [two, marks(), marks((NOWHERE, 0.9)), marks((NOWHERE, 0.9))])
    negatives = found.negatives
    assert (negatives.photographs, negatives.false_faces) == (2, 2)
    assert (negatives.photographs_with_any, negatives.false_faces_per_thousand) == (1, 1000)


def test_the_worst_come_first():
    shown = [photograph(), photograph(LEFT, (100, 0, 150, 60), SMALL), photograph()]
    found = [marks((LEFT, 0.7)), marks((NOWHERE, 0.99)), marks((RIGHT, 0.8), (LEFT, 0.6))]
    # A mark where there are faces may be on one that was forgotten.
    assert false_marks(shown, found, 0.4) == [(2, 0), (0, 0), (2, 1)]
    assert false_marks(shown[1:2], found[1:2], 0.4) == [(0, 0)]
    assert missed_faces(shown, found, 0.4) == [(1, 1), (1, 0), (1, 2)]


@pytest.mark.parametrize(
    ('photographs', 'chosen'),
    [(1, [0]), (2, [0, 1]), (5, [0, 1, 2, 3, 4]), (7, [0, 1, 2, 4, 5, 6]), (60, range(5, 60, 10))],
)
def test_the_sheet_shows_no_photograph_twice(monkeypatch, photographs, chosen):
    every, drawn = [photograph(LEFT) for _ in range(photographs)], []

    def draw(shown, *_):
        drawn.append(next(i for i, each in enumerate(every) if each is shown))
        return np.zeros((8, 8, 3), np.uint8)

    monkeypatch.setattr(detector_pictures, '_draw_found', draw)
    draw_sheet([photograph(), *every], [marks()] * (photographs + 1), 0.4)
    assert drawn == list(chosen)


def test_nothing_to_draw_is_drawn():
    for draw in (draw_sheet, draw_worst_false, draw_worst_misses):
        assert np.ptp(draw([], [], 0.4)) > 100


class CornerDetector:
    """Sees one face in the corner of every image, of 40 by 20 of its pixels."""

    name = 'corner'
    min_score = 0.5

    def __init__(self):
        self.widths = []

    def detect(self, image):
        self.widths.append(image.shape[1])
        return (Detection(BoundingBox(0, 0, 40, 20), 0.9, np.full((5, 2), 10, np.float32)),)


def test_narrow_photographs_are_enlarged_and_marks_brought_back(tmp_path):
    write_set(tmp_path, [face_row('a.png', 'val')])
    detector = CornerDetector()
    wider, same = (
        next(mark_faces(detector, read_photographs(tmp_path), width)) for width in (2 * SIDE, SIDE)
    )
    assert detector.widths == [2 * SIDE, SIDE]
    assert wider.boxes.tolist() == [[0, 0, 20, 10]]
    assert wider.landmarks[0, 0].tolist() == [5, 5]
    assert same.boxes.tolist() == [[0, 0, 40, 20]]


def face_row(file, split, cell=None):
    """Return what annotations.json says of a photograph with one face of 64 pixels, or none."""
    box = None if cell is None else [32 * (cell - 0.5), 16, 32 * (cell + 1.5), 80]
    middle = [0, 0] if cell is None else [32 * (cell + 0.5), 48]
    faces = [{'box': box, 'score': 0.9, 'landmarks': [middle] * 5}] if box else []
    return {
        'file': file,
        'width': SIDE,
        'height': SIDE,
        'faces': faces,
        'ignore': [],
        'negative': not faces,
        'split': split,
    }


def write_set(folder, rows, painted=()):
    """Write photographs; ``painted`` has cells of the first row and scores for each."""
    (folder / 'images').mkdir(parents=True)
    (folder / 'annotations.json').write_text(json.dumps(rows))
    for index, row in enumerate(rows):
        image = np.zeros((SIDE, SIDE, 3), np.uint8)
        for cell, score in painted[index] if index < len(painted) else ():
            image[48, 32 * cell + 16, 0] = round(score * 255)  # as tiny_detector reads it
        cv2.imwrite(str(folder / 'images' / row['file']), image)
    return folder


@pytest.fixture
def faces(tmp_path):
    """Return a set: a face found, a face missed, and a false one among two negatives."""
    return write_set(
        tmp_path / 'faces',
        [
            face_row('found.png', 'val', cell=4),
            face_row('missed.png', 'val', cell=4),
            face_row('false.png', 'val'),
            face_row('clean.png', 'val'),
            face_row('other.png', 'train'),
        ],
        [[(4, 0.9)], [], [(7, 0.8)]],
    )


@pytest.fixture
def detector(tmp_path):
    return write_tiny_detector(tmp_path / 'detector')


def write_clip(path, scores):
    video = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'FFV1'), 10, (SIDE, SIDE))
    for score in scores:
        image = np.zeros((SIDE, SIDE, 3), np.uint8)
        image[40:56, 130:158] = round(score * 255)  # about the middle of a cell; YUV keeps gray
        video.write(image)
    video.release()
    return path


def evaluate(*arguments):
    return cli.main(['evaluate', *map(str, arguments)])


def test_a_report_tells_all_about_a_detector(tmp_path, faces, detector, capsys):
    output = tmp_path / 'report'
    assert evaluate(detector, faces, '--width', SIDE, '--output', output) == 0
    printed = capsys.readouterr().out
    assert '| tiny_face@' in printed
    report = json.loads((output / 'report.json').read_text())
    assert (report['threshold'], report['min_iou'], report['clips']) == (0.6, 0.4, [])
    (judged,) = report['sets']
    assert (judged['data'], judged['part'], judged['photographs']) == ('faces', 'val', 4)
    (at,) = judged['widths']
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


def test_every_part_can_be_judged(tmp_path, faces, detector):
    for part, count in (('train', 1), ('all', 5)):
        output = tmp_path / part
        assert evaluate(detector, faces, '--part', part, '--output', output, '--width', 320) == 0
        assert json.loads((output / 'report.json').read_text())['sets'][0]['photographs'] == count


def test_clips_tell_in_how_many_frames_a_face_is_found(tmp_path, detector, capsys):
    clip = write_clip(tmp_path / 'clip.avi', [0.9, 0.0, 0.9, 0.9])
    assert evaluate(detector, clip, '--output', tmp_path / 'report') == 0
    assert 'clip.avi: a face in 75.0 % of 4 frames' in capsys.readouterr().out
    assert '| clip.avi | 4 | 3 | 75.0 % |' in (tmp_path / 'report/report.md').read_text()


def test_what_another_detector_finds_is_what_there_is_to_find():
    marked = [photograph(LEFT, RIGHT, ignored=[SMALL]), photograph(LEFT)]
    found = [marks((RIGHT, 0.9), (SMALL, 0.8), (NOWHERE, 0.7)), marks()]
    first, second = against(marked, found, width=320, min_iou=0.4)
    assert (first.width, first.faces, first.found) == (320, 2, 1)
    assert (second.faces, second.found) == (1, 0)


def write_seen(path):
    """Write a picture in which the tiny detector sees a face of 64 pixels, and Haar sees none."""
    image = np.zeros((SIDE, SIDE, 3), np.uint8)
    image[48, 32 * 4 + 16, 0] = 230
    cv2.imwrite(str(path), image)
    return path


@pytest.mark.parametrize(('width', 'faces'), [(SIDE, 1), (64, 0)])
def test_faces_that_are_small_where_they_are_looked_for_are_ignored(
    tmp_path, detector, width, faces
):
    write_seen(tmp_path / 'a.png')
    choice = DetectorChoice(str(detector))
    marked = marked_by(choice.load(SIDE), tmp_path / 'a.png', width)
    assert (marked.width, marked.height) == (SIDE, SIDE)
    assert (len(marked.boxes), len(marked.ignored)) == (faces, 1 - faces)
    assert np.concatenate([marked.boxes, marked.ignored]).tolist() == [[112, 16, 176, 80]]


def test_pictures_are_judged_by_what_another_detector_finds(tmp_path, detector, capsys):
    cv2.imwrite(str(tmp_path / 'nobody.PNG'), np.zeros((SIDE, SIDE, 3), np.uint8))
    pictures = (tmp_path / 'nobody.PNG', write_seen(tmp_path / 'a.png'))
    output = tmp_path / 'report'
    options = ('--width', 320, 416, '--against', detector, '--output', output)
    assert evaluate('haar', *pictures, *options) == 0
    assert 'haar: 0 of tiny_face@' in (printed := capsys.readouterr().out)
    assert "'s 1 faces of 20 px and over in 2 pictures, at most 320 wide" in printed
    assert '2 pictures, at most 416 wide' in printed
    page = (output / 'report.md').read_text()
    assert '| a.png | 320 | 1 | 0 |' in page
    assert '| nobody.PNG | 416 | 0 | 0 |' in page
    for width in (320, 416):
        assert f'against_rival_{width}.png' in page
        assert (output / f'against_rival_{width}.png').is_file()


def test_a_detector_to_compare_with_that_is_none_is_refused_first(tmp_path, detector, capsys):
    output = tmp_path / 'report'
    picture = write_seen(tmp_path / 'a.png')
    assert evaluate(detector, picture, '--against', 'retina', '--output', output) == 1
    assert 'retina' in capsys.readouterr().err.splitlines()[-1]


def test_a_part_of_pictures_is_refused(tmp_path, detector, capsys):
    options = ('--against', 'haar', '--part', 'val', '--output', tmp_path / 'report')
    assert evaluate(detector, write_seen(tmp_path / 'a.png'), *options) == 1
    assert '--part is for folders with annotations.json' in capsys.readouterr().err


@pytest.mark.usefixtures('faces')
@pytest.mark.parametrize(
    ('name', 'options'), [('a.png', []), ('faces', ['--against', 'haar', '--part', 'val'])]
)
def test_pictures_and_what_to_compare_with_go_together(tmp_path, detector, name, options, capsys):
    write_seen(tmp_path / 'a.png')
    assert evaluate(detector, tmp_path / name, *options, '--output', tmp_path / 'report') == 1
    assert 'pictures and --against go together' in capsys.readouterr().err


def test_a_model_of_attributes_is_not_compared_with_a_detector(tmp_path, capsys):
    (tmp_path / 'model.json').write_text('{"heads": []}')
    assert evaluate(tmp_path, 'a.npz', '--against', 'haar') == 1
    assert '--against is for face detectors' in capsys.readouterr().err


def outside(folder):
    write_set(folder, [face_row('a.png', 'val', cell=20)])


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
        (without_val, ['--margin', '0'], '--margin is for models that judge faces'),
        (without_val, ['--through-pipeline', '5'], '--through-pipeline is for models that'),
        (without_val, ['--quick'], '--quick is for models that judge faces'),
        (without_val, ['--width', '5'], '--width must be at least 32, got 5'),
        (without_val, ['--width', '99999999'], 'at most 8192 pixels, got 99999999'),
        (lambda folder: folder.write_bytes(b'no video'), [], 'cannot be decoded as a video'),
        (lambda _: None, [], 'there is no data at'),
    ],
)
def test_data_that_is_not_fit_is_refused(make, options, message, tmp_path, capsys):
    detector = write_tiny_detector(tmp_path / 'detector')
    make(tmp_path / 'data')
    output = tmp_path / 'report'
    assert evaluate(detector, tmp_path / 'data', '--output', output, *options) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert message in last
    assert not output.exists()


@pytest.mark.parametrize('name', ['retina', '~nobody-at-all/retina', 'x' * 300])
def test_a_detector_that_does_not_exist_is_refused(name, tmp_path, faces, capsys):
    assert evaluate(name, faces, '--output', tmp_path / 'report') == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert f'no model at {name}' in line
    assert 'yunet, haar' in line


def test_two_sets_of_one_name_are_refused(tmp_path, faces, detector, capsys):
    assert evaluate(detector, faces, faces, '--output', tmp_path / 'report') == 1
    assert 'judge them apart' in capsys.readouterr().err


def test_a_model_of_attributes_judges_one_set(tmp_path, capsys):
    (tmp_path / 'model.json').write_text('{"heads": []}')
    assert evaluate(tmp_path, 'a.npz', 'b.npz') == 1
    assert 'one data set at a time' in capsys.readouterr().err


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.skipif(not WIDER.exists(), reason='wider_val100 is not there; see RTCNN_DATA')
@pytest.mark.skipif(not YUNET.exists(), reason="YuNet's file is not there; see RTCNN_BASELINES")
def test_yunet_is_as_good_as_was_measured_elsewhere():
    photographs = read_photographs(WIDER)
    detector = DetectorChoice('yunet', str(YUNET)).load(416, LEAST_SCORE)
    found = list(mark_faces(detector, photographs, 416))
    points, faces = curve(photographs, found, 20, 0.4)
    assert faces == 464
    # Another version of OpenCV decodes and resizes a little differently.
    assert points.average_precision == pytest.approx(0.69, abs=0.02)
    assert points.highest_recall == pytest.approx(0.88, abs=0.02)
