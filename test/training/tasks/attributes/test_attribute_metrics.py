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

import math

import numpy as np
import pytest
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.training.data.faces import DataError
from rtcnn_perception.training.data.faces import FaceSet
from rtcnn_perception.training.data.faces import Labels
from rtcnn_perception.training.tasks.attributes.metrics import accuracy
from rtcnn_perception.training.tasks.attributes.metrics import check_selected
from rtcnn_perception.training.tasks.attributes.metrics import compute_figures
from rtcnn_perception.training.tasks.attributes.metrics import METRICS
from rtcnn_perception.training.tasks.attributes.metrics import metrics_for
from rtcnn_perception.training.tasks.attributes.metrics import summarise
from rtcnn_perception.training.tasks.attributes.metrics import summarise_part
from rtcnn_perception.training.tasks.attributes.metrics import surely_wrong
from rtcnn_perception.training.tasks.attributes.metrics import wilson_interval

MOODS = ('happy', 'sad')
AGES = ('0-9', '10-19', '20+')


def scores(*predicted, classes=3):
    """Return rows whose highest score is at these classes."""
    return np.eye(classes, dtype=np.float32)[list(predicted)]


def faces_with(**labels):
    count = len(next(iter(labels.values())).indices)
    pictures = [np.zeros((4, 4), np.uint8)] * count
    return FaceSet(pictures, np.zeros((count, 4)), ['a'] * count, labels)


def test_an_interval_over_nothing_is_all():
    assert wilson_interval(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(
    ('hits', 'count', 'low', 'high'), [(0, 10, 0.0, 0.278), (8, 10, 0.490, 0.943)]
)
def test_an_interval_is_wilsons(hits, count, low, high):
    assert wilson_interval(hits, count) == pytest.approx((low, high), abs=1e-3)


@pytest.mark.parametrize(
    ('name', 'labels', 'expected'),
    [
        ('accuracy', [], 0.0),
        ('accuracy', [0, 0, 0, 1], 0.75),
        ('accuracy', [0, -1, -1, 1], 0.5),
        ('balanced_accuracy', [], 0.0),
        ('balanced_accuracy', [0, 0, 0, 1], 0.5),
        ('worst_recall', [], 0.0),
        ('worst_recall', [0, 0, 0, 1], 0.0),
        ('worst_recall', [0, 0, -1, -1], 1.0),
        ('within_one_band', [0, 0, 1, 2], 0.75),
        ('within_one_band', [2, -1, -1, -1], 0.0),
        ('mean_band_error', [0, 0, 1, 2], 0.75),
    ],
)
def test_every_metric_counts_labelled_faces_alone(name, labels, expected):
    rows = scores(*[0] * len(labels))
    found = METRICS[name].compute(rows, np.array(labels, np.int64), AGES)
    assert found == pytest.approx(expected)


def test_band_errors_go_by_the_order_of_the_bands_and_not_of_the_classes():
    rows, labels = scores(0, 1), np.array([1, 2])
    names = ('20+', '0-9', '10-19')
    assert METRICS['mean_band_error'].compute(rows, labels, names) == 1.5


def test_metrics_of_ordered_classes_are_for_bands_alone():
    assert set(metrics_for(AGES)) == set(METRICS)
    assert set(metrics_for(MOODS)) == {'accuracy', 'balanced_accuracy', 'worst_recall'}


def test_a_summary_has_every_metric_of_every_head_that_has_labels():
    faces = faces_with(
        mood=Labels.of(MOODS, np.array([0, 1])),
        mood_votes=Labels.of(MOODS, np.array([1, 1])),
        age=Labels.of(AGES, np.array([0, 2])),
        shade=Labels.of(('dark', 'bright'), np.array([-1, -1])),
    )
    rows = {'mood': scores(0, 1, classes=2), 'age': scores(1, 2), 'shade': scores(0, 0, classes=2)}
    assert summarise(rows, faces) == pytest.approx(
        {
            'mood.accuracy': 1.0,
            'mood.balanced_accuracy': 1.0,
            'mood.worst_recall': 1.0,
            'mood.accuracy_on_mood_votes': 0.5,
            'age.accuracy': 0.5,
            'age.balanced_accuracy': 0.5,
            'age.worst_recall': 0.0,
            'age.within_one_band': 1.0,
            'age.mean_band_error': 0.5,
        }
    )


def test_faces_of_one_class_give_no_metric_over_classes():
    faces = faces_with(
        mood=Labels.of(MOODS, np.array([0, 0, -1])), age=Labels.of(AGES, np.array([0, 2, 0]))
    )
    rows = {'mood': scores(0, 1, 1, classes=2), 'age': scores(0, 2, 0)}
    found = summarise_part(rows, faces)
    assert {name for name in found if name.startswith('mood.')} == {'mood.accuracy'}
    assert found['age.balanced_accuracy'] == 1.0
    assert found == {name: summarise(rows, faces)[name] for name in found}


def test_labels_with_the_same_classes_in_another_order_are_compared_by_name():
    faces = faces_with(
        mood=Labels.of(MOODS, np.array([0, 1])),
        mood_votes=Labels.of(MOODS[::-1], np.array([0, 0])),
    )
    found = summarise({'mood': scores(0, 1, classes=2)}, faces)
    assert found['mood.accuracy_on_mood_votes'] == 0.5


def test_the_best_epoch_is_chosen_by_balanced_accuracies_unless_metrics_are_named():
    classes = {'mood': MOODS, 'age': AGES}
    assert check_selected((), classes) == ('mood.balanced_accuracy', 'age.balanced_accuracy')
    named = ('age.within_one_band', 'mood.accuracy')
    assert check_selected(named, classes) == named


@pytest.mark.parametrize(
    'name', ['mood', 'mood.loss', 'mood.within_one_band', 'age.mean_band_error', 'race.accuracy']
)
def test_a_metric_that_no_epoch_can_be_chosen_by_is_refused(name):
    expected = rf"\[select\] metrics must be of mood.accuracy, .*; got '{name}'"
    with pytest.raises(ConfigurationError, match=expected):
        check_selected([name], {'mood': MOODS, 'age': AGES})


def test_figures_count_labelled_faces_alone():
    rows = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.5, 0.5]], np.float32)
    figures = compute_figures(rows, np.array([0, 1, 1, -1]), MOODS)
    assert figures.faces == 3
    assert figures.confusion == [[1, 0], [1, 1]]
    first, second = figures.classes
    assert (first.precision, first.recall) == (0.5, 1.0)
    assert (second.precision, second.recall) == (1.0, 0.5)
    assert first.f1 == second.f1 == pytest.approx(2 / 3)
    assert figures.log_loss == pytest.approx(-math.log(0.9 * 0.8 * 0.4) / 3, abs=1e-6)
    assert figures.accuracy == pytest.approx(2 / 3)


def test_a_class_that_is_never_predicted_has_no_precision():
    figures = compute_figures(np.array([[1.0, 0.0]], 'f'), np.array([0]), MOODS)
    assert figures.log_loss == 0.0
    assert figures.classes[1].f1 == 0.0


def test_any_number_of_classes_has_figures():
    figures = compute_figures(np.eye(11, dtype='f'), np.arange(11), tuple('abcdefghijk'))
    assert figures.accuracy == 1.0
    assert len(figures.classes) == 11


def test_figures_over_no_labels_are_refused():
    with pytest.raises(DataError, match='no labelled face'):
        compute_figures(np.zeros((1, 2), 'f'), np.array([-1]), MOODS)


def test_surely_wrong_is_the_share_of_mistakes_with_a_high_probability():
    rows = np.array([[0.95, 0.05], [0.95, 0.05], [0.8, 0.2], [0.95, 0.05]], np.float32)
    assert surely_wrong(rows, np.array([1, 0, 1, -1])) == pytest.approx(1 / 3)
    assert surely_wrong(rows, np.full(4, -1)) == 0.0


def test_accuracy_over_nothing_is_nothing():
    assert accuracy(np.zeros((0, 2), 'f'), np.zeros(0, np.int64)) == 0.0
