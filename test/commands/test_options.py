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

"""What a command reads is never written to, by whatever name."""

import argparse
import os
from pathlib import Path

import pytest
from rtcnn_perception.cli import main
from rtcnn_perception.commands.options import check_folder
from rtcnn_perception.commands.options import name_of
from rtcnn_perception.commands.options import path_of
from rtcnn_perception.commands.options import refuse_overwriting
from rtcnn_perception.exceptions import ConfigurationError


@pytest.fixture
def film(tmp_path):
    """Return a file that another run has left; its content is never decoded."""
    (tmp_path / 'out').mkdir()
    path = tmp_path / 'out/annotated.mkv'
    path.write_bytes(b'a film')
    return path


def test_a_path_has_its_home_replaced(monkeypatch, tmp_path):
    monkeypatch.setenv('HOME', str(tmp_path))
    assert path_of('~/x') == tmp_path / 'x'
    assert path_of('~no-such-user/x') == Path('~no-such-user/x')


def test_a_folder_is_checked_before_it_is_made(tmp_path):
    check_folder(tmp_path / 'new/one', '--output')
    assert not list(tmp_path.iterdir())
    (tmp_path / 'file').touch()
    for folder in (tmp_path / 'file', tmp_path / 'file/x'):
        with pytest.raises(ConfigurationError, match=r'is no folder that can be .* with --output'):
            check_folder(folder, '--output')


def test_nothing_that_is_read_or_written_is_nothing_to_refuse(tmp_path, film):
    refuse_overwriting([], [film])
    refuse_overwriting([film], [])
    refuse_overwriting([tmp_path / 'none.mp4'], [tmp_path / 'none.png', film])
    refuse_overwriting([tmp_path], [film])  # the files below a folder are not read with it


def test_what_is_read_with_the_folders_in_it_is_not_written_to_anywhere(tmp_path, film):
    (tmp_path / 'link').symlink_to(tmp_path)
    for output in (film, tmp_path / 'link/new/report.md'):
        with pytest.raises(ConfigurationError, match=f'^{output} would be written to what is'):
            refuse_overwriting([tmp_path], [output], are_deep=True)
    refuse_overwriting([film.parent], [tmp_path / 'report.md'], are_deep=True)


def test_an_unset_variable_of_the_shell_names_nothing():
    assert name_of('faces.npz') == 'faces.npz'
    with pytest.raises(argparse.ArgumentTypeError, match='expected a name, got an empty text'):
        name_of('')


@pytest.mark.parametrize('link', [os.symlink, os.link])
@pytest.mark.parametrize('is_source', [True, False])
def test_a_link_to_the_output_is_the_output(tmp_path, film, link, is_source):
    other = tmp_path / 'linked.mp4'
    link(film, other)
    pair = (other, film) if is_source else (film, other)
    with pytest.raises(ConfigurationError, match=r'would be written to what is read, .*--output'):
        refuse_overwriting([pair[0]], [pair[1]])


def test_a_folder_of_pictures_is_not_written_to(tmp_path, film):
    (tmp_path / 'link').symlink_to(film.parent)
    for folder in (film.parent, tmp_path / 'link'):
        with pytest.raises(ConfigurationError, match='would be written to what is read'):
            refuse_overwriting([folder], [film.parent / 'new.png'])
    pictures = tmp_path / 'pictures'
    pictures.mkdir()
    os.link(film, pictures / '1.png')
    with pytest.raises(ConfigurationError, match='would be written to what is read'):
        refuse_overwriting([pictures], [film])


@pytest.mark.parametrize('source', ['out/annotated.mkv', 'out/../out/annotated.mkv', 'out'])
def test_a_run_whose_source_is_its_output_is_refused_and_leaves_it(
    tmp_path, film, monkeypatch, capfd, source
):
    monkeypatch.chdir(tmp_path)
    assert main(['run', '--source', source]) == 1
    assert 'would be written to what is read' in capfd.readouterr().err
    assert film.read_bytes() == b'a film'
    assert list(film.parent.iterdir()) == [film]


def test_an_evaluation_is_not_written_into_its_data(tmp_path, capfd):
    pytest.importorskip('torch')
    assert main(['evaluate', 'haar', str(tmp_path), '--output', str(tmp_path)]) == 1
    assert 'would be written to what is read' in capfd.readouterr().err
