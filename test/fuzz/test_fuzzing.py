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

"""Every reader of bytes from outside refuses what it cannot read by a PerceptionError."""

import os

from fuzz_all import TARGETS
from fuzz_target import MAX_SEED_BYTES
from fuzz_target import mutations
from fuzz_target import silent
import pytest
import run_fuzz

COUNT = 60
"""Inputs of each target; `make fuzz` tries millions."""


@pytest.mark.parametrize('name', TARGETS)
def test_a_reader_raises_nothing_but_its_own_errors(name):
    target = TARGETS[name]
    accepted = [target.try_one(data) for data in mutations(target, COUNT, seed=1)]
    assert any(accepted)


@pytest.mark.parametrize('name', TARGETS)
def test_seeds_are_small(name):
    assert max(map(len, TARGETS[name].seeds())) <= MAX_SEED_BYTES


def test_what_reaches_stderr_is_found():
    with pytest.raises(AssertionError, match='loud'), silent():
        os.write(2, b'loud')


def test_what_was_tried_adds_up_and_the_page_gets_it(monkeypatch, tmp_path):
    monkeypatch.setattr(run_fuzz, 'TRIED', tmp_path / 'hours.json')
    run_fuzz.note('png', 1800.0, 2_000_000, 0)
    run_fuzz.note('jpeg', 36.0, 10, 1)
    run_fuzz.note('png', 1800.0, 1_000_000, 2)
    page = run_fuzz.page_with(f'before\n{run_fuzz.BEGIN}\nold\n{run_fuzz.END}\nafter\n')
    rows = '| jpeg | 0.01 | 10 | 1 |\n| png | 1.00 | 3,000,000 | 2 |\n'
    assert page.startswith(f'before\n{run_fuzz.BEGIN}\n\n| target |')
    assert page.endswith(f'{rows}\n{run_fuzz.END}\nafter\n')
    assert run_fuzz.page_with(page) == page
