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

import pytest
from rtcnn_perception.training.data.faces import DataError
from rtcnn_perception.training.data.sources import AttributeData
from rtcnn_perception.training.data.sources import data_folder
from rtcnn_perception.training.data.sources import DataConfig
from rtcnn_perception.training.data.sources import find_data


def test_data_is_found_where_the_environment_says(tmp_path, monkeypatch):
    monkeypatch.setenv('RTCNN_DATA', str(tmp_path))
    (tmp_path / 'a.npz').touch()
    assert data_folder() == tmp_path
    assert find_data('a.npz') == tmp_path / 'a.npz'


def test_a_path_as_it_is_given_takes_precedence(tmp_path, monkeypatch):
    monkeypatch.setenv('RTCNN_DATA', str(tmp_path / 'data'))
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'a.npz').touch()
    assert find_data('a.npz').resolve() == tmp_path / 'a.npz'
    assert find_data(str(tmp_path / 'a.npz')) == tmp_path / 'a.npz'


def test_missing_data_is_refused_with_both_places(tmp_path, monkeypatch):
    monkeypatch.setenv('RTCNN_DATA', str(tmp_path))
    with pytest.raises(DataError, match=rf'there is no data at b\.npz or {tmp_path}/b\.npz'):
        find_data('b.npz')


@pytest.mark.parametrize(
    ('values', 'message'),
    [
        ({'path': ()}, 'path must name a file or folder'),
        ({'path': ('a', '')}, 'path must name a file or folder'),
        ({'balance': 1.5}, r'balance must be in \[0, 1\], got 1.5'),
        ({'group_balance': -1.0}, r'group_balance must be in \[0, 1\], got -1.0'),
        ({'weight': 0.0}, 'weight must be above 0, got 0.0'),
        ({'classes': ('bare', 'bare')}, r"can be printed, got \['bare', 'bare'\]"),
        ({'classes': ('a', 'b\n')}, r"can be printed, got \['a', 'b\\n'\]"),
        ({'classes': ('bare',)}, 'classes must be two or more different names'),
        ({'classes': ('bare', '')}, 'classes must be two or more different names'),
        ({'bands': ()}, r'bands must rise from 0 or above and be two or more, got \[\]'),
        ({'bands': (0,)}, r'bands must rise from 0 or above and be two or more, got \[0\]'),
        ({'bands': (20, 10)}, 'bands must rise'),
        ({'bands': (0, 10, 10)}, 'bands must rise'),
        ({'bands': (-5, 10)}, 'bands must rise'),
    ],
)
def test_wrong_settings_of_data_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        AttributeData(**{'path': ('a',), **values})


def test_data_needs_an_attribute():
    with pytest.raises(ValueError, match='must have a table for each attribute, such as'):
        DataConfig({}, unlabelled=('a',))


@pytest.mark.parametrize('name', ['Hat', 'a/b', 'a.b', '', '1st', 'größe', 'a b', 'pose'])
def test_an_attribute_is_named_as_a_card_can_name_it(name):
    with pytest.raises(ValueError, match=r'must be named with lower case letters, digits and _'):
        DataConfig({'hat_2': AttributeData(path=('a',)), name: AttributeData(path=('a',))})


@pytest.mark.parametrize(
    ('shares', 'message'),
    [
        ({'b': 1.0}, r'shares has b, which \[data\] names nowhere'),
        ({'a': 0.0}, 'the share of a must be above 0, got 0'),
    ],
)
def test_shares_are_of_the_data_and_above_nothing(shares, message):
    with pytest.raises(ValueError, match=message):
        DataConfig({'mood': AttributeData(path=('a',))}, shares=shares)


def test_shares_may_be_of_the_pictures_that_a_file_of_labels_refers_to():
    tables = {'mood': AttributeData(path=('rows',), pictures='faces')}
    assert DataConfig(tables, shares={'faces': 2.0}).shares == {'faces': 2.0}
    with pytest.raises(ValueError, match='shares has , which'):
        DataConfig({'mood': AttributeData(path=('a',))}, shares={'': 2.0})
