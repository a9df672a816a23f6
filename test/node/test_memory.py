"""Memory of images, used again."""

import platform

from rtcnn_perception.nodes.memory import keep_freed_memory


def test_the_gnu_c_library_keeps_freed_memory_and_others_are_left_alone():
    assert keep_freed_memory() == (platform.libc_ver()[0] == 'glibc')
