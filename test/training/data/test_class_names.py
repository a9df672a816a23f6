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

import numpy as np
import pytest
from rtcnn_perception.training.data.classes import AGE_BANDS
from rtcnn_perception.training.data.classes import band_edges
from rtcnn_perception.training.data.classes import band_names
from rtcnn_perception.training.data.classes import band_ranks
from rtcnn_perception.training.data.classes import bands_of
from rtcnn_perception.training.data.classes import positions
from rtcnn_perception.training.data.classes import soft_bands
from rtcnn_perception.training.data.classes import UnknownClassError

AGES = ('0-9', '10-19', '20-39', '40-59', '60+')


def test_no_names_have_no_positions():
    assert positions((), ('a', 'b'), 'x').tolist() == []


def test_positions_are_those_of_the_names():
    assert positions(('sad', 'happy'), ('happy', 'fear', 'sad'), 'x').tolist() == [2, 0]


def test_a_name_that_is_not_known_is_refused_by_name():
    expected = "emotion of the model has no class 'joy' or 'rage'; it has happy, sad"
    with pytest.raises(UnknownClassError, match=expected):
        positions(('joy', 'sad', 'rage'), ('happy', 'sad'), 'emotion of the model')


def test_bands_are_named_by_their_numbers():
    assert band_names(AGE_BANDS) == AGES
    assert band_names((0,)) == ('0+',)


@pytest.mark.parametrize(
    ('names', 'edges'),
    [
        ((), None),
        (('happy', 'sad'), None),
        (('0-9', 'old'), None),
        (('0-9', '11+'), None),
        (('0-9', '10-19'), None),
        (('0-9', '10+'), (0, 10)),
        (AGES[::-1], (60, 40, 20, 10, 0)),
    ],
)
def test_classes_are_bands_where_they_adjoin_each_other(names, edges):
    assert band_edges(names) == edges


def test_the_ranks_of_bands_follow_their_numbers_and_not_their_order():
    assert band_ranks(('60+', '0-9', '10-59')).tolist() == [2, 0, 1]
    assert band_ranks(('happy', 'sad')) is None


@pytest.mark.parametrize('order', [[0, 1, 2, 3, 4], [4, 2, 0, 1, 3]])
def test_a_number_has_the_band_that_it_lies_in(order):
    names = [AGES[index] for index in order]
    found = bands_of(np.array([-1, 0, 9, 10, 39, 40, 60, 116]), names)
    assert [names[index] if index >= 0 else None for index in found] == [
        None,
        '0-9',
        '0-9',
        '10-19',
        '20-39',
        '40-59',
        '60+',
        '60+',
    ]


def test_a_number_below_the_lowest_band_has_none():
    assert bands_of(np.array([3, 20]), ('10-19', '20+')).tolist() == [-1, 1]


@pytest.mark.parametrize('order', [[0, 1, 2, 3, 4], [4, 2, 0, 1, 3]])
def test_a_number_known_roughly_is_spread_over_bands(order):
    names = [AGES[index] for index in order]
    rows = soft_bands(np.array([-1, 30, 39, 0]), names, 0.1)[:, np.argsort(order)]
    assert rows[0].tolist() == [0] * 5
    assert rows[1:].sum(axis=1) == pytest.approx([1.0] * 3)
    assert rows[1, 2] > 0.99
    assert rows[2, 3] == pytest.approx(0.449, abs=1e-3)  # half a year of a deviation of 3.9
    assert rows[3, 0] > 0.99
