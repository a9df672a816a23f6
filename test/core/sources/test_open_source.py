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

"""A source is opened by its name: a device, a file, a folder or the built-in clip."""

from __future__ import annotations

from itertools import islice
import os

import numpy as np
import pytest
from rtcnn_perception.core.sources.open import device_number
from rtcnn_perception.core.sources.open import open_source
from rtcnn_perception.exceptions import SourceError
from source_files import GRAYS
from source_files import grays_of
from source_files import HEIGHT
from source_files import WIDTH
from source_files import write_gif
from source_files import write_picture
from source_files import write_video


def test_a_source_that_does_not_exist_is_refused_with_what_is_expected():
    for text in (
        '',
        'nowhere.mp4',
        'topic:/camera/image_raw',
        'folder/none',
        '~no-such-user/a.png',
        'x' * 300,
    ):
        with pytest.raises(SourceError) as refusal:
            open_source(text)
        message = str(refusal.value)
        assert message.startswith(f"there is no source {text!r}; a source is 'builtin', a camera")


@pytest.mark.parametrize('address', ['rtsp://10.0.0.1/stream', 'http://localhost/a.mjpg'])
def test_a_stream_is_refused_with_what_to_do(address):
    with pytest.raises(
        SourceError,
        match=r'is a stream, .* topic:NAME for `run`; the nodes do where source is empty',
    ):
        open_source(address)


@pytest.mark.parametrize('name', ['pipe', 'pipe.png', 'pipe.mp4'])
def test_a_pipe_or_a_device_that_is_no_camera_is_refused_at_once(tmp_path, name):
    os.mkfifo(tmp_path / name)
    for path in (str(tmp_path / name), '/dev/zero'):
        with pytest.raises(SourceError, match=r'is no source: it is a (pipe|device)'):
            open_source(path)


@pytest.mark.parametrize('name', ['a\udcfc.mp4', 'a\udcfc.png'])
def test_a_name_that_is_no_utf_8_is_refused_before_opencv_crashes_on_it(tmp_path, name):
    write_picture(tmp_path / 'a.png')
    (tmp_path / 'a.png').rename(tmp_path / name)
    with pytest.raises(SourceError, match='is no UTF-8') as refusal:
        open_source(str(tmp_path / name))
    assert r'a\udcfc' in str(refusal.value), 'escaped, as a log takes it'


def test_a_name_that_no_path_can_have_is_no_source():
    with pytest.raises(SourceError, match='there is no source'):
        open_source('clip\0.mp4')


def test_a_link_to_itself_is_no_source(tmp_path):
    link = tmp_path / 'link.mp4'
    link.symlink_to(link)
    with pytest.raises(SourceError, match='there is no source'):
        open_source(str(link))


@pytest.mark.skipif(os.geteuid() == 0, reason='root may enter every folder')
@pytest.mark.parametrize(('mode', 'name'), [(0o000, ''), (0o000, 'a.png'), (0o600, 'a.png')])
def test_a_path_that_the_user_may_not_read_is_no_source(tmp_path, mode, name):
    folder = tmp_path / 'closed'
    folder.mkdir()
    write_picture(folder / 'a.png')
    folder.chmod(mode)
    try:
        with pytest.raises(SourceError, match='closed'):
            open_source(str(folder / name))
    finally:
        folder.chmod(0o700)


def test_a_folder_that_cannot_be_listed_is_refused_with_the_reason(tmp_path, monkeypatch):
    def failing_iterdir(_path):
        raise PermissionError(13, 'Permission denied')

    monkeypatch.setattr('pathlib.Path.iterdir', failing_iterdir)
    with pytest.raises(SourceError, match=f'{tmp_path} cannot be read: Permission denied'):
        open_source(str(tmp_path))


def test_an_empty_folder_is_refused_and_one_of_films_says_so(tmp_path):
    with pytest.raises(SourceError, match='holds no pictures; expected'):
        open_source(str(tmp_path))
    (tmp_path / 'a.mkv').touch()
    with pytest.raises(SourceError, match=r'holds no pictures, but a\.mkv, a film among'):
        open_source(str(tmp_path))


def test_a_file_that_cannot_be_decoded_is_refused_by_its_path(tmp_path):
    for name in ('broken.mp4', 'broken.gif', 'broken.png', 'no_suffix'):
        for content in (b'', b'neither a picture nor a video'):
            path = tmp_path / name
            path.write_bytes(content)
            with pytest.raises(SourceError, match=r'can(not)? be decoded') as refusal:
                open_source(str(path))
            assert str(path) in str(refusal.value)


@pytest.mark.parametrize('name', ['one.gif', 'one.mp4', 'one.png'])
def test_a_file_of_one_frame_is_a_picture_without_end(tmp_path, name):
    path = tmp_path / name
    if name.endswith('gif'):
        write_gif(path, (2,))
    elif name.endswith('mp4'):
        write_video(path, (160,))
    else:
        write_picture(path, 160)
    source = open_source(str(path))
    assert source.frame_count is None
    assert grays_of(islice(source, 50)) == [160] * 50


def test_a_film_of_several_frames_ends(tmp_path):
    source = open_source(str(write_video(tmp_path / 'film.mp4')))
    assert grays_of(islice(source, 10)) == list(GRAYS)
    assert grays_of(islice(source, 10)) == list(GRAYS)


def test_a_folder_is_a_source_of_its_pictures(tmp_path):
    for name, gray in (('10.png', 200), ('2.png', 40), ('1.png', 20)):
        write_picture(tmp_path / name, gray)
    (tmp_path / 'notes.txt').write_text('no picture')
    (tmp_path / '.hidden.png').write_bytes(b'no picture')
    source = open_source(str(tmp_path))
    assert source.frame_count == 32
    assert source.name == str(tmp_path)
    expected = [20] * 10 + [0] + [40] * 10 + [0] + [200] * 10  # dark between pictures
    assert grays_of(source) == expected
    assert source.skipped == {}


def test_a_folder_is_read_whatever_its_pictures_are_called_and_the_others_are_named(tmp_path):
    write_picture(tmp_path / '1.jpg', 40)
    write_picture(tmp_path / '2.png', 80).rename(tmp_path / '2.JFIF')
    write_gif(tmp_path / '3.gif', (2, 1))
    write_video(tmp_path / '4.mp4')
    (tmp_path / '5.heic').write_bytes(b'of a kind that cannot be decoded')
    (tmp_path / '6.tga').write_bytes(bytes(18))
    write_picture(tmp_path / '7.png').rename(tmp_path / '7')
    write_picture(tmp_path / '8.jpg').rename(tmp_path / '8.txt')
    (tmp_path / '9.txt').write_text('no picture')
    (tmp_path / '9.csv').write_text('BMI,name')
    (tmp_path / '9.md').write_text('P1 is first')
    (tmp_path / '9').mkdir()
    source = open_source(str(tmp_path))
    assert grays_of(source) == [40] * 10 + [0] + [80] * 10 + [0] + [160] * 10
    assert source.skipped == {
        tmp_path / '4.mp4': 'a film among pictures; give it alone',
        tmp_path / '3.gif': 'animated, and only its first picture is shown',
        tmp_path / '5.heic': 'damaged, or of an unknown format',
        tmp_path / '6.tga': 'a picture of a kind (.tga) that is not read; convert it',
        tmp_path / '7': 'a picture by its content, not by its name; rename it',
        tmp_path / '8.txt': 'a picture by its content, not by its name; rename it',
    }


def test_a_folder_inside_that_has_the_name_of_a_picture_is_left_out(tmp_path):
    (tmp_path / '1.png').mkdir()
    with pytest.raises(SourceError, match='holds no pictures'):
        open_source(str(tmp_path))
    write_picture(tmp_path / '2.png', 40)
    write_picture(tmp_path / '3.png', 80)
    source = open_source(str(tmp_path))
    assert grays_of(source) == [40] * 10 + [0] + [80] * 10
    assert source.skipped == {}


def test_a_path_may_begin_at_the_home_of_the_user(tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    write_picture(tmp_path / 'a.png')
    assert open_source('~/a.png').size == (WIDTH, HEIGHT)


def test_a_number_that_is_a_file_is_that_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_video(tmp_path / '7.mp4').rename(tmp_path / '7')
    assert open_source('7').size == (WIDTH, HEIGHT)


def test_the_builtin_clip_has_no_end():
    source = open_source('builtin')
    assert source.frame_count is None
    assert source.size == (640, 480)
    first, *_, again = islice(source, 301)
    np.testing.assert_array_equal(first, again)
    source.close()


@pytest.mark.parametrize('kind', ['builtin', 'video', 'picture'])
def test_a_frame_cannot_be_written_to(tmp_path, kind):
    texts = {
        'builtin': 'builtin',
        'video': str(write_video(tmp_path / 'clip.mp4')),
        'picture': str(write_picture(tmp_path / 'still.png')),
    }
    frame = next(iter(open_source(texts[kind])))
    assert frame.dtype == np.uint8
    assert frame.ndim == 3
    with pytest.raises(ValueError, match='read-only'):
        frame[0, 0] = 0


def test_a_file_is_no_camera_whatever_it_is_called(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / '7').touch()
    numbers = [device_number(each) for each in ('7', '8', '/dev/video3', '/dev/shm/clip.mkv')]
    assert numbers == [None, 8, 3, None]
