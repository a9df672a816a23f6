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

from dataclasses import replace
import os
from pathlib import Path
import resource
import signal
import subprocess
import sys
import threading

from classified_frames import make_face
from classified_frames import make_result
import cv2
import numpy as np
import pytest
from rtcnn_perception.commands.running import recorder as module
from rtcnn_perception.commands.running.recorder import Recorder
from rtcnn_perception.exceptions import PerceptionError


def undrawn(result) -> np.ndarray:
    """Return the image without anything drawn in."""
    return result.frame.image


def noise(count: int, fps: float = 10.0):
    """Yield results of frames that take much room."""
    rng = np.random.default_rng(0)
    for i in range(count):
        result = make_result(time=1 + i / fps, size_hw=(240, 320))
        picture = rng.integers(0, 256, result.frame.image.shape, np.uint8)
        yield replace(result, frame=replace(result.frame, image=picture))


def grays(path: Path) -> list[int]:
    capture = cv2.VideoCapture(str(path))
    found = []
    is_read, frame = capture.read()
    while is_read:
        found.append(round(float(frame.mean()) / 10) * 10)
        is_read, frame = capture.read()
    return found


def test_without_frames_nothing_is_written(tmp_path):
    assert Recorder(tmp_path / 'out', undrawn).close() == []
    assert list((tmp_path / 'out').iterdir()) == []


def test_the_video_has_every_frame_at_the_rate_of_their_stamps(tmp_path):
    recorder = Recorder(tmp_path, undrawn)
    for i in range(20):
        recorder.add(make_result(time=5 + i / 12.5, gray=10 * i))
    files = recorder.close()
    assert [path.name for path in files] == ['annotated.mkv', 'annotated.png']
    assert grays(files[0]) == [10 * i for i in range(20)]
    assert cv2.VideoCapture(str(files[0])).get(cv2.CAP_PROP_FPS) == pytest.approx(12.5)


def test_the_video_keeps_time_where_frames_were_dropped(tmp_path):
    recorder = Recorder(tmp_path, undrawn)
    kept = [i for i in range(30) if i not in (15, 16, 17)]
    for i in kept:
        recorder.add(make_result(time=1 + i / 10, gray=100 if i < 15 else 200))
    found = grays(recorder.close()[0])
    assert len(found) == 30
    assert found == [100] * 15 + [200] * 15


def test_the_video_keeps_the_rate_of_its_source_where_most_frames_were_dropped(tmp_path):
    recorder = Recorder(tmp_path, undrawn, fps=30.0)
    for i in range(4):
        recorder.add(make_result(time=1 + i / 3, gray=50 * (i + 1)))
    assert grays(recorder.close()[0]) == [50, *[100] * 10, *[150] * 10, *[200] * 10]


def test_the_rate_of_a_camera_is_found_despite_dropped_frames(tmp_path):
    recorder = Recorder(tmp_path, undrawn)
    for i in (0, 1, 2, 6, 7, 10, 12, 15, 16):
        recorder.add(make_result(time=1 + i / 20))
    assert cv2.VideoCapture(str(recorder.close()[0])).get(cv2.CAP_PROP_FPS) == pytest.approx(20.0)


def test_stamps_that_jump_do_not_stretch_the_video(tmp_path):
    recorder = Recorder(tmp_path, undrawn)
    for start in (100.0, 5000.0, 1.0):
        for i in range(10):
            recorder.add(make_result(time=start + i / 10))
    assert len(grays(recorder.close()[0])) == 30


@pytest.mark.parametrize('count', [1, 3])
def test_a_run_of_few_frames_has_a_video_too(tmp_path, count):
    recorder = Recorder(tmp_path, undrawn)
    for i in range(count):
        recorder.add(make_result(time=1 + i / 25))
    assert len(grays(recorder.close()[0])) == count


@pytest.mark.parametrize(
    ('size_hw', 'expected'), [((47, 63), (62, 46)), ((1000, 3000), (1920, 640))]
)
def test_the_size_is_even_and_bounded_as_encoders_want_it(tmp_path, size_hw, expected):
    recorder = Recorder(tmp_path, undrawn)
    recorder.add(make_result(size_hw=size_hw))
    capture = cv2.VideoCapture(str(recorder.close()[0]))
    size = (capture.get(cv2.CAP_PROP_FRAME_WIDTH), capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
    assert size == expected


def test_a_frame_of_another_size_is_fitted_into_the_first_size(tmp_path):
    recorder = Recorder(tmp_path, undrawn)
    for i in range(10):
        size_hw = (48, 64) if i < 5 else (96, 64)
        recorder.add(make_result(time=1 + i / 10, gray=240, size_hw=size_hw))
    found = grays(recorder.close()[0])
    assert found[:5] == [240] * 5
    assert found[5:] == [120] * 5, 'half of the width is black'


def test_the_picture_is_the_frame_with_the_most_faces_and_the_best_quality(tmp_path):
    recorder = Recorder(tmp_path, undrawn, has_video=False)
    recorder.add(make_result(gray=10))
    recorder.add(make_result(make_face(1, quality=0.4), make_face(2, quality=0.5), gray=20))
    recorder.add(make_result(make_face(1, quality=0.4), make_face(2, quality=0.6), gray=30))
    recorder.add(make_result(make_face(1, quality=1.0), gray=40))
    files = recorder.close()
    assert [path.name for path in files] == ['annotated.png']
    assert cv2.imread(str(files[0])).mean() == 30


def test_the_pipeline_never_waits_for_the_encoder(tmp_path, monkeypatch):
    frame_bytes = make_result().frame.image.nbytes
    monkeypatch.setattr(module, 'QUEUE_BYTES', 3 * frame_bytes)
    may_draw = threading.Event()

    def draw(result):
        may_draw.wait(10)
        return undrawn(result)

    recorder = Recorder(tmp_path, draw)
    for i in range(20):
        recorder.add(make_result(time=1 + i / 10))
    # Three wait and one may be drawn at the moment.
    assert 16 <= recorder.left_out <= 17
    may_draw.set()
    recorder.close()


def test_a_frame_that_was_encoded_makes_room_for_another(tmp_path, monkeypatch):
    monkeypatch.setattr(module, 'QUEUE_BYTES', 2 * make_result().frame.image.nbytes)
    is_drawn = threading.Semaphore(0)
    may_draw = threading.Semaphore(0)

    def draw(result):
        is_drawn.release()
        assert may_draw.acquire(timeout=10)
        return undrawn(result)

    recorder = Recorder(tmp_path, draw)
    for i in range(3):
        recorder.add(make_result(time=1 + i / 10))
        if i == 0:
            assert is_drawn.acquire(timeout=10)  # two others wait now
    for i in range(3, 10):
        may_draw.release()
        assert is_drawn.acquire(timeout=10)
        recorder.add(make_result(time=1 + i / 10))
    may_draw.release(4)  # three in the queue and the picture
    assert len(grays(recorder.close()[0])) == 10
    assert recorder.left_out == 0


def test_an_error_in_the_thread_is_raised_at_the_end(tmp_path):
    def draw(result):
        raise ZeroDivisionError(result)

    recorder = Recorder(tmp_path, draw)
    for _ in range(3):
        recorder.add(make_result())
    with pytest.raises(ZeroDivisionError):
        recorder.close()


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / 'out').write_text('a file')
    with pytest.raises(PerceptionError, match=r'cannot write .*out.* --output'):
        Recorder(tmp_path / 'out', undrawn)


def test_a_frame_after_the_end_is_ignored(tmp_path):
    recorder = Recorder(tmp_path, undrawn)
    recorder.add(make_result())
    files = recorder.close()
    recorder.add(make_result())
    assert len(grays(files[0])) == 1


@pytest.mark.parametrize('name', ['annotated.mkv', 'annotated.png'])
def test_a_file_that_cannot_be_written_is_refused_at_the_start(tmp_path, name):
    (tmp_path / name).mkdir()
    with pytest.raises(PerceptionError, match=rf'cannot write .*{name}.* --output'):
        Recorder(tmp_path, undrawn)


@pytest.mark.parametrize(('before', 'expected'), [(0, 10), (10, 10), (15, 15)])
def test_the_thread_never_raises_its_priority(tmp_path, monkeypatch, before, expected):
    wanted = []
    monkeypatch.setattr(module.os, 'getpriority', lambda *_: before)
    monkeypatch.setattr(module.os, 'setpriority', lambda *words: wanted.append(words[-1]))
    Recorder(tmp_path, undrawn).close()
    assert wanted == [expected]


def test_an_error_at_the_start_of_the_thread_is_raised_at_the_end(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(module.os, 'setpriority', refuse)
    recorder = Recorder(tmp_path, undrawn)
    recorder.add(make_result())
    with pytest.raises(PermissionError):
        recorder.close()


def test_a_video_that_is_not_finished_can_be_read_as_far_as_it_came(tmp_path):
    code = (
        'import os, pathlib, signal, sys\n'
        'from rtcnn_perception.commands.running.recorder import _Video\n'
        'import test_recorder\n'
        'video = _Video(pathlib.Path(sys.argv[1]), 10.0)\n'
        'for result in test_recorder.noise(100):\n'
        '    video.add(result.frame.image, result.frame.time)\n'
        'os.kill(os.getpid(), signal.SIGKILL)\n'
    )
    path = tmp_path / 'annotated.mkv'
    environment = {**os.environ, 'PYTHONPATH': os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, '-c', code, str(path)], env=environment, check=False, cwd=tmp_path
    )
    assert done.returncode == -signal.SIGKILL
    assert not module.is_finished(path)
    assert module.count_frames(path) >= 40, 'the last seconds are lost, and no more'


def test_what_does_not_fit_on_the_disk_is_missing_and_named(tmp_path):
    recorder = Recorder(tmp_path, undrawn)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, before[1]))
    try:
        for result in noise(60):
            recorder.add(result)
        files = recorder.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    picture, video = module.recorded_files(tmp_path)
    assert files == []
    assert not picture.exists()
    assert f'{video} has {module.count_frames(video)} of 60 frames' in recorder.missing[0]
    assert f'{picture} is not written: File too large' in recorder.missing[1]


def test_an_encoder_that_does_not_exist_leaves_the_picture(tmp_path, monkeypatch):
    monkeypatch.setattr(module, 'CODEC', '????')
    recorder = Recorder(tmp_path, undrawn)
    recorder.add(make_result())
    assert [path.name for path in recorder.close()] == ['annotated.png']
    assert 'annotated.mkv is not written: this OpenCV cannot encode' in recorder.missing[0]


@pytest.mark.parametrize('fps', [None, 10.0])
def test_pictures_that_wait_for_the_rate_are_as_small_as_those_of_the_video(tmp_path, fps):
    video = module._Video(tmp_path / 'annotated.mkv', fps)
    video.add(np.zeros((1500, 3000, 3), np.uint8), 1.0)
    assert [picture.shape for picture, _ in video._pending] == (
        [(960, 1920, 3)] if fps is None else []
    )
    assert video.close() == [tmp_path / 'annotated.mkv']


def test_without_a_video_its_file_is_left_alone(tmp_path):
    (tmp_path / 'annotated.mkv').mkdir()
    recorder = Recorder(tmp_path, undrawn, has_video=False)
    recorder.add(make_result())
    assert [path.name for path in recorder.close()] == ['annotated.png']
