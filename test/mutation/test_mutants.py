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

"""Changes of code: what is changed, one at a time, and what is left."""

import ast

from mutants import find_mutants
from mutants import mutate
import pytest
import run_mutation


def changed(source):
    """Return the lines of the code with each of its changes."""
    return [ast.unparse(mutate(source, each.number)) for each in find_mutants(source)]


@pytest.mark.parametrize(
    ('source', 'expected'),
    [
        ('x = a < b', ['x = a <= b']),
        ('x = a + b', ['x = a - b']),
        ('x = a and b', ['x = a or b']),
        ('x = not a', ['x = a']),
        ('x = 3', ['x = 4']),
        ('x = True', ['x = False']),
        ('x: int = 3', ['x: int = 4']),
        ('x = 1 if a else 2', ['x = 1 if not a else 2', 'x = 2 if a else 2', 'x = 1 if a else 3']),
        ('if a:\n    b()', ['if not a:\n    b()', 'if a:\n    pass']),
        ('self.x = a', ['pass']),
        ('x += a', ['pass']),
        (
            'def f(a=1):\n    return a',
            ['def f(a=2):\n    return a', 'def f(a=1):\n    return None'],
        ),
    ],
)
def test_each_change_is_made_alone(source, expected):
    assert changed(source) == expected


@pytest.mark.parametrize(
    'source',
    [
        'x = "a" + b',
        'raise ValueError(1)',
        'x = f"{a + 1}"',
        'log.info(1)',
        'def f(a: Literal[1]):\n    """Say."""\n    return None',
        'if TYPE_CHECKING:\n    import a',
        '@dataclass(frozen=True)\nclass A:\n    pass',
    ],
)
def test_texts_types_and_decorators_are_left(source):
    assert changed(source) == []


def test_a_change_names_its_line():
    (found,) = find_mutants('a = b\nc = d < e\n')
    assert (found.number, found.line, found.change) == (0, 2, 'Lt becomes LtE')


@pytest.mark.parametrize(
    ('module', 'test'),
    [
        ('core/pose/solve.py', 'core/pose/test_solve.py'),
        ('core/arrays.py', 'core/test_images.py'),
        ('nodes/worker.py', 'node/test_worker.py'),
    ],
)
def test_a_module_is_tested_by_what_imports_it_and_by_the_folder_of_its_name(module, test):
    found = run_mutation.tests_of(run_mutation.ROOT / run_mutation.PACKAGE / module)
    assert run_mutation.ROOT / 'test' / test in found
    assert len(found) < 40


def test_modules_are_those_that_are_imported_from_too(tmp_path):
    file = tmp_path / 'a.py'
    file.write_text('import a.b\nfrom c import d\n')
    assert run_mutation.imported_modules(file) == {'a.b', 'c', 'c.d'}
