"""Small networks are fastest on one thread, above all while other tests run."""

from __future__ import annotations

from importlib.util import find_spec

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
