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

"""A field of a JSON object is returned in its type, or refused by file, place and name."""

from __future__ import annotations

from pathlib import Path

import pytest
from rtcnn_perception.core.models.fields import expect
from rtcnn_perception.core.models.fields import JsonFields
from rtcnn_perception.core.models.fields import LARGEST
from rtcnn_perception.core.models.fields import shown
from rtcnn_perception.exceptions import ModelError

FILE = Path('model.json')


def fields(**content):
    return JsonFields(FILE, content, 'write it anew')


def test_each_type_of_field_is_returned_as_it_is_or_refused():
    flag = lambda one, name: one.flag(name, default=False)  # noqa: E731 - a row of a table
    for read, value, expected, expectation, wrong in (
        (JsonFields.text, 'a', 'a', 'a text', (1, None, ['a'])),
        (JsonFields.texts, ['a', 'b'], ('a', 'b'), 'a list of texts', ('a', ['a', 1], None)),
        (JsonFields.texts, [], (), 'a list of texts', ({},)),
        (JsonFields.number, 0.5, 0.5, 'a number', ('0.5', True, None)),
        (JsonFields.number, 2, 2.0, 'a number', (LARGEST + 1,)),
        (JsonFields.integer, 7, 7, 'a whole number', (7.0, True, '7')),
        (JsonFields.integers, [7, -1], (7, -1), 'a list of whole numbers', (7, [7.0], [True])),
        (JsonFields.size, [4, 5], (4, 5), 'two whole numbers, height and width', ([4], [4, 5.0])),
        (flag, True, True, 'true or false', (1, None)),
    ):
        assert read(fields(x=value), 'x') == expected
        for each in wrong:
            with pytest.raises(ModelError) as refusal:
                read(fields(x=each), 'x')
            assert str(refusal.value) == (
                f'model.json: x must be {expectation}, got {shown(each)}; write it anew'
            )


def test_a_size_that_is_no_list_is_refused():
    with pytest.raises(ModelError, match='x must be height and width, got 4; '):
        fields(x=4).size('x')


def test_a_field_that_is_missing_is_refused_by_name():
    for read in (
        JsonFields.text,
        JsonFields.texts,
        JsonFields.number,
        JsonFields.integer,
        JsonFields.integers,
        JsonFields.size,
        JsonFields.section,
        JsonFields.sections,
    ):
        with pytest.raises(ModelError, match=r'^model\.json: x is missing; write it anew$'):
            read(fields(y=1), 'x')


def test_a_flag_that_is_missing_is_its_default():
    assert fields().flag('x', default=True) is True
    assert fields(x=False).flag('x', default=True) is False


def test_a_field_within_others_is_refused_by_its_whole_name():
    inner = fields(a={'b': [{'c': 1}, {'c': 'x'}]}).section('a').sections('b')
    assert inner[0].integer('c') == 1
    with pytest.raises(ModelError, match=r"a\.b\[1\]\.c must be a whole number, got 'x'"):
        inner[1].integer('c')
    with pytest.raises(ModelError, match=r'a must be an object, got 1'):
        fields(a=1).section('a')
    with pytest.raises(ModelError, match=r'b\[0\] must be an object, got 1'):
        fields(b=[1]).sections('b')


def test_what_is_no_object_is_refused_as_the_whole_file():
    with pytest.raises(ModelError, match=r'the file must be an object, got \[\]; write it anew'):
        JsonFields(FILE, [], 'write it anew')


def test_a_value_error_about_a_field_becomes_a_refusal_of_it():
    section = fields(a={}).section('a')
    with (
        pytest.raises(ModelError, match=r'^model\.json: a\.b must be 1, got 2; write it anew$'),
        section.refusing(),
    ):
        expect(False, 'b', '1', 2)
    with section.refusing():
        expect(True, 'b', '1', 1)


def test_a_long_value_is_cut():
    assert shown('abc') == "'abc'"
    assert shown('x' * 100, longest=10) == f"'{'x' * 9}..."
