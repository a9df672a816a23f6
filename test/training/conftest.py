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

"""Small networks are fastest on one thread, above all while other tests run."""

from __future__ import annotations

import contextlib
from importlib.util import find_spec
import resource

import pytest


@pytest.fixture(autouse=True)
def _one_thread():
    """Let PyTorch use one thread while a test runs."""
    if find_spec('torch') is None:
        yield
        return
    import torch  # noqa: PLC0415  an extra that may be absent

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def files_of_100_bytes():
    """Return a context in which no file can be longer than 100 bytes, as on a full disk."""

    @contextlib.contextmanager
    def limited():
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limited()
