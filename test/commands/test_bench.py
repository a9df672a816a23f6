import argparse
import json

import pytest
from rtcnn_perception.commands import bench
from rtcnn_perception.commands.benchmark import machine
from rtcnn_perception.commands.benchmark.inputs import find_inputs
from rtcnn_perception.commands.benchmark.sections import Section
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.exceptions import PerceptionError


def parse(*words):
    parser = argparse.ArgumentParser()
    bench.configure(parser)
    return parser.parse_args(words)


@pytest.fixture
def parts(monkeypatch):
    """Stand in for the measuring; what each part was given is returned."""
    given = []

    def part(inputs, effort, tell):
        given.append((inputs, effort))
        tell('measuring', 0.5)
        return Section('Steps', ('step', 'ms'), (('track', '0.3'),))

    monkeypatch.setattr(bench, 'CORE_PARTS', {'steps': part, 'ways': part})
    return given


def test_all_parts_are_measured_unless_some_are_named():
    assert parse().parts == bench.PARTS
    assert parse('--parts', 'steps, clips').parts == ('steps', 'clips')


def test_an_unknown_part_is_refused_with_those_there_are(capsys):
    with pytest.raises(SystemExit) as stop:
        parse('--parts', 'steps,speed')
    assert stop.value.code == 2
    assert "no part 'speed'; known are clips, latency" in capsys.readouterr().err


def test_the_results_are_printed_and_written(tmp_path, parts, capsys):
    args = parse(
        '--parts', 'steps', '--output', str(tmp_path / 'out'), '--markdown', str(tmp_path / 'b.md')
    )
    assert bench.execute(args) == 0
    assert 'track  0.3' in capsys.readouterr().out
    report = json.loads((tmp_path / 'out' / 'bench.json').read_text())
    assert report['sections']['steps']['rows'] == [['track', '0.3']]
    assert report['machine']['cores']
    assert report['effort']['repeats'] == 3
    assert '| track | 0.3 |' in (tmp_path / 'b.md').read_text()
    assert len(parts) == 1


@pytest.mark.parametrize(
    ('words', 'repeats', 'seconds'),
    [
        ((), 3, 20.0),
        (('--quick',), 1, 4.0),
        (('--quick', '--repeats', '2'), 2, 4.0),
        (('--seconds', '1.5'), 3, 1.5),
    ],
)
def test_how_long_it_measures(tmp_path, parts, words, repeats, seconds):
    bench.execute(parse('--parts', 'ways', '--output', str(tmp_path), *words))
    assert (parts[0][1].repeats, parts[0][1].seconds) == (repeats, seconds)


@pytest.mark.usefixtures('parts')
@pytest.mark.parametrize('words', ['--repeats 0', '--seconds -2', '--soak-frames 2'])
def test_efforts_that_make_no_sense_are_refused(tmp_path, words):
    with pytest.raises(PerceptionError, match='above 0'):
        bench.execute(parse('--parts', 'ways', '--output', str(tmp_path), *words.split()))


def test_inputs_are_found_beside_the_data(tmp_path, monkeypatch):
    monkeypatch.setenv('RTCNN_BASELINES', '')
    data = tmp_path / 'data'
    (data / 'video').mkdir(parents=True)
    (data / 'video' / 'book.mkv').write_bytes(b'')
    yunet = tmp_path / 'baselines' / 'yunet' / 'face_detection_yunet_2023mar.onnx'
    yunet.parent.mkdir(parents=True)
    yunet.write_bytes(b'')
    inputs = find_inputs(data, None, tmp_path / 'models')
    assert inputs.yunet == yunet.resolve()
    assert [clip.name for clip in inputs.clips] == ['book.mkv']
    assert inputs.one_face.endswith('book.mkv')
    assert inputs.detectors == ('rtcnn', 'yunet', 'haar')
    assert inputs.left_out == ()
    assert inputs.parameters()['detector.name'] == 'rtcnn'
    assert inputs.parameters()['detector.model_path'] == str(tmp_path / 'models' / 'face')
    assert inputs.parameters('yunet')['detector.model_path'] == str(yunet.resolve())
    assert inputs.parameters('haar')['detector.model_path'] == ''
    assert inputs.parameters()['emotion.model_path'] == str(tmp_path / 'models' / 'emotion')


def test_without_data_the_builtin_clip_stands_in_and_yunet_is_left_out(tmp_path, monkeypatch):
    monkeypatch.setenv('RTCNN_BASELINES', str(tmp_path))
    monkeypatch.setenv('XDG_DATA_HOME', str(tmp_path))
    monkeypatch.setattr(
        'rtcnn_perception.commands.benchmark.inputs.models_search_path', lambda: (tmp_path,)
    )
    monkeypatch.setenv('RTCNN_DATA', str(tmp_path / 'nothing'))
    inputs = find_inputs(None, None, None)
    assert inputs.yunet is None
    assert inputs.clips == ()
    assert inputs.one_face == 'builtin'
    assert inputs.detectors == ('rtcnn', 'haar')
    assert 'fetch-yunet' in inputs.left_out[0]
    assert 'built-in' in inputs.stand_ins[0]


@pytest.mark.parametrize('name', ['nothing', 'x' * 300])
def test_a_file_or_folder_that_is_not_there_is_named(tmp_path, name):
    with pytest.raises(ConfigurationError, match=f'there is no file .*{name}'):
        find_inputs(None, tmp_path / name, None)
    with pytest.raises(ConfigurationError, match=f'there is no folder .*{name}'):
        find_inputs(tmp_path / name, None, None)


@pytest.mark.parametrize(
    ('words', 'option'),
    [
        (['--output', '/dev/null/x'], '--output'),
        (['--output', '{folder}', '--markdown', '/dev/null/x.md'], '--markdown'),
        (['--output', '{folder}', '--markdown', '{folder}'], '--markdown'),
    ],
)
def test_what_cannot_be_written_is_refused_before_anything_is_measured(
    tmp_path, parts, words, option
):
    words = [word.format(folder=tmp_path) for word in words]
    with pytest.raises(PerceptionError, match=f'cannot write .*{option}'):
        bench.execute(parse('--parts', 'steps', *words))
    assert parts == []


def test_the_bar_goes_on_over_the_parts(tmp_path, parts, monkeypatch):
    shares = []
    monkeypatch.setattr(bench.Progress, 'show', lambda *_, share, **__: shares.append(share))
    bench.execute(parse('--parts', 'steps,ways', '--output', str(tmp_path)))
    assert shares == [0.25, 0.75]
    assert len(parts) == 2


@pytest.mark.parametrize(
    ('version', 'expected'), [('3.3.16', 'humble'), ('7.1.6', 'jazzy'), ('99.0', 'not named')]
)
def test_a_distribution_that_nothing_names_is_known_by_its_rclpy(monkeypatch, version, expected):
    monkeypatch.delenv('ROS_DISTRO', raising=False)
    monkeypatch.setattr(machine.metadata, 'version', lambda _: version)
    assert machine.describe()['ROS distribution'] == expected
    monkeypatch.setenv('ROS_DISTRO', 'rolling')
    assert machine.describe()['ROS distribution'] == 'rolling'
