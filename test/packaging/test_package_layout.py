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

"""Rules on the files of package and tests: length, number in a folder, names, and words."""

import ast
from collections import Counter
from pathlib import Path
import re

TESTS = Path(__file__).parents[1]
PACKAGE = TESTS.parent / 'rtcnn_perception'
MOST_LINES, MOST_TEST_LINES = 300, 350
MOST_FILES = 15

LICENCE = ''.join(Path(__file__).read_text(encoding='utf-8').partition('\n\n')[:2])
"""The first lines of every module: copyright and licence, as ament_copyright asks for them."""

ATTRIBUTE_FREE = ('core', 'nodes', 'commands')
ATTRIBUTES = re.compile('(?<![a-z])(emotion|gender)', re.IGNORECASE)
MAPPINGS = ('nodes/conversions/hri.py',)  # to messages that have fields for certain attributes
DEFAULTS = ('DEFAULT_ATTRIBUTES', 'DEFAULT_SKIP_WHERE')


def files_of(*folders: str) -> list[Path]:
    """Return the modules below folders of the package; all without an argument."""
    return sorted(path for each in folders or ('',) for path in (PACKAGE / each).rglob('*.py'))


def lines_of(path: Path) -> int:
    """Count the lines of a module below its licence."""
    return len(path.read_text(encoding='utf-8').removeprefix(LICENCE).splitlines())


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


FILES = files_of()


def test_every_module_begins_with_copyright_and_licence():
    folders = (
        'benchmarks',
        'docs',
        'examples',
        'launch',
        'requirements',
        'rtcnn_perception',
        'test',
    )
    paths = [TESTS.parent / 'setup.py']
    paths += [path for each in folders for path in (TESTS.parent / each).rglob('*.py')]
    texts = {path.relative_to(TESTS.parent).as_posix(): path.read_text('utf-8') for path in paths}
    assert 'Licensed under the Apache License, Version 2.0' in LICENCE
    assert [name for name, text in texts.items() if text and not text.startswith(LICENCE)] == []


def test_no_module_is_longer_than_300_lines():
    lengths = {name_of(path): lines_of(path) for path in FILES}
    assert lengths
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES} == {}


def test_no_folder_holds_more_than_15_modules():
    counts = Counter(name_of(path.parent) for path in FILES)
    assert counts['core'] > 1
    assert {name: count for name, count in counts.items() if count > MOST_FILES} == {}


def test_test_modules_are_unique_by_name_and_no_longer_than_350_lines():
    paths = [path for path in sorted(TESTS.rglob('*.py')) if path.name != 'conftest.py']
    counts = Counter(path.name for path in paths)
    assert {name for name, count in counts.items() if count > 1} == set()
    lengths = {path.relative_to(TESTS).as_posix(): lines_of(path) for path in paths}
    assert {name: lines for name, lines in lengths.items() if lines > MOST_TEST_LINES} == {}


def words_of(path: Path) -> set[str]:
    """Return the names and texts of a module without docstrings and the default attributes."""
    tree = ast.parse(path.read_text(encoding='utf-8'))
    words: set[str] = set()
    queue: list[ast.AST] = [tree]
    while queue:
        node = queue.pop()
        if isinstance(node, ast.Assign) and any(
            getattr(target, 'id', '') in DEFAULTS for target in node.targets
        ):
            continue
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue  # a docstring, which may name a source
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            words.add(node.value)
        words |= {getattr(node, field, None) or '' for field in ('id', 'attr', 'arg', 'name')}
        queue += ast.iter_child_nodes(node)
    return words


def test_only_the_default_and_mappings_name_an_attribute():
    paths = [path for path in files_of(*ATTRIBUTE_FREE) if name_of(path) not in MAPPINGS]
    assert paths
    named = {
        f'{name_of(path)}: {word}'
        for path in paths
        for word in words_of(path)
        if ATTRIBUTES.search(word)
    }
    assert named == set()


def test_the_rule_on_attributes_finds_names_and_texts(tmp_path):
    module = tmp_path / 'module.py'
    module.write_text(
        '"""About emotion."""\n'
        "DEFAULT_ATTRIBUTES = ('gender',)\n"
        'def f(emotion_model):\n'
        "    return f'the gender {emotion_model}', FaceMotion\n"
    )
    found = {word for word in words_of(module) if ATTRIBUTES.search(word)}
    assert found == {'emotion_model', 'the gender '}
