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

from pathlib import Path
import pwd

import pytest
from rtcnn_perception import resources
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.resources import models_directory
from rtcnn_perception.resources import models_search_path
from rtcnn_perception.resources import share_directory
from rtcnn_perception.resources import user_models_directory


@pytest.fixture
def lay_out(tmp_path, monkeypatch):
    """Return a function that places code and the package's files below an empty folder."""

    def lay_out(code, *shares):
        module = tmp_path / code / 'resources.py'
        module.parent.mkdir(parents=True)
        monkeypatch.setattr(resources, '__file__', str(module))
        monkeypatch.delenv('AMENT_PREFIX_PATH', raising=False)
        for share in shares:
            (tmp_path / share / 'models').mkdir(parents=True)
            (tmp_path / share / 'package.xml').touch()
        return tmp_path

    return lay_out


@pytest.mark.parametrize(
    ('code', 'shares', 'expected'),
    [
        ('src/rtcnn_perception', ['src'], 'src'),
        (
            'prefix/lib/python3.11/site-packages/rtcnn_perception',
            ['prefix/share/rtcnn_perception'],
            'prefix/share/rtcnn_perception',
        ),
        (
            'install/local/lib/python3.10/dist-packages/rtcnn_perception',
            ['install/share/rtcnn_perception'],
            'install/share/rtcnn_perception',
        ),
        (
            'prefix/src/rtcnn_perception',
            ['prefix/src', 'prefix/share/rtcnn_perception'],
            'prefix/src',
        ),
    ],
)
def test_the_files_nearest_to_the_code_are_used(lay_out, code, shares, expected):
    root = lay_out(code, *shares)
    assert share_directory() == root / expected


def test_the_ament_index_is_searched_where_no_files_are_near(lay_out, monkeypatch):
    root = lay_out('code/rtcnn_perception', 'ros/share/rtcnn_perception')
    monkeypatch.setenv('AMENT_PREFIX_PATH', f':{root / "other"}:{root / "ros"}')
    assert share_directory() == root / 'ros' / 'share' / 'rtcnn_perception'


def test_an_installation_without_files_is_refused(lay_out):
    lay_out('code/rtcnn_perception')
    with pytest.raises(ConfigurationError, match='install the package again'):
        share_directory()


def test_the_folder_of_the_user_follows_the_desktop_standard(monkeypatch):
    monkeypatch.setenv('XDG_DATA_HOME', '/data')
    assert user_models_directory() == Path('/data/rtcnn_perception/models')
    monkeypatch.setenv('HOME', '/home/user')
    for ignored in ('', 'data'):
        monkeypatch.setenv('XDG_DATA_HOME', ignored)
        assert user_models_directory() == Path('/home/user/.local/share/rtcnn_perception/models')


def test_a_user_without_a_home_has_no_models_of_their_own(monkeypatch):
    def unknown(_):
        raise KeyError

    monkeypatch.delenv('XDG_DATA_HOME', raising=False)
    monkeypatch.delenv('HOME', raising=False)
    monkeypatch.setattr(pwd, 'getpwuid', unknown)
    assert user_models_directory() is None
    assert models_search_path() == (models_directory(),)


def test_a_prefix_that_cannot_be_read_is_skipped(lay_out, monkeypatch):
    root = lay_out('code/rtcnn_perception', 'ros/share/rtcnn_perception')
    monkeypatch.setenv('AMENT_PREFIX_PATH', f'{root / ("x" * 300)}:{root / "ros"}')
    assert share_directory() == root / 'ros' / 'share' / 'rtcnn_perception'


def test_models_are_searched_for_the_user_first_and_then_in_the_package(lay_out, monkeypatch):
    root = lay_out('src/rtcnn_perception', 'src')
    monkeypatch.setenv('XDG_DATA_HOME', '/data')
    assert models_search_path() == (
        Path('/data/rtcnn_perception/models'),
        root / 'src' / 'models',
    )
