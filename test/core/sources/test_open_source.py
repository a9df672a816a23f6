from collections.abc import Iterator
from itertools import islice
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from rtcnn_perception.core.sources.open import open_source
from rtcnn_perception.core.sources.video import DeviceMode
from rtcnn_perception.core.sources.video import natural_order
from rtcnn_perception.exceptions import SourceError

WIDTH, HEIGHT = 64, 48
GRAYS = (20, 120, 220)


def still(gray: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    return np.full((height, width, 3), gray, np.uint8)


def write_picture(path: Path, gray: int = 120, width: int = WIDTH) -> Path:
    assert cv2.imwrite(str(path), still(gray, width))
    return path


def write_video(path: Path, grays: tuple[int, ...] = GRAYS, fps: float = 25.0) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'mp4v'), fps, (WIDTH, HEIGHT))
    assert writer.isOpened()
    for gray in grays:
        writer.write(still(gray))
    writer.release()
    return path


def write_gif(path: Path, grays: tuple[int, ...]) -> Path:
    """Write a GIF by hand, for OpenCV writes none before 4.11: 2x2 pixels, 0.08 s a frame."""
    palette = bytes(value for gray in range(4) for value in [gray * 80] * 3)
    data = b'GIF89a' + bytes([2, 0, 2, 0, 0x81, 0, 0]) + palette
    for index in grays:
        data += b'\x21\xf9\x04\x00\x08\x00\x00\x00'
        data += b'\x2c' + bytes([0, 0, 0, 0, 2, 0, 2, 0, 0]) + b'\x02'
        # LZW with codes of three bits: clear, four pixels, end; the width never grows.
        bits = [4, index, index, 4, index, index, 5]
        packed = sum(code << (3 * place) for place, code in enumerate(bits)).to_bytes(3, 'little')
        data += bytes([len(packed)]) + packed + b'\x00'
    path.write_bytes(data + b'\x3b')
    return path


def grays_of(frames: Iterator[np.ndarray]) -> list[int]:
    return [round(float(frame.mean()) / 20) * 20 for frame in frames]


@pytest.mark.parametrize(
    'text',
    [
        '',
        'nowhere.mp4',
        'topic:/camera/image_raw',
        'folder/none',
        '~nobody-at-all/a.png',
        'x' * 300,
    ],
)
def test_a_source_that_does_not_exist_is_named_with_what_would_do(text):
    with pytest.raises(SourceError, match='there is no source') as error:
        open_source(text)
    assert repr(text) in str(error.value)
    assert 'builtin' in str(error.value)


@pytest.mark.parametrize('text', ['/dev/video987', '987'])
def test_a_camera_that_is_not_there_is_named(text):
    with pytest.raises(SourceError, match='there is no camera /dev/video987; found: '):
        open_source(text)


def test_a_link_to_itself_is_no_source(tmp_path):
    link = tmp_path / 'link.mp4'
    link.symlink_to(link)
    with pytest.raises(SourceError, match='there is no source'):
        open_source(str(link))


@pytest.mark.skipif(os.geteuid() == 0, reason='root may enter every folder')
@pytest.mark.parametrize(('mode', 'name'), [(0o000, ''), (0o000, 'a.png'), (0o600, 'a.png')])
def test_what_the_user_may_not_see_is_no_source(tmp_path, mode, name):
    folder = tmp_path / 'closed'
    folder.mkdir()
    write_picture(folder / 'a.png')
    folder.chmod(mode)
    try:
        with pytest.raises(SourceError, match='closed'):
            open_source(str(folder / name))
    finally:
        folder.chmod(0o700)


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(SourceError, match='holds no pictures'):
        open_source(str(tmp_path))


@pytest.mark.parametrize('name', ['broken.mp4', 'broken.gif', 'broken.png', 'no_suffix'])
@pytest.mark.parametrize('content', [b'', b'neither a picture nor a video'])
def test_a_file_that_cannot_be_decoded_is_refused_by_name(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(SourceError, match=r'can(not)? be decoded') as error:
        open_source(str(path))
    assert str(path) in str(error.value)


def test_a_folder_in_which_nothing_decodes_is_refused_with_the_number_tried(tmp_path):
    for name in ('a.png', 'b.jpg'):
        (tmp_path / name).write_bytes(b'broken')
    with pytest.raises(SourceError, match='2 tried'):
        open_source(str(tmp_path))


def test_a_video_gives_its_frames_in_order_and_again_from_the_start(tmp_path):
    source = open_source(str(write_video(tmp_path / 'clip.mp4')))
    assert source.fps == pytest.approx(25.0)
    assert source.size == (WIDTH, HEIGHT)
    assert source.frame_count == len(GRAYS)
    assert not source.is_live
    assert grays_of(iter(source)) == list(GRAYS)
    assert grays_of(iter(source)) == list(GRAYS)


def test_a_video_that_is_left_halfway_starts_anew(tmp_path):
    source = open_source(str(write_video(tmp_path / 'clip.mp4')))
    assert grays_of(islice(source, 2)) == [20, 120]
    assert grays_of(islice(source, 1)) == [20]
    source.close()


def test_an_animated_gif_is_a_video_with_its_own_rate(tmp_path):
    source = open_source(str(write_gif(tmp_path / 'clip.gif', (0, 1, 2))))
    assert source.fps == pytest.approx(12.5)
    assert source.size == (2, 2)
    assert grays_of(iter(source)) == [0, 80, 160]


@pytest.mark.parametrize('name', ['one.gif', 'one.mp4', 'one.png'])
def test_a_file_of_one_frame_is_a_picture_that_stays(tmp_path, name):
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


def test_a_folder_shows_its_pictures_in_the_order_people_count(tmp_path):
    for name, gray in (('10.png', 200), ('2.png', 40), ('1.png', 20)):
        write_picture(tmp_path / name, gray)
    (tmp_path / 'notes.txt').write_text('no picture')
    (tmp_path / '.hidden.png').write_bytes(b'no picture')
    source = open_source(str(tmp_path))
    assert source.frame_count == 32
    shown = [20] * 10 + [0] + [40] * 10 + [0] + [200] * 10  # dark between pictures
    assert grays_of(iter(source)) == shown


def test_pictures_of_a_folder_that_cannot_be_decoded_are_passed_over_and_counted(tmp_path):
    (tmp_path / '1.png').write_bytes(b'broken')
    write_picture(tmp_path / '2.png', 40, width=32)
    (tmp_path / '3.jpg').write_bytes(b'')
    source = open_source(str(tmp_path))
    assert source.size == (32, HEIGHT)
    for _ in range(2):
        assert grays_of(iter(source)) == [40] * 10
    assert {path.name: why for path, why in source.skipped.items()} == {
        '1.png': 'damaged, or of an unknown format',
        '3.jpg': 'it is empty',
    }


def test_a_picture_that_cannot_be_read_is_passed_over_as_a_damaged_one_is(tmp_path):
    (tmp_path / '1.png').symlink_to(tmp_path / 'gone.png')
    write_picture(tmp_path / '2.png', 40)
    source = open_source(str(tmp_path))
    assert grays_of(iter(source)) == [40] * 10
    assert source.skipped == {tmp_path / '1.png': 'No such file or directory'}


def test_a_folder_of_nothing_but_broken_links_is_refused_with_the_reason(tmp_path):
    (tmp_path / '1.png').symlink_to(tmp_path / 'gone.png')
    with pytest.raises(SourceError, match=r'1 tried; 1\.png: No such file or directory'):
        open_source(str(tmp_path))


def test_a_folder_within_that_is_named_like_a_picture_is_none(tmp_path):
    (tmp_path / '1.png').mkdir()
    with pytest.raises(SourceError, match='holds no pictures'):
        open_source(str(tmp_path))
    write_picture(tmp_path / '2.png', 40)
    write_picture(tmp_path / '3.png', 80)
    source = open_source(str(tmp_path))
    assert grays_of(iter(source)) == [40] * 10 + [0] + [80] * 10
    assert source.skipped == {}


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
def test_nobody_can_write_to_a_frame(tmp_path, kind):
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


@pytest.mark.parametrize('fps', [0.0, float('nan'), float('inf'), -25.0, 90000.0])
def test_a_frame_rate_that_cannot_be_is_replaced_by_the_nominal_one(tmp_path, monkeypatch, fps):
    path = write_video(tmp_path / 'clip.mp4')

    class Capture:
        def __init__(self, name):
            self._capture = original(name)

        def get(self, prop):
            return fps if prop == cv2.CAP_PROP_FPS else 0.0

        def __getattr__(self, name):
            return getattr(self._capture, name)

    original = cv2.VideoCapture
    monkeypatch.setattr(cv2, 'VideoCapture', Capture)
    source = open_source(str(path))
    assert source.fps == 30.0
    assert source.frame_count is None


@pytest.mark.parametrize(
    ('names', 'expected'),
    [
        ([], []),
        (['b', 'a'], ['a', 'b']),
        (['x10', 'x9', 'x'], ['x', 'x9', 'x10']),
        (['10', '9', 'a'], ['9', '10', 'a']),
        (['img2.png', 'IMG1.png'], ['IMG1.png', 'img2.png']),
        (['01', '1', '001'], ['001', '01', '1']),
    ],
)
def test_natural_order(names, expected):
    assert [path.name for path in natural_order(map(Path, names))] == expected


class FakeCamera:
    """A V4L2 camera that gives three frames and is pulled out."""

    def __init__(self, *_: object) -> None:
        self.settings: dict[int, float] = {}
        self.is_released = False
        self._left = 3

    def set(self, prop: int, value: float) -> bool:
        self.settings[prop] = value
        return True

    def get(self, prop: int) -> float:
        return self.settings.get(prop, 0.0)

    def read(self) -> tuple[bool, np.ndarray | None]:
        self._left -= 1
        return (True, still(100)) if self._left >= 0 else (False, None)

    def release(self) -> None:
        self.is_released = True


@pytest.fixture
def cameras(monkeypatch) -> list[FakeCamera]:
    made: list[FakeCamera] = []
    monkeypatch.setattr(
        cv2, 'VideoCapture', lambda *arguments: made.append(FakeCamera(*arguments)) or made[-1]
    )
    exists = Path.exists
    monkeypatch.setattr(Path, 'exists', lambda path: path.name == 'video3' or exists(path))
    return made


def test_a_camera_is_live_and_is_asked_for_the_size_and_rate_wanted(cameras):
    source = open_source('3', DeviceMode(width=800, height=600, fps=15.0))
    assert source.is_live
    assert source.frame_count is None
    assert source.name == '/dev/video3'
    assert source.fps == 15.0
    assert cameras[0].settings[cv2.CAP_PROP_FRAME_WIDTH] == 800
    assert cameras[0].settings[cv2.CAP_PROP_FRAME_HEIGHT] == 600
    source.close()
    assert cameras[0].is_released


def test_a_camera_that_is_asked_for_nothing_stays_as_it_is(cameras):
    assert open_source('3').fps == 30.0
    assert set(cameras[0].settings) == {cv2.CAP_PROP_BUFFERSIZE}


@pytest.mark.usefixtures('cameras')
def test_a_camera_that_is_pulled_out_raises():
    frames = iter(open_source('/dev/video3'))
    assert len(list(islice(frames, 2))) == 2
    with pytest.raises(SourceError, match='stopped giving frames'):
        next(frames)


def test_a_camera_that_gives_nothing_is_refused_and_let_go(cameras, monkeypatch):
    monkeypatch.setattr(FakeCamera, 'read', lambda _: (False, None))
    with pytest.raises(SourceError, match='gives no frames'):
        open_source('/dev/video3')
    assert cameras[0].is_released
