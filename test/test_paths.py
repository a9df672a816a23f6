"""What cannot be seen is not there, whatever the reason."""

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


def test_what_lies_at_a_path_is_a_file_or_a_folder(tmp_path):
    (tmp_path / 'file').touch()
    assert kinds_of(tmp_path / 'file') == (True, True, False)
    assert kinds_of(tmp_path) == (True, False, True)


@pytest.mark.parametrize('name', ['nothing', 'file/below', 'x' * 300, 'loop'])
def test_nothing_lies_where_nothing_can_be_seen(tmp_path, name):
    (tmp_path / 'file').touch()
    (tmp_path / 'loop').symlink_to(tmp_path / 'loop')
    assert kinds_of(tmp_path / name) == (False, False, False)


@pytest.mark.skipif(os.geteuid() == 0, reason='root may enter every folder')
def test_nothing_lies_in_a_folder_that_may_not_be_entered(tmp_path):
    (tmp_path / 'closed').mkdir(mode=0o000)
    assert kinds_of(tmp_path / 'closed' / 'file') == (False, False, False)


def test_a_path_may_begin_at_a_home_and_stays_as_it_is_where_nobody_has_that(monkeypatch):
    monkeypatch.setenv('HOME', '/home/somebody')
    assert with_home('~/model') == Path('/home/somebody/model')
    assert with_home(Path('model')) == Path('model')
    assert with_home('~nobody-at-all/model') == Path('~nobody-at-all/model')
