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
Make a virtual environment and install pinned requirements into it; what `make` runs.

Usage: environment.py FOLDER REQUIREMENTS.txt...

It uses nothing but Python's own library and says in one line what the machine lacks.
"""

from __future__ import annotations

from collections.abc import Iterator
import importlib.util
import os
from pathlib import Path
import platform
import shutil
import subprocess
import sys
import sysconfig
import time
import venv

OLDEST = (3, 10)
NEWEST = (3, 12)
MACHINES = ('x86_64', 'AMD64')
BAR = 30  # characters


def missing() -> str | None:
    """Say what this machine lacks to build and run the package, None if nothing."""
    return next(_lacks(), None)


def _lacks() -> Iterator[str]:
    version = f'{sys.version_info.major}.{sys.version_info.minor}'
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        yield f'Python 3.10 to 3.12 is needed and {sys.executable} is {version}: make PYTHON=...'
    machine = platform.machine()
    if machine not in MACHINES:
        yield f'the package index has ROS 2 for x86-64 alone, this is {machine}: use colcon'
    if importlib.util.find_spec('ensurepip') is None:
        yield f'python{version} makes no virtual environments: apt install python{version}-venv'
    if os.pathsep in str(Path.cwd()):
        yield f'no environment can be made in a folder with "{os.pathsep}" in its path'
    if not Path(sysconfig.get_path('include'), 'Python.h').is_file():
        yield f'the headers of Python {version} are missing: apt install python{version}-dev'
    if not any(map(shutil.which, (os.environ.get('CXX', 'c++'), 'g++', 'clang++'))):
        yield 'a C++ compiler is needed to build the messages: apt install g++'


def pinned(files: list[Path]) -> int:
    """Count the distinct packages in requirements files, whatever Python they are for."""
    lines = [line for file in files for line in file.read_text(encoding='utf-8').splitlines()]
    return len({line.partition('==')[0] for line in lines if '==' in line})


def install(python: Path, files: list[Path]) -> int:
    """Run pip and show how far it is; its own output only where it fails."""
    command = [str(python), '-m', 'pip', 'install', '--no-input', '--disable-pip-version-check']
    for file in files:
        command += ['-r', str(file)]
    total = pinned(files)
    started = time.monotonic()
    output: list[str] = []
    seen = 0
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as pip:
        for line in pip.stdout or ():
            output.append(line)
            seen += line.startswith(('Collecting ', 'Processing ', 'Requirement already'))
            step = 'installing' if line.startswith('Installing collected') else 'fetching'
            if step == 'installing':
                seen = total  # some are for another Python
            if sys.stdout.isatty():
                bar = '#' * min(BAR, BAR * seen // total)
                print(
                    f'\r  [{bar:<{BAR}}] {min(seen, total)}/{total} {step:<10}', end='', flush=True
                )
            elif step == 'installing' or (seen % 50 == 0 and line.startswith('Collecting ')):
                print(f'  {min(seen, total)}/{total} {step}', flush=True)
    if sys.stdout.isatty():
        print()
    if pip.returncode:
        print(''.join(output[-30:]), file=sys.stderr)
        print(f'pip could not install {" ".join(map(str, files))}: see above', file=sys.stderr)
        return 1
    print(f'  done in {time.monotonic() - started:.0f} s', flush=True)
    return 0


def main(arguments: list[str]) -> int:
    folder, files = Path(arguments[0]), [Path(name) for name in arguments[1:]]
    for file in files:
        if not file.is_file():
            known = ', '.join(sorted(path.stem for path in file.parent.glob('*.txt')))
            print(f'{file} does not exist; there are {known}', file=sys.stderr)
            return 1
    python = folder / 'bin' / 'python'
    # Pip comes last: an environment without it was interrupted while it was made. One without its
    # interpreter is of a Python that is gone.
    if not ((folder / 'bin' / 'pip').exists() and python.exists()):
        lack = missing()
        if lack:
            print(lack, file=sys.stderr)
            return 1
        venv.create(folder, clear=True, with_pip=True)
    print(f'{folder}: {" ".join(file.stem for file in files)}', flush=True)
    return install(python, files)


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
