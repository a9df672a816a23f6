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
