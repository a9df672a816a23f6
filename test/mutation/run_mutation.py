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
Change the code in one place at a time and see whether the tests notice.

    python test/mutation/run_mutation.py core/pose core/presence --sample 100

takes a random sample of the changes that can be made to these modules of the package, and prints
those that no test noticed. A module is tested by the files of tests that import it and those in
the folder of its name, or by `--tests`; slow tests and those that need research data are left out.
Processes that tests start see the code unchanged.
"""

from __future__ import annotations

import argparse
import ast
from collections.abc import Sequence
import contextlib
from importlib import util
from importlib.machinery import ModuleSpec
from importlib.machinery import SourceFileLoader
import os
from pathlib import Path
import random
import signal
import sys
import time
from types import CodeType

import cv2  # noqa: F401 - imported once here and not in every process
from mutants import find_mutants
from mutants import Mutant
from mutants import mutate
import numpy as np  # noqa: F401 - likewise
import onnxruntime  # noqa: F401 - likewise
import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = 'rtcnn_perception'
ROOMS = {'nodes': 'node'}
"""Folders of tests that are not named as the room of the package that they test."""

TIME_LIMIT = 8.0
"""How many times as long as without a change tests may take: a change can make a loop endless."""


class _MutantLoader(SourceFileLoader):
    """Loads a module with one change."""

    def __init__(self, name: str, path: str, number: int) -> None:
        super().__init__(name, path)
        self._number = number

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        return compile(mutate(Path(path).read_text(), self._number), path, 'exec')


class _MutantFinder:
    """Finds one module before all other finders do."""

    def __init__(self, path: Path, number: int) -> None:
        self._path = path
        self._number = number

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        if name != module_name(self._path):
            return None
        loader = _MutantLoader(name, str(self._path), self._number)
        return util.spec_from_file_location(name, self._path, loader=loader)


def module_name(path: Path) -> str:
    """Return the name by which a file of the package is imported."""
    return '.'.join(path.relative_to(ROOT).with_suffix('').parts)


def imported_modules(path: Path) -> set[str]:
    """Return the names of all modules that a file imports, or imports something of."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            names |= {node.module, *(f'{node.module}.{alias.name}' for alias in node.names)}
    return names


def tests_of(path: Path) -> list[Path]:
    """Return the files of tests for a module: in the folder of its name, or that import it."""
    within, tests, name = path.relative_to(ROOT / PACKAGE), ROOT / 'test', module_name(path)
    files = sorted((tests / ROOMS.get(within.parts[0], within.parts[0])).rglob('test_*.py'))
    beside = tests / within.parent
    return [each for each in files if each.parent == beside or name in imported_modules(each)]


def run_tests(tests: Sequence[Path], limit_s: float | None, finder: object = None) -> bool | None:
    """
    Run tests in a process of their own, with a finder of modules before all others.

    :returns: whether all passed; None where they took longer than the limit
    """
    child = os.fork()
    if child == 0:
        os.setsid()
        sink = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2) if finder else (0,):
            os.dup2(sink, stream)
        if finder is not None:
            sys.meta_path.insert(0, finder)
        options = ['-x', '-q', '-m', 'not slow and not data']
        os._exit(int(pytest.main([*options, *map(str, tests)])))
    started = time.monotonic()
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            with contextlib.suppress(ProcessLookupError):  # what a test that failed left behind
                os.killpg(child, signal.SIGKILL)
            return os.waitstatus_to_exitcode(status) == 0
        if limit_s is not None and time.monotonic() - started > limit_s:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return None
        time.sleep(0.02)


def try_module(path: Path, mutants: Sequence[Mutant], tests: Sequence[Path]) -> list[Mutant]:
    """Return the changes of a module that tests did not notice."""
    if not tests:
        raise SystemExit(f'no test imports {module_name(path)}: name its tests with --tests')
    started = time.monotonic()
    if not run_tests(tests, None):
        raise SystemExit(f'the tests of {path} fail without any change')
    limit_s = 5.0 + TIME_LIMIT * (time.monotonic() - started)
    return [
        each for each in mutants if run_tests(tests, limit_s, _MutantFinder(path, each.number))
    ]


def main() -> None:
    """Try a sample and print what survived."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n\n', 1)[0])
    parser.add_argument('modules', nargs='+', help=f'files or folders of {PACKAGE}')
    parser.add_argument('--sample', type=int, default=100, help='changes in all (default 100)')
    parser.add_argument('--seed', type=int, default=0, help='of the sample (default 0)')
    parser.add_argument('--tests', nargs='+', type=Path, help='files of tests instead')
    arguments = parser.parse_args()
    os.chdir(ROOT)
    places = [ROOT / PACKAGE / name for name in arguments.modules]
    files = [
        file
        for place in places
        for file in (sorted(place.rglob('*.py')) if place.is_dir() else [place])
    ]
    all_mutants = [(file, each) for file in files for each in find_mutants(file.read_text())]
    chosen = random.Random(arguments.seed).sample(
        all_mutants, min(arguments.sample, len(all_mutants))
    )
    survived = 0
    for file in files:
        mine = sorted(
            (each for path, each in chosen if path == file), key=lambda each: each.number
        )
        if not mine:
            continue
        for each in try_module(file, mine, arguments.tests or tests_of(file)):
            survived += 1
            print(f'{file.relative_to(ROOT)}:{each.line}: {each.change}', flush=True)
    killed = len(chosen) - survived
    share = killed / len(chosen)
    print(f'{killed} of {len(chosen)} changes noticed ({share:.0%}), of {len(all_mutants)} in all')


if __name__ == '__main__':
    main()
