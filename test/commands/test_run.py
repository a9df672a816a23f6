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

"""The command ``run`` from end to end: the real nodes, with the models of the package."""

import itertools
from pathlib import Path
import re
import resource
import signal
import subprocess
import sys

import cv2
import numpy as np
from own_detector import ROW
from own_detector import write_level
import pytest
from rtcnn_perception import cli
from rtcnn_perception.commands import run as module
from rtcnn_perception.core.detection.registry import DETECTORS
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
"""Seconds for what takes a few: only a failure takes longer."""


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

    def start(*words, **options):
        process = subprocess.Popen(
            [*COMMAND, '--output', str(tmp_path), *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_nodes_are_started_whatever_the_parameter_file_says(tmp_path):
    waiting = tmp_path / 'waiting.yaml'
    waiting.write_text('/**:\n  ros__parameters:\n    autostart: false\n')
    words = ['run', '--params', str(waiting), '--duration', '0.5', '--output', str(tmp_path)]
    assert cli.main([*words, '--no-video']) == 0


def test_a_run_logs_its_faces_and_writes_a_video_and_a_picture(tmp_path, capfd):
    assert cli.main(['run', '--duration', '1.5', '--output', str(tmp_path)]) == 0
    out = capfd.readouterr().out
    assert re.search(r' s  face 1: \w+ [01]\.\d\d, (woman|man) [01]\.\d\d\n', out)
    assert re.search(r'\nstamp to publication +\d+\.\d ms', out)
    counts = re.search(r'(\d+) frames in, (\d+) processed, (\d+) dropped, ([\d.]+) fps', out)
    received, processed, dropped = map(int, counts.groups()[:3])
    assert 0 <= received - processed - dropped <= 3, 'except those in the nodes at the end'
    assert 'failed' not in out
    assert processed >= 3
    assert '1 track, at most 1 face at once' in out
    # At 30 Hz; on a busy machine the run, and the video with it, may take longer.
    assert count_frames(tmp_path / 'annotated.mkv') >= 37, (
        'the video keeps time, whatever was dropped'
    )
    picture = cv2.imread(str(tmp_path / 'annotated.png'))
    assert picture.shape == (480, 640, 3)


def test_a_picture_is_written_with_its_faces_drawn_in(tmp_path, capfd):
    from_clip = tmp_path / 'person.png'
    plain = BuiltinClip().frame(0)
    cv2.imwrite(str(from_clip), plain)
    words = ['run', '--source', str(from_clip), '--duration', '1', '--output', str(tmp_path)]
    assert cli.main([*words, '--no-video', '--attributes', 'emotion']) == 0
    assert re.search(r'face 1: \w+ [01]\.\d\d\n', capfd.readouterr().out), 'emotion alone'
    drawn = cv2.imread(str(tmp_path / 'annotated.png'))
    changed = (drawn != plain).any(axis=2).mean()
    assert 0.005 < changed < 0.5, 'a box and its caption, and not another picture'
    assert not (tmp_path / 'annotated.mkv').exists()


def test_without_attributes_nothing_is_classified_and_log_and_table_report_it(tmp_path, capfd):
    picture = tmp_path / 'person.png'
    cv2.imwrite(str(picture), BuiltinClip().frame(0))
    words = ['run', '--source', str(picture), '--duration', '1', '--output', str(tmp_path)]
    assert cli.main([*words, '--no-video', '--attributes', '']) == 0
    out, err = capfd.readouterr()
    assert 'classifying no attribute' in err
    assert re.search(r' s  face 1: no attributes\n', out)
    assert re.search(r'\n  face 1: tracked from \d\.\d to \d\.\d s, no attributes\n', out)


def test_a_detector_that_is_not_part_of_the_package_runs_by_its_row(tmp_path, monkeypatch, capfd):
    monkeypatch.setitem(DETECTORS, ROW.name, ROW)
    picture = np.zeros((240, 320, 3), np.uint8)
    picture[60:160, 100:180] = 255
    cv2.imwrite(str(tmp_path / 'bright.png'), picture)
    model = write_level(tmp_path / 'model.level')
    words = ['run', '--source', str(tmp_path / 'bright.png'), '--duration', '1', '--no-video']
    words += ['--output', str(tmp_path), '--attributes', '', '--detector', f'bright={model}']
    assert cli.main(words) == 0
    out, err = capfd.readouterr()
    assert 'the detector is bright (level 100), as configured' in err
    assert '1 track, at most 1 face at once' in out


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_run_without_end_ends_cleanly_on_a_signal(tmp_path, process, number):
    running = process('--duration', '0')
    line = running.stdout.readline()
    assert 'face 1: ' in line
    running.send_signal(number)
    out, err = running.communicate(timeout=DEADLINE)
    assert running.returncode == 0, err
    assert 'stamp to publication' in out
    assert count_frames(tmp_path / 'annotated.mkv') > 0
    assert (tmp_path / 'annotated.png').is_file()
    assert 'Traceback' not in err


def test_a_topic_is_processed(tmp_path, process):
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
    assert count_frames(tmp_path / 'annotated.mkv') > 0


def test_a_topic_without_images_is_refused_by_name(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(module, 'PATIENCE_S', 0.5)
    words = ['run', '--source', 'topic:/silent', '--duration', '1', '--output', str(tmp_path)]
    assert cli.main(words) == 1
    err = capfd.readouterr().err
    assert 'no frame came from topic:/silent' in err


@pytest.mark.parametrize(
    ('words', 'reason'),
    [
        (['--source', 'nowhere.mp4'], "there is no source 'nowhere.mp4'"),
        (['--source', '/dev/video987'], 'there is no camera /dev/video987'),
        (['--detector', 'eyes'], "'eyes'"),
        (['--detector', 'yunet=nowhere.onnx'], 'nowhere.onnx'),
        (['--attributes', 'emotion,height'], 'expected a model that classifies height'),
        (['--params', 'nowhere.yaml'], 'nowhere.yaml'),
        (['--source', 'topic:/camera/image raw'], "'/camera/image raw' is no topic name"),
        (['--output', '/dev/null/out'], 'cannot write /dev/null/out'),
    ],
)
def test_an_option_that_cannot_be_used_is_refused_in_one_line(tmp_path, capfd, words, reason):
    assert cli.main(['run', '--output', str(tmp_path), '--duration', '1', *words]) == 1
    errors = [
        line for line in capfd.readouterr().err.splitlines() if not line.startswith('[INFO]')
    ]
    assert len(errors) == 1
    assert errors[0].startswith('rtcnn_perception: ')
    assert reason in errors[0]


def test_a_broken_file_is_refused_without_the_messages_of_the_decoder(tmp_path, process):
    path = tmp_path / 'broken.mp4'
    path.write_bytes(b'neither a picture nor a video')
    running = process('--source', str(path))
    _, err = running.communicate(timeout=DEADLINE)
    assert running.returncode == 1
    assert len(err.splitlines()) == 1
    assert f'rtcnn_perception: {path} cannot be decoded as a video or a picture' in err


def test_damaged_pictures_of_a_folder_are_listed_at_the_end(tmp_path, capfd):
    folder = tmp_path / 'pictures'
    folder.mkdir()
    (folder / '2.png').write_bytes(b'broken')
    cv2.imwrite(str(folder / '1.png'), BuiltinClip().frame(0))
    words = ['run', '--source', str(folder), '--output', str(tmp_path / 'out'), '--no-video']
    assert cli.main(words) == cli.EXIT_INCOMPLETE
    out, err = capfd.readouterr()
    assert out.count('skipped: ') == 1
    assert '\nskipped: 2.png (damaged, or of an unknown format)\n' in out
    assert re.search(r'\nrtcnn_perception: incomplete: .*2\.png is not read whole', err)


def test_frames_that_fail_are_counted(tmp_path, monkeypatch, capfd):
    whole = ClassificationStage.process
    numbers = itertools.count()

    def fail_every_third(*args):
        if next(numbers) % 3 == 1:
            raise ImageFormatError('an image that cannot be used')
        return whole(*args)

    monkeypatch.setattr(ClassificationStage, 'process', fail_every_third)
    picture = tmp_path / 'person.png'
    cv2.imwrite(str(picture), BuiltinClip().frame(0))
    words = ['run', '--source', str(picture), '--duration', '1', '--output', str(tmp_path)]
    assert cli.main(words) == cli.EXIT_INCOMPLETE
    out, err = capfd.readouterr()
    assert re.search(r'\n[1-9]\d* failed\n', out)
    assert re.search(r'incomplete: [1-9]\d* errors? in the nodes', err)


def test_frames_that_all_fail_are_not_said_not_to_have_come(tmp_path, monkeypatch, capfd):
    def fail(*_):
        raise ImageFormatError('an image that cannot be used')

    monkeypatch.setattr(ClassificationStage, 'process', fail)
    monkeypatch.setattr(module, 'PATIENCE_S', 0.5)
    assert cli.main(['run', '--duration', '1', '--output', str(tmp_path)]) == 1
    assert re.search(r'\d+ frames? came from builtin, of which none', capfd.readouterr().err)


def test_a_reader_of_the_output_may_close_the_pipe(process):
    running = process('--duration', '0')
    assert 'face 1: ' in running.stdout.readline()
    running.stdout.close()
    running.stdout = None
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=DEADLINE)
    assert 'Traceback' not in err
    assert 'BrokenPipeError' not in err
    assert running.returncode == cli.EXIT_PIPE


def test_a_video_that_cannot_be_written_whole_is_named_and_the_picture_is_written(
    tmp_path, process
):
    # A limit of the size of files, as of `ulimit -f`; what is not written is reported alike where
    # the disk is full. The limit is for this process, and those that it starts.
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))

    running = process('--duration', '4', '--attributes', '', preexec_fn=limit)
    out, err = running.communicate(timeout=DEADLINE)
    assert running.returncode == cli.EXIT_INCOMPLETE, err
    found = re.search(r'incomplete: .*annotated\.mkv has (\d+) of (\d+) frames', err)
    assert 0 < int(found[1]) < int(found[2])
    assert count_frames(tmp_path / 'annotated.mkv') == int(found[1])
    assert f'written: {tmp_path}/annotated.png\n' in out
    assert 'Failed to write frame' not in err
