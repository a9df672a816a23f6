from pathlib import Path
import threading

import cv2
from judged import judged_face
from judged import judged_frame
import numpy as np
import pytest
from rtcnn_perception.commands import recorder as module
from rtcnn_perception.commands.recorder import Recorder
from rtcnn_perception.exceptions import PerceptionError


def as_it_is(judged) -> np.ndarray:
    return judged.faces_in_frame.frame.image


def grays(path: Path) -> list[int]:
    capture = cv2.VideoCapture(str(path))
    found = []
    is_read, frame = capture.read()
    while is_read:
        found.append(round(float(frame.mean()) / 10) * 10)
        is_read, frame = capture.read()
    return found


def test_without_frames_nothing_is_written(tmp_path):
    assert Recorder(tmp_path / 'out', as_it_is).close() == []
    assert list((tmp_path / 'out').iterdir()) == []


def test_the_video_has_every_frame_at_the_rate_of_their_stamps(tmp_path):
    recorder = Recorder(tmp_path, as_it_is)
    for i in range(20):
        recorder.add(judged_frame(time=5 + i / 12.5, gray=10 * i))
    files = recorder.close()
    assert [path.name for path in files] == ['annotated.mp4', 'annotated.png']
    assert grays(files[0]) == [10 * i for i in range(20)]
    assert cv2.VideoCapture(str(files[0])).get(cv2.CAP_PROP_FPS) == pytest.approx(12.5)


def test_the_video_keeps_time_where_frames_were_dropped(tmp_path):
    recorder = Recorder(tmp_path, as_it_is)
    kept = [i for i in range(30) if i not in (15, 16, 17)]
    for i in kept:
        recorder.add(judged_frame(time=1 + i / 10, gray=100 if i < 15 else 200))
    found = grays(recorder.close()[0])
    assert len(found) == 30
    assert found == [100] * 15 + [200] * 15


def test_the_video_keeps_the_rate_of_its_source_where_most_frames_were_dropped(tmp_path):
    recorder = Recorder(tmp_path, as_it_is, fps=30.0)
    for i in range(4):
        recorder.add(judged_frame(time=1 + i / 3, gray=50 * (i + 1)))
    assert grays(recorder.close()[0]) == [50, *[100] * 10, *[150] * 10, *[200] * 10]


def test_the_rate_of_a_camera_is_seen_through_dropped_frames(tmp_path):
    recorder = Recorder(tmp_path, as_it_is)
    for i in (0, 1, 2, 6, 7, 10, 12, 15, 16):
        recorder.add(judged_frame(time=1 + i / 20))
    assert cv2.VideoCapture(str(recorder.close()[0])).get(cv2.CAP_PROP_FPS) == pytest.approx(20.0)


def test_stamps_that_jump_do_not_stretch_the_video(tmp_path):
    recorder = Recorder(tmp_path, as_it_is)
    for start in (100.0, 5000.0, 1.0):
        for i in range(10):
            recorder.add(judged_frame(time=start + i / 10))
    assert len(grays(recorder.close()[0])) == 30


@pytest.mark.parametrize('count', [1, 3])
def test_a_run_of_few_frames_leaves_a_video_too(tmp_path, count):
    recorder = Recorder(tmp_path, as_it_is)
    for i in range(count):
        recorder.add(judged_frame(time=1 + i / 25))
    assert len(grays(recorder.close()[0])) == count


@pytest.mark.parametrize(
    ('size_hw', 'expected'), [((47, 63), (62, 46)), ((1000, 3000), (1920, 640))]
)
def test_the_size_is_one_that_encoders_take(tmp_path, size_hw, expected):
    recorder = Recorder(tmp_path, as_it_is)
    recorder.add(judged_frame(size_hw=size_hw))
    capture = cv2.VideoCapture(str(recorder.close()[0]))
    size = (capture.get(cv2.CAP_PROP_FRAME_WIDTH), capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
    assert size == expected


def test_a_picture_of_another_size_is_fitted_into_the_first_ones(tmp_path):
    recorder = Recorder(tmp_path, as_it_is)
    for i in range(10):
        size_hw = (48, 64) if i < 5 else (96, 64)
        recorder.add(judged_frame(time=1 + i / 10, gray=240, size_hw=size_hw))
    found = grays(recorder.close()[0])
    assert found[:5] == [240] * 5
    assert found[5:] == [120] * 5, 'half of the width is black'


def test_the_picture_is_the_frame_with_most_faces_and_the_best_look_at_them(tmp_path):
    recorder = Recorder(tmp_path, as_it_is, has_video=False)
    recorder.add(judged_frame(gray=10))
    recorder.add(judged_frame(judged_face(1, quality=0.4), judged_face(2, quality=0.5), gray=20))
    recorder.add(judged_frame(judged_face(1, quality=0.4), judged_face(2, quality=0.6), gray=30))
    recorder.add(judged_frame(judged_face(1, quality=1.0), gray=40))
    files = recorder.close()
    assert [path.name for path in files] == ['annotated.png']
    assert cv2.imread(str(files[0])).mean() == 30


def test_the_pipeline_never_waits_for_the_encoder(tmp_path, monkeypatch):
    frame_bytes = judged_frame().faces_in_frame.frame.image.nbytes
    monkeypatch.setattr(module, 'QUEUE_BYTES', 3 * frame_bytes)
    may_go_on = threading.Event()

    def draw(judged):
        may_go_on.wait(10)
        return as_it_is(judged)

    recorder = Recorder(tmp_path, draw)
    for i in range(20):
        recorder.add(judged_frame(time=1 + i / 10))
    # Three wait and one may be in the making.
    assert 16 <= recorder.left_out <= 17
    may_go_on.set()
    recorder.close()


def test_what_goes_wrong_in_the_thread_is_raised_at_the_end(tmp_path):
    def draw(judged):
        raise ZeroDivisionError(judged)

    recorder = Recorder(tmp_path, draw)
    for _ in range(3):
        recorder.add(judged_frame())
    with pytest.raises(ZeroDivisionError):
        recorder.close()


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / 'out').write_text('a file')
    with pytest.raises(PerceptionError, match=r'cannot write .*out.* --output'):
        Recorder(tmp_path / 'out', as_it_is)


def test_a_frame_after_the_end_is_ignored(tmp_path):
    recorder = Recorder(tmp_path, as_it_is)
    recorder.add(judged_frame())
    files = recorder.close()
    recorder.add(judged_frame())
    assert len(grays(files[0])) == 1


@pytest.mark.parametrize('name', ['annotated.mp4', 'annotated.png'])
def test_a_file_that_cannot_be_written_is_named_at_the_start(tmp_path, name):
    (tmp_path / name).mkdir()
    with pytest.raises(PerceptionError, match=rf'cannot write .*{name}.* --output'):
        Recorder(tmp_path, as_it_is)


@pytest.mark.parametrize(('before', 'expected'), [(0, 10), (10, 10), (15, 15)])
def test_the_thread_never_asks_for_a_higher_priority_than_it_has(
    tmp_path, monkeypatch, before, expected
):
    asked = []
    monkeypatch.setattr(module.os, 'getpriority', lambda *_: before)
    monkeypatch.setattr(module.os, 'setpriority', lambda *words: asked.append(words[-1]))
    Recorder(tmp_path, as_it_is).close()
    assert asked == [expected]


def test_a_thread_that_cannot_begin_is_told_of_at_the_end(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(module.os, 'setpriority', refuse)
    recorder = Recorder(tmp_path, as_it_is)
    recorder.add(judged_frame())
    with pytest.raises(PermissionError):
        recorder.close()
