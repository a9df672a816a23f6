"""The command ``run`` from end to end: the real nodes, with the models of the package."""

import itertools
from pathlib import Path
import re
import signal
import subprocess
import sys

import cv2
import pytest
from rtcnn_perception import cli
from rtcnn_perception.commands import run as module
from rtcnn_perception.core.pipeline import ClassificationStage
from rtcnn_perception.core.sources.builtin import BuiltinClip
from rtcnn_perception.exceptions import ImageFormatError

pytestmark = pytest.mark.usefixtures('own_ros')

COMMAND = [sys.executable, '-m', 'rtcnn_perception.cli', 'run']
DRIVER = (
    'import sys; from rtcnn_perception.nodes.camera_node import main; sys.exit(main())',
    '--ros-args',
    '-p',
    'source:=builtin',
    '-r',
    '__node:=driver',
    '-r',
    'faces/image:=/camera/image_raw',
)
DEADLINE = 60.0
"""Seconds for what should take a few: only a failure takes longer."""


def count_frames(path: Path) -> int:
    capture = cv2.VideoCapture(str(path))
    frames = 0
    while capture.grab():
        frames += 1
    return frames


@pytest.fixture
def process(tmp_path):
    """Return a function that starts ``run`` as a process; it is ended after the test."""
    started = []

    def start(*words):
        process = subprocess.Popen(
            [*COMMAND, '--output', str(tmp_path), *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_it_tells_who_is_seen_and_leaves_a_video_and_a_picture(tmp_path, capfd):
    assert cli.main(['run', '--duration', '1.5', '--output', str(tmp_path)]) == 0
    out = capfd.readouterr().out
    assert re.search(r' s  face 1: (woman|man) [01]\.\d\d, \w+ [01]\.\d\d\n', out)
    assert re.search(r'\nstamp to publication +\d+\.\d ms', out)
    counts = re.search(r'(\d+) frames in, (\d+) processed, (\d+) dropped, ([\d.]+) fps', out)
    received, processed, dropped = map(int, counts.groups()[:3])
    assert 0 <= received - processed - dropped <= 3, 'but for those in the nodes at the end'
    assert 'failed' not in out
    assert processed >= 3
    assert '1 track, at most 1 face at once' in out
    # At 30 Hz; on a busy machine the run, and the video with it, may take longer than it was told.
    assert count_frames(tmp_path / 'annotated.mp4') >= 37, (
        'the video keeps time, whatever was dropped'
    )
    picture = cv2.imread(str(tmp_path / 'annotated.png'))
    assert picture.shape == (480, 640, 3)


def test_a_picture_comes_out_with_its_faces_drawn_in(tmp_path, capfd):
    from_clip = tmp_path / 'person.png'
    plain = BuiltinClip().frame(0)
    cv2.imwrite(str(from_clip), plain)
    words = ['run', '--source', str(from_clip), '--duration', '1', '--output', str(tmp_path)]
    assert cli.main([*words, '--no-video', '--no-gender']) == 0
    assert re.search(r'face 1: \w+ [01]\.\d\d\n', capfd.readouterr().out), 'emotion alone'
    drawn = cv2.imread(str(tmp_path / 'annotated.png'))
    changed = (drawn != plain).any(axis=2).mean()
    assert 0.005 < changed < 0.5, 'a box and its words, and not another picture'
    assert not (tmp_path / 'annotated.mp4').exists()


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_run_without_end_ends_well_when_told_to(tmp_path, process, number):
    running = process('--duration', '0')
    line = running.stdout.readline()
    assert 'face 1: ' in line
    running.send_signal(number)
    out, err = running.communicate(timeout=DEADLINE)
    assert running.returncode == 0, err
    assert 'stamp to publication' in out
    assert count_frames(tmp_path / 'annotated.mp4') > 0
    assert (tmp_path / 'annotated.png').is_file()
    assert 'Traceback' not in err


def test_a_topic_is_watched(tmp_path, process):
    driver = subprocess.Popen([sys.executable, '-c', *DRIVER], stderr=subprocess.DEVNULL)
    try:
        running = process('--source', 'topic:/camera/image_raw', '--duration', '2')
        out, err = running.communicate(timeout=DEADLINE)
    finally:
        driver.kill()
        driver.wait()
    assert running.returncode == 0, err
    assert 'face 1: ' in out
    assert 'camera to pipeline' in out
    assert count_frames(tmp_path / 'annotated.mp4') > 0


def test_a_topic_on_which_nothing_comes_is_named(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(module, 'PATIENCE_S', 0.5)
    words = ['run', '--source', 'topic:/nobody', '--duration', '1', '--output', str(tmp_path)]
    assert cli.main(words) == 1
    err = capfd.readouterr().err
    assert 'no frame came from topic:/nobody' in err


@pytest.mark.parametrize(
    ('words', 'reason'),
    [
        (['--source', 'nowhere.mp4'], "there is no source 'nowhere.mp4'"),
        (['--source', '/dev/video987'], 'there is no camera /dev/video987'),
        (['--detector', 'eyes'], "'eyes'"),
        (['--detector', 'yunet', '--detector-model', 'nowhere.onnx'], 'nowhere.onnx'),
        (['--params', 'nowhere.yaml'], 'nowhere.yaml'),
        (['--source', 'topic:/camera/image raw'], "'/camera/image raw' is no name of a topic"),
        (['--output', '/dev/null/out'], 'cannot write /dev/null/out'),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(tmp_path, capfd, words, reason):
    assert cli.main(['run', '--output', str(tmp_path), '--duration', '1', *words]) == 1
    complaints = [
        line for line in capfd.readouterr().err.splitlines() if not line.startswith('[INFO]')
    ]
    assert len(complaints) == 1
    assert complaints[0].startswith('rtcnn_perception: ')
    assert reason in complaints[0]


def test_a_broken_file_is_refused_without_what_the_decoder_says(tmp_path, process):
    path = tmp_path / 'broken.mp4'
    path.write_bytes(b'neither a picture nor a video')
    running = process('--source', str(path))
    _, err = running.communicate(timeout=DEADLINE)
    assert running.returncode == 1
    assert len(err.splitlines()) == 1
    assert f'rtcnn_perception: {path} cannot be decoded as a video or a picture' in err


def test_damaged_pictures_of_a_folder_are_told_of_at_the_end(tmp_path, capfd):
    folder = tmp_path / 'pictures'
    folder.mkdir()
    (folder / '2.png').write_bytes(b'broken')
    cv2.imwrite(str(folder / '1.png'), BuiltinClip().frame(0))
    words = ['run', '--source', str(folder), '--output', str(tmp_path / 'out'), '--no-video']
    assert cli.main(words) == 0
    out = capfd.readouterr().out
    assert out.count('passed over: ') == 1
    assert '\npassed over: 2.png (damaged, or of an unknown format)\n' in out


def test_frames_that_fail_are_counted(tmp_path, monkeypatch, capfd):
    whole = ClassificationStage.process
    numbers = itertools.count()

    def fail_at_times(*args):
        if next(numbers) % 3 == 1:
            raise ImageFormatError('an image that nobody can judge')
        return whole(*args)

    monkeypatch.setattr(ClassificationStage, 'process', fail_at_times)
    picture = tmp_path / 'person.png'
    cv2.imwrite(str(picture), BuiltinClip().frame(0))
    words = ['run', '--source', str(picture), '--duration', '1', '--output', str(tmp_path)]
    assert cli.main(words) == 0
    assert re.search(r'\n[1-9]\d* failed\n', capfd.readouterr().out)


def test_whoever_reads_along_may_stop_reading(process):
    running = process('--duration', '0')
    assert 'face 1: ' in running.stdout.readline()
    running.stdout.close()
    running.stdout = None
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=DEADLINE)
    assert 'Traceback' not in err
    assert 'BrokenPipeError' not in err
    assert running.returncode == cli.EXIT_PIPE
