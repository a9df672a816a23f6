"""A video or an animated GIF gives its frames in order, as often as it is read."""

from __future__ import annotations

from itertools import islice
import os
import struct
import subprocess
import sys

import cv2
import pytest
from rtcnn_perception.core.sources import video
from rtcnn_perception.core.sources.video import VideoSource
from rtcnn_perception.exceptions import SourceError
from source_files import GRAYS
from source_files import grays_of
from source_files import HEIGHT
from source_files import WIDTH
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


def with_gif_size(path, width, height):
    content = bytearray(write_gif(path, (1,)).read_bytes())
    content[6:10] = struct.pack('<HH', width, height)
    path.write_bytes(content)
    return path


def test_larger_frames_than_pictures_may_have_are_refused_before_they_are_decoded(
    tmp_path, monkeypatch
):
    path = with_gif_size(tmp_path / 'clip.gif', 300, 200)
    assert VideoSource(path).size == (300, 200)
    monkeypatch.setattr(video, 'MAX_PICTURE_PIXELS', 59_999.0)
    with pytest.raises(SourceError, match='has frames of 300x200 pixels; expected 59999 pixels'):
        VideoSource(path)


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
    original = cv2.VideoCapture

    class Capture:
        fps = 0.0

        def __init__(self, name):
            self._capture = original(name)

        def get(self, prop):
            return self.fps if prop == cv2.CAP_PROP_FPS else 0.0

        def __getattr__(self, name):
            return getattr(self._capture, name)

    monkeypatch.setattr(cv2, 'VideoCapture', Capture)
    for fps in (0.0, float('nan'), float('inf'), -25.0, 90000.0):
        Capture.fps = fps
        source = VideoSource(path)
        assert source.fps == 30.0
        assert source.frame_count is None
