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

"""
The command line ``rtcnn_perception``: one module of ``rtcnn_perception.commands`` per command.

Such a module has ``configure(parser)``, which adds its options, and ``execute(args)``, which
returns the exit code. It is imported only when its command is given.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from collections.abc import Sequence
import importlib
import os
import shlex
import signal
import sys
import traceback
from types import FrameType
from types import ModuleType

from rtcnn_perception import __version__
from rtcnn_perception import process
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.exceptions import IncompleteError
from rtcnn_perception.exceptions import PerceptionError
from rtcnn_perception.install_hints import install_hint
from rtcnn_perception.one_line import bounded
from rtcnn_perception.paths import is_text

PROGRAM = 'rtcnn_perception'

COMMANDS: Mapping[str, str] = {
    'run': 'run all nodes on a source, with a log and a video',
    'bench': 'measure the pipeline beside the original implementation',
    'fetch': 'download the model of a detector that others publish',
    'train': 'train a network from a configuration file',
    'evaluate': 'evaluate a model on data, with a report',
    'export': 'write a trained network as ONNX, with its card',
    'adapt': 'make a model folder of a graph that others trained',
    'saliency-graph': 'write the saliency graph of a model',
    'explain': 'draw saliency maps of pictures and of data',
}
"""All commands, with a line about each; the module is the name with underscores."""

EXIT_ERROR = 1
EXIT_INCOMPLETE = 3
EXIT_PIPE = process.EXIT_SIGNAL + signal.SIGPIPE
EXIT_CODES = (
    f'Exit codes: 0: all was done; {EXIT_ERROR}: an error; 2: wrong usage; {EXIT_INCOMPLETE}: '
    'done, but for what the last line names; 128+: ended by a signal.'
)

MOST_SHOWN = 4000
"""Characters of a message that are shown; lists of what is known may be long."""

HANDLED_WITHIN = 3.0
"""Seconds after a signal in which a command must begin to end, or is blocked by a call."""


class Ended(BaseException):
    """SIGTERM or SIGHUP, raised so that whatever is open is closed, and children are ended."""


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run the command that ``arguments`` name.

    :param arguments: without the program's name; None for those of the process, which then ends
    :returns: one of the exit codes that ``--help`` lists; wrong usage ends in a ``SystemExit`` of
        2, as argparse has it
    """
    if arguments is not None:
        return _run([*arguments])
    if not process.open_standard_streams():
        print(f'{PROGRAM}: standard output is closed; use > /dev/null', file=sys.stderr)
        process.leave(EXIT_ERROR)
    process.handle_end_signals(_end)
    process.end_at_latest(HANDLED_WITHIN, unless_handled=True)
    return process.leave_after(lambda: _run(sys.argv[1:]))


def _end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - Python's signature
    raise KeyboardInterrupt if number == signal.SIGINT else Ended(number)


def _run(words: list[str]) -> int:
    is_debugging = '--debug' in words
    try:
        _check_words(words)
        command, args = _parse(words)
        code = int(command.execute(args))
        sys.stdout.flush()
    except PerceptionError as error:
        if not isinstance(error, IncompleteError):
            return _fail(str(error), is_debugging)
        _fail(f'incomplete: {error}', is_debugging)
        code = EXIT_INCOMPLETE
    except ModuleNotFoundError as error:
        hint = install_hint(error)
        if hint is None:
            raise
        return _fail(hint, is_debugging)
    except (KeyboardInterrupt, Ended) as ended:
        return process.EXIT_SIGNAL + int(ended.args[0] if ended.args else signal.SIGINT)
    except BrokenPipeError:
        # The reader, such as `head`, has closed the pipe. What is still to be written at the end
        # of the process must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_PIPE
    except OSError as error:  # a full disk or a closed terminal, wherever it is met
        where = f' {error.filename}' if error.filename else ''
        return _fail(f'cannot read or write{where}: {error.strerror or error}', is_debugging)
    return code


def _check_words(words: Sequence[str]) -> None:
    for word in words:
        if not is_text(word):
            raise ConfigurationError(f'{word!r} is no UTF-8, as names of files need; rename it')


def _parse(words: Sequence[str]) -> tuple[ModuleType, argparse.Namespace]:
    anywhere = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    anywhere.add_argument('--debug', action='store_true', help='show the traceback of an error')
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        parents=[anywhere],
        allow_abbrev=False,
        description="Real-time CNNs for a robot's camera: find faces, track them, and classify "
        'their attributes.',
        epilog=f'`{PROGRAM} COMMAND --help` lists the options of a command. {EXIT_CODES}',
    )
    parser.add_argument('--version', action='version', version=f'{PROGRAM} {__version__}')
    commands = parser.add_subparsers(dest='command', metavar='COMMAND', required=True)
    parsers = {
        name: commands.add_parser(name, help=line, parents=[anywhere], allow_abbrev=False)
        for name, line in COMMANDS.items()
    }
    name = next((word for word in words if not word.startswith('-')), '')
    module = None
    if name in COMMANDS:
        module = importlib.import_module(f'rtcnn_perception.commands.{name.replace("-", "_")}')
        module.configure(parsers[name])
    args = parser.parse_args(words)
    args.command_line = shlex.join([PROGRAM, *words])  # for reports and cards
    if module is None:
        raise AssertionError('argparse let a call without a command pass')
    return module, args


def _fail(message: str, is_debugging: bool) -> int:
    if is_debugging:
        traceback.print_exc()
    # A message may quote a file that others made.
    line = bounded(' '.join(message.split()), MOST_SHOWN)
    print(f'{PROGRAM}: {line}', file=sys.stderr)
    return EXIT_ERROR


if __name__ == '__main__':
    sys.exit(main())
