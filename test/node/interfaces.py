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
Interface packages of others, built for the tests where they are not installed.

Their fields are those of the real ones, which their type hashes prove. What is built is kept by
its content: repeats take no time.
"""

import ctypes
import hashlib
import importlib.util
import os
from pathlib import Path
import shutil
import subprocess
import sys

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = Path(__file__).parent / 'data' / 'interfaces'
(FIX,) = (ROOT / 'cmake').glob('*.cmake')  # include folders of the wheels that do not exist

DEPENDENCIES = {
    'hri_msgs': ('std_msgs',),
    'tf2_msgs': ('geometry_msgs',),
    'vision_msgs': ('geometry_msgs', 'std_msgs'),
}

CMAKE = """\
cmake_minimum_required(VERSION 3.16)
project({name})
find_package(ament_cmake REQUIRED)
# Of rosidl_default_generators what rclpy takes over Fast DDS; the rest would double the time.
find_package(rosidl_cmake REQUIRED)
find_package(rosidl_generator_type_description REQUIRED)
find_package(rosidl_generator_c REQUIRED)
find_package(rosidl_generator_cpp REQUIRED)
find_package(rosidl_typesupport_fastrtps_cpp REQUIRED)
find_package(rosidl_typesupport_fastrtps_c REQUIRED)
find_package(rosidl_typesupport_c REQUIRED)
find_package(rosidl_generator_py REQUIRED)
{find}
include("{fix}")
rosidl_generate_interfaces({name} {messages} DEPENDENCIES {dependencies})
# What is in C++ is compiled as one file, in a third of the time.
foreach(kind fastrtps_cpp fastrtps_c c)
  set_target_properties({name}__rosidl_typesupport_${{kind}} PROPERTIES
    UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 99)
endforeach()
ament_package()
"""

MANIFEST = """\
<?xml version="1.0"?>
<package format="3">
  <name>{name}</name>
  <version>0.0.0</version>
  <description>The fields of {name}, for tests</description>
  <maintainer email="rtcnn_perception@example.org">The rtcnn_perception maintainers</maintainer>
  <license>Apache-2.0</license>
  <member_of_group>rosidl_interface_packages</member_of_group>
  <export><build_type>ament_cmake</build_type></export>
</package>
"""


def provide(name: str, cache: Path) -> None:
    """Let a package be imported: the installed one, or else one that is built below ``cache``."""
    if importlib.util.find_spec(name) is not None:
        return
    prefixes = [
        each for each in _prefixes() if Path(each, 'share/rosidl_default_generators').is_dir()
    ]
    if not prefixes:
        pytest.skip(f'{name} is not installed, and nothing is to build it with')
    prefix = cache / _key(name) / name
    if not (prefix / 'done').exists():
        _build(name, prefix)
    os.environ['AMENT_PREFIX_PATH'] = os.pathsep.join([str(prefix), *_prefixes()])
    # A type support is loaded by its name alone, and LD_LIBRARY_PATH is read at start alone.
    for path in sorted((prefix / 'lib').glob('*.so')):
        ctypes.CDLL(str(path))
    sys.path.insert(0, str(prefix / 'python'))
    importlib.invalidate_caches()


def _prefixes() -> list[str]:
    paths = [*os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep), sys.prefix]
    return [path for path in dict.fromkeys(paths) if path]


def _key(name: str) -> str:
    """Return a digest of all that a package is built from."""
    digest = hashlib.sha256('\n'.join([sys.executable, *_prefixes()[-1:]]).encode())
    for path in (Path(__file__), FIX, *sorted((SOURCES / name).rglob('*.msg'))):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _build(name: str, prefix: Path) -> None:
    shutil.rmtree(prefix, ignore_errors=True)
    source, build = prefix / 'source', prefix / 'build'
    shutil.copytree(SOURCES / name, source)
    messages = ' '.join(f'"msg/{path.name}"' for path in sorted(source.glob('msg/*.msg')))
    dependencies = DEPENDENCIES[name]
    (source / 'package.xml').write_text(MANIFEST.format(name=name))
    (source / 'CMakeLists.txt').write_text(
        CMAKE.format(
            name=name,
            messages=messages,
            dependencies=' '.join(dependencies),
            find='\n'.join(f'find_package({each} REQUIRED)' for each in dependencies),
            fix=FIX,
        )
    )
    tools = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get('PATH', '')])
    environment = {**os.environ, 'PATH': tools}
    for variable in ('AMENT_PREFIX_PATH', 'CMAKE_PREFIX_PATH'):
        environment[variable] = os.pathsep.join(_prefixes())
    ninja = ['-G', 'Ninja'] if shutil.which('ninja', path=tools) else []
    configure = [
        *('cmake', '-S', source, '-B', build, *ninja, '-DBUILD_TESTING=OFF'),
        *('-DCMAKE_BUILD_TYPE=Debug', '-DCMAKE_CXX_FLAGS_DEBUG=-O0', '-DCMAKE_C_FLAGS_DEBUG=-O0'),
        f'-DCMAKE_INSTALL_PREFIX={prefix}',
        f'-DCMAKE_INSTALL_RPATH={prefix / "lib"}',
        '-DPYTHON_INSTALL_DIR=python',
        f'-DPython3_EXECUTABLE={sys.executable}',
        f'-DPYTHON_EXECUTABLE={sys.executable}',
    ]
    for command in (configure, ['cmake', '--build', build, '--parallel', '--target', 'install']):
        done = subprocess.run(
            [str(word) for word in command],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f'{name} was not built\n{done.stdout}\n{done.stderr}'
    shutil.rmtree(build)
    (prefix / 'done').touch()
