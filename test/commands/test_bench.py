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

import argparse
import json
import resource

import pytest
from rtcnn_perception.commands import bench
from rtcnn_perception.commands.benchmark.sections import Section
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.exceptions import IncompleteError
from rtcnn_perception.exceptions import PerceptionError


def parse(*words):
    parser = argparse.ArgumentParser()
    bench.configure(parser)
    args = parser.parse_args(words)
    args.command_line = 'rtcnn_perception bench --parts steps'
    return args


@pytest.fixture
def parts(monkeypatch):
    """Replace the measurements; return a list of what each part is given."""
    given = []

    def part(inputs, config, report_progress):
        given.append((inputs, config))
        report_progress('measuring', 0.5)
        return Section('Steps', ('step', 'ms'), (('track', '0.3'),))

    monkeypatch.setattr(bench, 'CORE_PARTS', {'steps': part, 'strategies': part})
    return given


def test_all_parts_are_measured_unless_some_are_named():
    assert parse().parts == bench.PARTS
    assert parse('--parts', 'steps, clips').parts == ('steps', 'clips')


def test_an_unknown_part_is_refused_with_those_that_exist(capsys):
    with pytest.raises(SystemExit) as stop:
        parse('--parts', 'steps,speed')
    assert stop.value.code == 2
    assert "no part 'speed'; known are clips, latency" in capsys.readouterr().err


@pytest.mark.parametrize('text', ['', ' ,'])
def test_no_part_at_all_is_refused(text, capsys):
    with pytest.raises(SystemExit) as stop:
        parse('--parts', text)
    assert stop.value.code == 2
    assert 'no part is named; known are clips' in capsys.readouterr().err


def test_the_results_are_printed_and_written(tmp_path, parts, capsys):
    args = parse(
        '--parts', 'steps', '--output', str(tmp_path / 'out'), '--markdown', str(tmp_path / 'b.md')
    )
    assert bench.execute(args) == 0
    assert 'track  0.3' in capsys.readouterr().out
    report = json.loads((tmp_path / 'out' / 'bench.json').read_text())
    assert report['sections']['steps']['rows'] == [['track', '0.3']]
    assert report['machine']['cores']
    assert report['command'] == args.command_line
    assert report['config']['repeats'] == 3
    assert '| track | 0.3 |' in (tmp_path / 'b.md').read_text()
    assert len(parts) == 1


@pytest.mark.usefixtures('parts')
def test_a_full_disk_is_an_error_in_one_line_and_keeps_the_report_of_before(tmp_path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    (tmp_path / 'bench.json').write_text('of before')
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        with pytest.raises(PerceptionError, match=r'bench\.json is not written: File too large'):
            bench.execute(parse('--parts', 'steps', '--output', str(tmp_path)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (tmp_path / 'bench.json').read_text() == 'of before'


@pytest.mark.usefixtures('parts')
def test_a_part_that_is_not_measured_is_missing(tmp_path, monkeypatch):
    absent = {**bench.CORE_PARTS, 'detectors': lambda *_: Section('Detectors', skipped='no data')}
    monkeypatch.setattr(bench, 'CORE_PARTS', absent)
    words = ['--parts', 'steps,detectors', '--output', str(tmp_path)]
    with pytest.raises(IncompleteError, match=r'^detectors is not measured: no data$'):
        bench.execute(parse(*words))
    sections = json.loads((tmp_path / 'bench.json').read_text())['sections']
    assert sections['steps']['rows'] == [['track', '0.3']]


@pytest.mark.usefixtures('parts')
def test_a_part_that_fails_does_not_take_the_others_with_it(tmp_path, monkeypatch):
    def fail(*_):
        raise PerceptionError('a node ended')

    monkeypatch.setattr(bench, 'CORE_PARTS', {**bench.CORE_PARTS, 'detectors': fail})
    words = ['--parts', 'steps,detectors,strategies', '--output', str(tmp_path)]
    with pytest.raises(IncompleteError, match=r'^detectors is not measured: a node ended$'):
        bench.execute(parse(*words))
    sections = json.loads((tmp_path / 'bench.json').read_text())['sections']
    assert [len(each['rows']) for each in sections.values()] == [1, 0, 1]


@pytest.mark.parametrize(
    ('words', 'repeats', 'seconds'),
    [
        ((), 3, 20.0),
        (('--quick',), 1, 4.0),
        (('--quick', '--repeats', '2'), 2, 4.0),
        (('--seconds', '1.5'), 3, 1.5),
    ],
)
def test_options_choose_how_long_it_measures(tmp_path, parts, words, repeats, seconds):
    bench.execute(parse('--parts', 'strategies', '--output', str(tmp_path), *words))
    assert (parts[0][1].repeats, parts[0][1].seconds) == (repeats, seconds)


@pytest.mark.usefixtures('parts')
@pytest.mark.parametrize(
    ('words', 'message'),
    [
        ('--repeats 0', '--repeats must be at least 1, got 0'),
        ('--seconds -2', '--seconds must be a number above 0, got -2'),
        ('--seconds nan', 'above 0, got nan'),
        ('--seconds inf', 'above 0, got inf'),
        ('--soak-frames 2', '--soak-frames must be at least 3, got 2'),
    ],
)
def test_impossible_lengths_are_refused(tmp_path, words, message):
    with pytest.raises(ConfigurationError, match=message):
        bench.execute(parse('--parts', 'strategies', '--output', str(tmp_path), *words.split()))


@pytest.mark.parametrize(
    ('words', 'detectors', 'attributes'),
    [
        ((), 'rtcnn', ('emotion', 'gender')),
        (('--detectors', 'haar, rtcnn'), 'haar', ('emotion', 'gender')),
        (('--attributes', 'gender'), 'rtcnn', ('gender',)),
        (('--attributes', ''), 'rtcnn', ()),
    ],
)
def test_detectors_and_attributes_are_handed_to_the_parts(
    tmp_path, parts, words, detectors, attributes
):
    bench.execute(parse('--parts', 'steps', '--output', str(tmp_path), *words))
    inputs, _ = parts[0]
    assert inputs.detectors[0].name == detectors
    assert inputs.attributes == attributes


def test_an_unknown_detector_is_refused_before_anything_is_measured(tmp_path, parts):
    with pytest.raises(ConfigurationError, match="got 'eyes'"):
        bench.execute(parse('--detectors', 'eyes', '--output', str(tmp_path)))
    assert parts == []


@pytest.mark.parametrize(
    ('words', 'option'),
    [
        (['--output', '/dev/null/x'], '--output'),
        (['--output', '{folder}', '--markdown', '/dev/null/x.md'], '--markdown'),
        (['--output', '{folder}', '--markdown', '{folder}'], '--markdown'),
    ],
)
def test_a_file_that_cannot_be_written_is_refused_before_anything_is_measured(
    tmp_path, parts, words, option
):
    words = [word.format(folder=tmp_path) for word in words]
    with pytest.raises(PerceptionError, match=f'cannot write .*{option}'):
        bench.execute(parse('--parts', 'steps', *words))
    assert parts == []


def test_the_progress_bar_covers_all_parts(tmp_path, parts, monkeypatch):
    shares = []
    monkeypatch.setattr(bench.Progress, 'show', lambda *_, share, **__: shares.append(share))
    bench.execute(parse('--parts', 'steps,strategies', '--output', str(tmp_path)))
    assert shares == [0.25, 0.75]
    assert len(parts) == 2


@pytest.mark.usefixtures('parts')
def test_a_part_whose_packages_are_missing_does_not_take_the_others_with_it(tmp_path, monkeypatch):
    def absent(*_):
        raise ModuleNotFoundError("No module named 'rclpy'", name='rclpy')

    monkeypatch.setattr(bench, 'CORE_PARTS', {**bench.CORE_PARTS, 'detectors': absent})
    words = ['--parts', 'detectors,steps', '--output', str(tmp_path)]
    with pytest.raises(
        IncompleteError, match=r'^detectors is not measured: rclpy is not installed'
    ):
        bench.execute(parse(*words))
    sections = json.loads((tmp_path / 'bench.json').read_text())['sections']
    assert sections['steps']['rows'] == [['track', '0.3']]


def test_the_document_does_not_replace_the_figures(tmp_path, parts):
    words = ['--output', str(tmp_path), '--markdown', str(tmp_path / 'bench.json')]
    with pytest.raises(ConfigurationError, match=r'--markdown must not be .*bench\.json'):
        bench.execute(parse('--parts', 'steps', *words))
    assert parts == []
    assert not list(tmp_path.iterdir())
