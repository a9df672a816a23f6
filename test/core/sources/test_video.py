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

"""A video or an animated GIF gives its frames in order, as often as it is read."""

from __future__ import annotations

from itertools import islice
import os
import re
import struct
import subprocess
import sys

import cv2
import numpy as np
import pytest
from rtcnn_perception.core.sources import capture
from rtcnn_perception.core.sources.video import VideoSource
from rtcnn_perception.exceptions import SourceError
from source_files import GRAYS
from source_files import grays_of
from source_files import HEIGHT
from source_files import replace_properties
from source_files import WIDTH
from source_files import with_gif_size
from source_files import write_gif
from source_files import write_video


def test_a_file_that_is_no_video_is_refused_by_its_path(tmp_path):
    path = tmp_path / 'broken.mp4'
    path.write_bytes(b'no video')
    with pytest.raises(SourceError, match=f'{path} cannot be decoded as a video or a picture'):
        VideoSource(path)


def test_a_video_gives_its_frames_in_order_and_again_from_the_start(tmp_path):
    source = VideoSource(write_video(tmp_path / 'clip.mp4'))
    assert source.fps == pytest.approx(25.0)
    assert source.size == (WIDTH, HEIGHT)
    assert source.frame_count == len(GRAYS)
    assert not source.is_live
    assert not source.has_one_frame
    assert grays_of(source) == list(GRAYS)
    assert grays_of(source) == list(GRAYS)


def test_a_video_that_is_left_halfway_starts_again_at_its_start(tmp_path):
    source = VideoSource(write_video(tmp_path / 'clip.mp4'))
    assert grays_of(islice(source, 2)) == [20, 120]
    assert grays_of(islice(source, 1)) == [20]
    source.close()


def test_an_animated_gif_is_a_video_with_its_own_rate(tmp_path):
    source = VideoSource(write_gif(tmp_path / 'clip.gif', (0, 1, 2)))
    assert source.fps == pytest.approx(12.5)
    assert source.size == (2, 2)
    assert grays_of(source) == [0, 80, 160]


def test_larger_frames_than_pictures_may_have_are_refused_before_they_are_decoded(
    tmp_path, monkeypatch
):
    path = with_gif_size(tmp_path / 'clip.gif', 300, 200)
    assert VideoSource(path).size == (300, 200)
    monkeypatch.setattr(capture, 'MAX_PICTURE_PIXELS', 59_999.0)
    with pytest.raises(SourceError, match='has frames of 300x200 pixels; expected 59999 pixels'):
        VideoSource(path)


@pytest.mark.parametrize('fps', [300.0, 240.5, 1000.0])
def test_a_film_of_a_rate_that_no_source_has_is_as_long_as_it_says(tmp_path, fps):
    path = write_video(tmp_path / 'clip.avi', (20, 120) * 150, fps)
    source = VideoSource(path)
    assert source.fps == 30.0
    assert source.length_s == pytest.approx(300 / fps)
    assert len(list(source)) == 300
    assert source.skipped == {}


def test_what_ffmpeg_finds_wrong_is_not_written_to_stderr(tmp_path):
    path = with_gif_size(tmp_path / 'clip.gif', 65_000, 65_000)
    names = ('OPENCV_LOG_LEVEL', 'OPENCV_FFMPEG_LOGLEVEL')
    script = (
        'import sys\nfrom rtcnn_perception.core.sources import open\nopen.open_source(sys.argv[1])'
    )
    result = subprocess.run(
        [sys.executable, '-c', script, str(path)],
        env={name: value for name, value in os.environ.items() if name not in names},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.stderr.startswith('Traceback')
    assert 'cannot be decoded as a video or a picture' in result.stderr.splitlines()[-1]
    assert 'invalid' not in result.stderr


def test_a_video_of_one_frame_is_known_as_such(tmp_path):
    assert VideoSource(write_video(tmp_path / 'clip.mp4', (160,))).has_one_frame


def test_a_frame_rate_and_a_count_that_cannot_be_are_replaced(tmp_path, monkeypatch):
    path = write_video(tmp_path / 'clip.mp4')
    for fps in (0.0, float('nan'), float('inf'), -25.0, 90000.0):
        with monkeypatch.context() as patch:
            replace_properties(
                patch, lambda prop, fps=fps: fps if prop == cv2.CAP_PROP_FPS else 0.0
            )
            source = VideoSource(path)
        assert source.fps == 30.0
        assert source.frame_count is None


def spoil(path, *numbers):
    """Overwrite frames of a video, from the start code of MPEG-4 part 2 on."""
    content = bytearray(path.read_bytes())
    starts = [match.start() for match in re.finditer(b'\x00\x00\x01\xb6', content)]
    for number in numbers:
        begin, end = starts[number : number + 2]
        content[begin:end] = bytes(end - begin)
    path.write_bytes(content)


@pytest.mark.parametrize('numbers', [(1,), (20, 21, 22)])
def test_damaged_frames_do_not_end_a_video_and_are_counted(tmp_path, numbers):
    path = write_video(tmp_path / 'clip.mp4', tuple(range(10, 250, 8)))
    spoil(path, *numbers)
    source = VideoSource(path)
    assert not source.has_one_frame
    for _ in range(2):
        assert len(list(source)) == 30 - len(numbers)
        assert source.skipped == {path: f'frames that cannot be decoded: {len(numbers)}'}


def test_a_video_without_its_end_is_reported_with_how_far_it_came(tmp_path):
    path = write_video(tmp_path / 'clip.mkv', tuple(i % 200 for i in range(100)))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    source = VideoSource(path)
    read = len(list(source))
    assert 10 < read < 90
    assert source.skipped == {
        path: f'{read} frames are read, up to {(read - 1) / 25:.1f} of 4.0 s'
    }


def test_a_whole_video_has_nothing_to_report_and_the_times_of_its_frames(tmp_path):
    source = VideoSource(write_video(tmp_path / 'clip.mp4', GRAYS))
    assert source.time_s is None
    assert [source.time_s for _ in source] == pytest.approx([0.0, 0.04, 0.08], abs=0.041)
    assert source.skipped == {}


def test_times_of_a_film_are_its_own_unless_they_cannot_be(tmp_path, monkeypatch):
    times = iter([0.5, 0.9, 1.0, 0.2, 1e9, float('nan')])
    source = VideoSource(write_video(tmp_path / 'clip.mp4', GRAYS * 2))
    replace_properties(
        monkeypatch, lambda prop: next(times) * 1e3 if prop == cv2.CAP_PROP_POS_MSEC else None
    )
    expected = [0.5, 0.9, 1.0, 1.04, 1.08, 1.12]
    assert [source.time_s for _ in source] == pytest.approx(expected)


@pytest.mark.parametrize(
    ('matrix', 'bright'),
    [((1, 0), 'left'), ((0, 1), 'top'), ((-1, 0), 'right'), ((0, -1), 'bottom')],
)
def test_a_video_is_upright_as_its_file_says(tmp_path, matrix, bright):
    path = tmp_path / 'clip.mp4'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'mp4v'), 25.0, (WIDTH, HEIGHT))
    picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    picture[:, : WIDTH // 2] = 200
    for _ in range(3):
        writer.write(picture)
    writer.release()
    content = path.read_bytes()
    at = content.index(b'tkhd') + 4 + 40
    cosine, sine = (each << 16 for each in matrix)
    turned = struct.pack('>iiiiiiiii', cosine, sine, 0, -sine, cosine, 0, 0, 0, 1 << 30)
    path.write_bytes(content[:at] + turned + content[at + len(turned) :])
    source = VideoSource(path)
    (frame, *_) = source
    assert source.size == frame.shape[1::-1] == ((WIDTH, HEIGHT) if cosine else (HEIGHT, WIDTH))
    height, width = frame.shape[:2]
    sides = {
        'left': frame[:, : width // 2],
        'right': frame[:, width // 2 :],
        'top': frame[: height // 2],
        'bottom': frame[height // 2 :],
    }
    assert max(sides, key=lambda side: sides[side].mean()) == bright
