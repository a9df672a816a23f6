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

"""Tests of the command line itself; each command has tests of its own."""

import errno
import signal
import subprocess
import sys
import types

import pytest
from rtcnn_perception import __version__
from rtcnn_perception import cli
from rtcnn_perception.exceptions import IncompleteError
from rtcnn_perception.exceptions import ModelError


@pytest.fixture
def command(monkeypatch):
    """Return a function that replaces the command ``bench``."""

    def replace(execute, configure=lambda _: None):
        module = types.SimpleNamespace(configure=configure, execute=execute)
        monkeypatch.setitem(sys.modules, 'rtcnn_perception.commands.bench', module)

    return replace


def test_no_command_is_wrong_usage(capsys):
    with pytest.raises(SystemExit) as exit_:
        cli.main([])
    assert exit_.value.code == 2
    assert 'COMMAND' in capsys.readouterr().err


def test_an_unknown_command_is_wrong_usage_naming_those_that_exist(capsys):
    with pytest.raises(SystemExit) as exit_:
        cli.main(['dance'])
    assert exit_.value.code == 2
    err = capsys.readouterr().err
    assert 'dance' in err
    assert all(name in err for name in cli.COMMANDS)


def test_help_lists_every_command(capsys):
    with pytest.raises(SystemExit) as exit_:
        cli.main(['--help'])
    assert exit_.value.code == 0
    out = capsys.readouterr().out
    assert all(name in out for name in cli.COMMANDS)


def test_version_is_the_package_version(capsys):
    with pytest.raises(SystemExit) as exit_:
        cli.main(['--version'])
    assert exit_.value.code == 0
    assert capsys.readouterr().out.split() == ['rtcnn_perception', __version__]


@pytest.mark.parametrize('name', cli.COMMANDS)
def test_every_command_has_help_that_needs_neither_ros_nor_torch(name):
    code = (
        'import sys\n'
        'for absent in ("rclpy", "torch", "onnx"): sys.modules[absent] = None\n'
        'from rtcnn_perception import cli\n'
        f'cli.main([{name!r}, "--help"])\n'
    )
    done = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, '')
    assert f'rtcnn_perception {name}' in done.stdout


def test_the_code_a_command_returns_is_the_exit_code(command):
    command(lambda _: 7)
    assert cli.main(['bench']) == 7


def test_work_that_lacks_something_has_an_exit_code_of_its_own(command, capsys):
    def execute(_):
        raise IncompleteError('2 of 3 pictures')

    command(execute)
    assert cli.main(['bench']) == cli.EXIT_INCOMPLETE == 3
    assert capsys.readouterr().err == 'rtcnn_perception: incomplete: 2 of 3 pictures\n'


def test_help_lists_the_exit_codes(capsys):
    with pytest.raises(SystemExit):
        cli.main(['--help'])
    assert '3: done, but for what the last line names' in ' '.join(capsys.readouterr().out.split())


def test_a_command_gets_its_own_options(command):
    values = []

    def execute(args):
        values.append(args.faces)
        return 0

    command(execute, lambda parser: parser.add_argument('--faces', type=int))
    assert cli.main(['bench', '--faces', '4']) == 0
    assert values == [4]


def test_an_error_is_one_line_and_exit_code_one(command, capsys):
    def execute(_):
        raise ModelError('no model at models/x:\nexpected model.onnx; train one')

    command(execute)
    assert cli.main(['bench']) == 1
    captured = capsys.readouterr()
    assert captured.out == ''
    assert captured.err == (
        'rtcnn_perception: no model at models/x: expected model.onnx; train one\n'
    )


def test_an_error_shows_what_a_file_says_escaped_and_cut(command, capsys):
    def execute(_):
        raise ModelError(f'the class \x1b[31m{"x" * 2**20}\x00 is unknown; rename it')

    command(execute)
    assert cli.main(['bench']) == 1
    line = capsys.readouterr().err
    assert line.startswith('rtcnn_perception: the class \\x1b[31mxxx')
    assert line.endswith('xxx\\x00 is unknown; rename it\n')
    assert len(line) < 5000


@pytest.mark.parametrize('words', [['--debug', 'bench'], ['bench', '--debug']])
def test_debug_shows_the_traceback_before_or_after_the_command(command, capsys, words):
    def execute(_):
        raise ModelError('no model')

    command(execute)
    assert cli.main(words) == 1
    err = capsys.readouterr().err
    assert 'Traceback' in err
    assert err.endswith('rtcnn_perception: no model\n')


@pytest.mark.parametrize('absent', ['rclpy', 'torch', 'rtcnn_perception.msg', 'onnx.checker'])
def test_a_missing_module_is_named_with_what_to_do(command, capsys, absent):
    def execute(_):
        raise ModuleNotFoundError(f'No module named {absent!r}', name=absent)

    command(execute)
    assert cli.main(['bench']) == 1
    err = capsys.readouterr().err
    assert err.startswith(f'rtcnn_perception: {absent} is not installed: ')
    assert err.count('\n') == 1


def test_a_defect_keeps_its_traceback(command):
    def execute(_):
        raise ModuleNotFoundError('No module named misspelt', name='misspelt')

    command(execute)
    with pytest.raises(ModuleNotFoundError, match='misspelt'):
        cli.main(['bench'])


def test_an_interrupted_command_ends_with_the_exit_code_of_sigint(command):
    def execute(_):
        raise KeyboardInterrupt

    command(execute)
    assert cli.main(['bench']) == 130


def test_a_reader_of_the_output_may_close_the_pipe():
    code = (
        'import sys, types\n'
        'from rtcnn_perception import cli\n'
        'name = "rtcnn_perception.commands.bench"\n'
        'def execute(_):\n'
        '    print("x" * 1_000_000)\n'
        '    return 0\n'
        'sys.modules[name] = types.SimpleNamespace(configure=lambda _: None, execute=execute)\n'
        'sys.exit(cli.main(["bench"]))\n'
    )
    with subprocess.Popen(
        [sys.executable, '-c', code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        process.stdout.close()
        err = process.stderr.read()
    assert (process.returncode, err) == (cli.EXIT_PIPE, '')


def test_the_training_extra_is_installed_from_the_clone(command, capsys):
    def execute(_):
        raise ModuleNotFoundError("No module named 'torch'", name='torch')

    command(execute)
    assert cli.main(['bench']) == 1
    assert "in the clone of the package: pip install '.[training]'" in capsys.readouterr().err


def test_a_command_gets_its_command_line_as_a_shell_takes_it(command):
    given = []
    command(lambda args: given.append(args.command_line) or 0)
    assert cli.main(['bench', '--debug']) == 0
    assert cli.main(['--debug', 'bench']) == 0
    assert given == ['rtcnn_perception bench --debug', 'rtcnn_perception --debug bench']


def test_an_argument_that_is_no_utf_8_is_refused(command, capsys):
    command(lambda _: 0, lambda parser: parser.add_argument('--source'))
    assert cli.main(['bench', '--source', 'v\udcfc.mp4']) == 1
    assert 'is no UTF-8' in capsys.readouterr().err


def test_an_error_of_the_system_is_one_line(command, capsys):
    def execute(_):
        raise OSError(errno.ENOSPC, 'No space left on device')

    command(execute)
    assert cli.main(['bench']) == 1
    expected = 'rtcnn_perception: cannot read or write: No space left on device\n'
    assert capsys.readouterr().err == expected


PRINTS = """
import sys, types
from rtcnn_perception import cli
def execute(_):
    print('v\\udcfc')
    return 0
module = types.SimpleNamespace(configure=lambda _: None, execute=execute)
sys.modules['rtcnn_perception.commands.bench'] = module
sys.argv = ['rtcnn_perception', 'bench']
cli.main()
"""


@pytest.mark.parametrize(
    ('redirection', 'code', 'message'),
    [
        ('>/dev/full', 1, 'rtcnn_perception: cannot read or write: No space left on device\n'),
        ('>&-', 1, 'rtcnn_perception: standard output is closed; use > /dev/null\n'),
        ('<&-', 0, ''),
    ],
)
def test_a_standard_stream_that_is_full_or_closed_is_reported_in_one_line(
    redirection, code, message
):
    done = subprocess.run(
        ['sh', '-c', f'"$0" -c "$1" {redirection}', sys.executable, PRINTS],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (code, message)
    assert code or done.stdout == 'v\\udcfc\n'


WAITS = """
import ctypes, sys, time, types
from rtcnn_perception import cli
def execute(_):
    print('blocked', flush=True)
    mutex = ctypes.create_string_buffer(64)
    {wait}
module = types.SimpleNamespace(configure=lambda _: None, execute=execute)
sys.modules['rtcnn_perception.commands.bench'] = module
sys.argv = ['rtcnn_perception', 'bench']
cli.HANDLED_WITHIN = 0.1
cli.main()
"""


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
@pytest.mark.parametrize('is_blocked', [True, False])
def test_a_signal_ends_a_command_also_where_a_call_does_not_return(number, is_blocked):
    lock = '[ctypes.CDLL(None).pthread_mutex_lock(mutex) for _ in range(2)]'
    code = WAITS.format(wait=lock if is_blocked else 'time.sleep(600)')
    with subprocess.Popen(
        [sys.executable, '-c', code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == 'blocked\n'
        process.send_signal(number)
        _, err = process.communicate(timeout=60.0)
    assert (process.returncode, err) == (128 + number, '')
