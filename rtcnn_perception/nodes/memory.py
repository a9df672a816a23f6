"""Memory of images, used again."""

from __future__ import annotations

import ctypes

# Numbers of malloc.h of the GNU C library.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3

KEPT_BYTES = 256 * 1024 * 1024
"""Freed memory beyond this goes back to the system."""
MAPPED_FROM_BYTES = 32 * 1024 * 1024
"""Blocks from this size on are mapped one by one; the greatest value that is allowed."""


def keep_freed_memory() -> bool:
    """
    Let this process keep the memory of freed images for the next ones.

    Left alone, the C library returns each block of an image's size to the system and asks for a
    new one, which the system clears page by page: measured on 640x480, 1.3 ms an image received
    and 0.9 ms an image published, out of 1.8 and 1.0 ms.

    :returns: whether this C library can do it; the GNU one can
    """
    mallopt = getattr(ctypes.CDLL(None), 'mallopt', None)
    if mallopt is None:
        return False
    return bool(
        mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES) and mallopt(_M_MMAP_THRESHOLD, MAPPED_FROM_BYTES)
    )
