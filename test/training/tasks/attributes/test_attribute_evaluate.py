from __future__ import annotations

from dataclasses import replace
import json
import math

import cv2
import numpy as np
import pytest

pytest.importorskip('torch')

from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.core.labels import GENDER_LABELS
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.training.data.faces import DataError
from rtcnn_perception.training.data.faces import FaceSet
from rtcnn_perception.training.data.faces import one_hot
from rtcnn_perception.training.tasks.attributes.calibration import calibration_error
from rtcnn_perception.training.tasks.attributes.calibration import fit_temperature
from rtcnn_perception.training.tasks.attributes.calibration import reliability
from rtcnn_perception.training.tasks.attributes.calibration import softmax
from rtcnn_perception.training.tasks.attributes.evaluate import draw_report
from rtcnn_perception.training.tasks.attributes.evaluate import evaluate
from rtcnn_perception.training.tasks.attributes.evaluate import write_report
from rtcnn_perception.training.tasks.attributes.metrics import gap
from rtcnn_perception.training.tasks.attributes.metrics import judge_figures
from rtcnn_perception.training.tasks.attributes.metrics import people_figures
from rtcnn_perception.training.tasks.attributes.metrics import wilson_interval
from rtcnn_perception.training.tasks.attributes.predictor import Judge
from rtcnn_perception.training.tasks.attributes.report import report_page
from rtcnn_perception.training.tasks.attributes.robustness import at_size
from rtcnn_perception.training.tasks.attributes.robustness import blurred
from rtcnn_perception.training.tasks.attributes.robustness import jitter_loss
from rtcnn_perception.training.tasks.attributes.robustness import turned
from rtcnn_perception.training.tasks.attributes.robustness import with_boxes
from rtcnn_perception.training.tasks.attributes.scores import accuracy
from rtcnn_perception.training.tasks.attributes.scores import balanced_accuracy
from rtcnn_perception.training.tasks.drawing import draw_confusion
from rtcnn_perception.training.tasks.drawing import draw_curve
from rtcnn_perception.training.tasks.drawing import draw_faces
from rtcnn_perception.training.tasks.drawing import draw_reliability


def faces(count=8, attribute='gender'):
    """Return faces whose second class is bright."""
    labels = np.arange(count) % 2
    side = 60
    return FaceSet(
        pictures=[np.full((side, side), 40 + 150 * label, np.uint8) for label in labels],
        boxes=np.tile([10.0, 10.0, 50.0, 50.0], (count, 1)),
        labels={attribute: labels},
        targets={attribute: one_hot(labels, 2)},
        names=[str(i) for i in range(count)],
        facts={
            'age': np.array([5, 20, 30, 70, -1, 40, 50, 12][:count]),
            'race': np.array([0, 1, 2, 3, -1, 4, 0, 0][:count]),
            'source': np.array([2, 2, 2, 2, 0, 2, 2, 2][:count]),
        },
    )


def brightness_judge(**changes):
    """Return a judge that is right about every face, and sure by nine to one."""

    def answer(crops):
        bright = crops.mean((1, 2)) > 128
        return {'gender': np.where(bright[:, None], [[0.1, 0.9]], [[0.9, 0.1]]).astype('f')}

    judge = Judge('brightness', {'gender': GENDER_LABELS}, (8, 8), CropGeometry(0.0), answer)
    return replace(judge, **changes)


def test_an_interval_over_nothing_says_nothing():
    assert wilson_interval(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(
    ('hits', 'count', 'low', 'high'), [(0, 10, 0.0, 0.278), (8, 10, 0.490, 0.943)]
)
def test_an_interval_is_wilsons(hits, count, low, high):
    assert wilson_interval(hits, count) == pytest.approx((low, high), abs=1e-3)


def test_accuracy_over_nothing_is_none():
    nothing = np.zeros((0, 2), np.float32)
    assert accuracy(nothing, np.zeros(0, np.int64)) == 0.0
    assert balanced_accuracy(nothing, np.zeros(0, np.int64)) == 0.0


def test_balanced_accuracy_counts_classes_alike():
    scores = np.array([[1, 0], [1, 0], [1, 0], [1, 0]], np.float32)
    labels = np.array([0, 0, 0, 1])
    assert accuracy(scores, labels) == 0.75
    assert balanced_accuracy(scores, labels) == 0.5


def test_figures_count_what_is_labelled_only():
    rows = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.5, 0.5]], np.float32)
    figures = judge_figures(rows, np.array([0, 1, 1, -1]), ('a', 'b'))
    assert figures.faces == 3
    assert figures.confusion == [[1, 0], [1, 1]]
    first, second = figures.classes
    assert (first.precision, first.recall) == (0.5, 1.0)
    assert (second.precision, second.recall) == (1.0, 0.5)
    assert first.f1 == second.f1 == pytest.approx(2 / 3)
    assert figures.log_loss == pytest.approx(-math.log(0.9 * 0.8 * 0.4) / 3, abs=1e-6)


def test_a_class_nobody_names_has_no_precision():
    figures = judge_figures(np.array([[1.0, 0.0]], 'f'), np.array([0]), ('a', 'b'))
    assert figures.log_loss == 0.0
    assert figures.classes[1].f1 == 0.0
    assert figures.balanced_accuracy == 1.0


def test_figures_over_no_labels_are_refused():
    with pytest.raises(DataError, match='no labelled face'):
        judge_figures(np.zeros((1, 2), 'f'), np.array([-1]), ('a', 'b'))


def test_reliability_over_nothing_is_empty():
    assert not reliability(np.zeros((0, 2), 'f'), np.zeros(0, np.int64)).any()
    assert calibration_error(np.zeros((0, 2), 'f'), np.zeros(0, np.int64)) == 0.0


def test_the_log_loss_of_an_answer_without_a_doubt_is_bounded():
    figures = judge_figures(np.array([[1.0, 0.0]], 'f'), np.array([1]), ('a', 'b'))
    assert figures.log_loss == pytest.approx(7 * math.log(10), rel=1e-3)


def test_a_model_that_is_as_sure_as_it_is_right_has_no_calibration_error():
    rows = np.array([[0.75, 0.25]] * 4, np.float32)
    assert calibration_error(rows, np.array([0, 0, 0, 1])) == pytest.approx(0.0)
    assert calibration_error(rows, np.array([0, 0, 0, 0])) == pytest.approx(0.25)


def test_temperature_undoes_what_makes_a_model_too_sure():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (4000, 3)).astype(np.float32)
    chance = softmax(logits).cumsum(1)
    labels = (rng.random((4000, 1)) > chance).sum(1).clip(0, 2)
    assert fit_temperature(logits * 3, labels) == pytest.approx(3.0, rel=0.1)


def test_temperature_of_nothing_is_one():
    assert fit_temperature(np.zeros((2, 3), 'f'), np.array([-1, -1])) == 1.0


def test_boxes_are_scaled_and_shifted_by_their_longer_side():
    changed = with_boxes(faces(1), 0.5, 0.25, -0.25)
    assert changed.boxes[0].tolist() == [30, 10, 50, 30]


def test_a_small_face_is_not_enlarged():
    everyone = faces(1)
    assert at_size(everyone, 50.0).pictures[0] is everyone.pictures[0]


def test_a_face_is_shrunk_to_the_size_asked_for():
    changed = at_size(faces(1), 20.0)
    assert changed.pictures[0].shape == (30, 30)
    assert changed.box(0).width == pytest.approx(20.0)


@pytest.mark.parametrize('change', [lambda f: blurred(f, 2.0), lambda f: turned(f, 30.0)])
def test_an_even_picture_stays_as_it_is(change):
    everyone = faces(2)
    for before, after in zip(everyone.pictures, change(everyone).pictures, strict=True):
        assert np.array_equal(before, after)


def test_jitter_loss_is_told_from_ten_per_cent_alone():
    results = {
        ('box shifted right', 0.1): 0.7,
        ('box shifted down', -0.1): 0.8,
        ('box scaled', 1.2): 0.1,
        ('crop margin', 0.1): 0.1,
    }
    assert jitter_loss(0.8, results) == pytest.approx((0.05, 0.1))
    assert jitter_loss(0.8, {}) == (0.0, 0.0)


def test_groups_of_people_are_told_apart():
    hits = np.array([True, False, True, True, True])
    groups = people_figures(hits, np.array([5, 20, 20, 70, -1]), np.array([0, 1, 1, 2, -1]))
    assert [(g.group, g.count, g.accuracy) for g in groups['age']] == [
        ('0 to 9', 1, 1.0),
        ('16 to 29', 2, 0.5),
        ('60 and over', 1, 1.0),
    ]
    assert [g.group for g in groups['race']] == ['black', 'Asian']
    assert gap(groups['race']) == 0.5
    assert gap(()) == 0.0


def test_a_report_says_all_there_is_to_say(tmp_path):
    judge, everyone = brightness_judge(), faces()
    report, answers = evaluate(judge, everyone, data='made', command='rtcnn_perception evaluate')
    pictures = draw_report(report, answers, judge, everyone)
    write_report(report.as_dict(), report_page(report), pictures, tmp_path / 'out')
    text = (tmp_path / 'out/report.md').read_text()
    for expected in (
        '# brightness on made',
        'accuracy | 100.0 %',
        'balanced accuracy',
        'expected calibration error | 10.0 %',
        '| woman | 4 | 100.0 % | 100.0 % | 100.0 % |',
        'lost with the box off by 10 % | 0.0 % on average',
        '60 and over',
        'Between the best and the worst of these: 0.0 %',
        'gender utkface 16 men',
        'face size in pixels',
        'blur',
        'rotation',
        'crop margin',
        'gender_worst.png',
    ):
        assert expected in text
    content = json.loads((tmp_path / 'out/report.json').read_text())
    assert content['attributes'][0]['figures']['accuracy'] == 1.0
    for name in pictures:
        assert cv2.imread(str(tmp_path / 'out' / name)) is not None
        assert name in text


def test_a_report_without_conditions_leaves_them_out():
    judge = brightness_judge()
    report, _ = evaluate(judge, faces(), data='made', command='', with_conditions=False)
    assert 'When conditions are worse' not in report_page(report)


def test_data_without_labels_for_the_model_are_refused():
    with pytest.raises(DataError, match='made has labels of emotion; brightness judges gender'):
        evaluate(brightness_judge(), faces(2, 'emotion'), data='made', command='')


def test_a_judge_of_two_attributes_is_judged_by_the_one_the_data_has():
    def answer(crops):
        rows = np.full((len(crops), 2), 0.5, np.float32)
        return {'emotion': rows, 'gender': rows}

    judge = brightness_judge(
        labels={'emotion': ('a', 'b'), 'gender': GENDER_LABELS}, answer=answer
    )
    report, _ = evaluate(judge, faces(), data='made', command='')
    assert report.judged == ('gender',)
    assert report.attributes[0].robustness


def test_no_faces_are_refused():
    with pytest.raises(DataError, match='no face to judge'):
        brightness_judge().probabilities(faces(0))


def test_a_folder_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / 'file').touch()
    report, _ = evaluate(brightness_judge(), faces(), data='', command='', with_conditions=False)
    with pytest.raises(ConfigurationError, match='cannot write to the folder'):
        write_report(report.as_dict(), '', {}, tmp_path / 'file')


def test_drawings_of_nothing_are_pictures_still():
    for picture in (draw_faces([]), draw_curve('x', [], 0.5), draw_reliability([])):
        assert picture.ndim == 3
        assert picture.dtype == np.uint8
    assert draw_confusion([[0, 0], [0, 0]], ('a', 'b')).any()
