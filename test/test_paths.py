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

import os
from pathlib import Path

import pytest
from rtcnn_perception.paths import is_file
from rtcnn_perception.paths import is_folder
from rtcnn_perception.paths import is_there
from rtcnn_perception.paths import with_home


def kinds_of(path):
    return is_there(path), is_file(path), is_folder(path)


def test_an_existing_path_is_a_file_or_a_folder(tmp_path):
    (tmp_path / 'file').touch()
    assert kinds_of(tmp_path / 'file') == (True, True, False)
    assert kinds_of(tmp_path) == (True, False, True)


@pytest.mark.parametrize('name', ['nothing', 'file/below', 'x' * 300, 'loop'])
def test_a_path_that_cannot_be_reached_does_not_exist(tmp_path, name):
    (tmp_path / 'file').touch()
    (tmp_path / 'loop').symlink_to(tmp_path / 'loop')
    assert kinds_of(tmp_path / name) == (False, False, False)


@pytest.mark.skipif(os.geteuid() == 0, reason='root may enter every folder')
def test_a_path_in_a_folder_without_permission_does_not_exist(tmp_path):
    (tmp_path / 'closed').mkdir(mode=0o000)
    assert kinds_of(tmp_path / 'closed' / 'file') == (False, False, False)


def test_a_known_home_is_replaced_and_an_unknown_one_is_kept(monkeypatch):
    monkeypatch.setenv('HOME', '/home/user')
    assert with_home('~/model') == Path('/home/user/model')
    assert with_home(Path('model')) == Path('model')
    assert with_home('~no-such-user/model') == Path('~no-such-user/model')
