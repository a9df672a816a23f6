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
Build rtcnn_perception with its ROS 2 interfaces: for colcon, for colcon with symlinks, for pip.

CMakeLists.txt beside this file generates the interfaces of msg/ and srv/. It is driven from here
into a staging folder, whose Python module goes beside the package's own modules and the rest
(lib/, include/, share/) into the prefix.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
import shutil
import subprocess
import sys
import sysconfig
from xml.etree import ElementTree as ET

from setuptools import Command
from setuptools import Distribution
from setuptools import find_packages
from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.command.develop import develop

NAME = 'rtcnn_perception'
ROOT = Path(__file__).resolve().parent  # colcon's symlinks resolve to the sources
SHARE = Path('share') / NAME

# Not sys.prefix, which colcon sets to the folder it installs into.
ENVIRONMENT = Path(sys.executable).parent.parent

PIP_HIDES = 'pip-build-env'  # in the path of the module by which pip hides the environment

# What CMake installs and this package does not: colcon and setuptools write their own.
LEFT_OUT = (
    'share/ament_index/resource_index/packages',
    'share/ament_index/resource_index/parent_prefix_path',
    f'share/{NAME}/environment',
    f'share/{NAME}/local_setup.',
    f'share/{NAME}/package.',
)

INTERFACES = ('msg', 'srv')

GENERATORS = ('rosidl_generator_packages', 'rosidl_typesupport_c', 'rosidl_typesupport_cpp')
"""The groups of the ament index whose members generate code, whoever depends on them."""

EXPORTED = ('depend', 'build_export_depend', 'buildtool_export_depend', 'exec_depend')
"""What a package depends on where it is built against."""

SHARED = ('config/*', 'launch/*.launch.py', 'rviz/*.rviz')
CARDS = 'models/**/model.json'
"""Models are packed by their cards: weights of others, fetched into models/yunet, have none."""

DESCRIPTION = (
    "Real-time CNNs for a robot's camera, on its CPU: finds faces, follows them, and says which "
    'emotion and which gender a small network predicts'
)


def data_files() -> list[tuple[str, list[str]]]:
    """List the files of the source tree that belong below the prefix, by destination."""
    files = [
        ('share/ament_index/resource_index/packages', [f'resource/{NAME}']),
        (str(SHARE), ['package.xml', 'LICENSE']),
    ]
    models = sorted(str(card.parent.relative_to(ROOT)) for card in ROOT.glob(CARDS))
    for pattern in (*SHARED, *(f'{model}/*' for model in models)):
        found = sorted(path.relative_to(ROOT) for path in ROOT.glob(pattern) if path.is_file())
        files += [(str(SHARE / path.parent), [str(path)]) for path in found]
    return files


def ros_prefixes() -> list[str]:
    """List the prefixes that hold ROS: of a sourced setup.bash, and this environment's wheels."""
    paths = os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep)
    paths += os.environ.get('CMAKE_PREFIX_PATH', '').split(os.pathsep)
    paths.append(str(ENVIRONMENT))
    return [path for path in dict.fromkeys(paths) if path and Path(path, 'share').is_dir()]


def depends(manifest: Path, tags: tuple[str, ...]) -> list[str]:
    """List what a package.xml depends on by tags such as build_depend."""
    root = ET.parse(manifest).getroot()
    return [(element.text or '').strip() for tag in tags for element in root.iter(tag)]


def built_from(prefixes: list[str]) -> list[str]:
    """List the packages that the messages are built from and with: manifest and its digest."""
    shares = [Path(prefix, 'share') for prefix in prefixes]
    waiting = depends(ROOT / 'package.xml', ('depend', 'build_depend', 'buildtool_depend'))
    for share in shares:
        index = share / 'ament_index' / 'resource_index'
        waiting += [path.name for group in GENERATORS for path in (index / group).glob('*')]
    found: dict[str, Path | None] = {}
    while waiting:
        name = waiting.pop()
        if name not in found:
            paths = (share / name / 'package.xml' for share in shares)
            manifest = found[name] = next(filter(Path.is_file, paths), None)
            waiting += depends(manifest, EXPORTED) if manifest else []
    manifests = sorted(path for path in found.values() if path)
    return [f'{path} {hashlib.sha256(path.read_bytes()).hexdigest()}' for path in manifests]


class BuildInterfaces(Command):
    """Generate the interfaces of msg/ and srv/ and list them among the files to install."""

    description = 'generate the ROS 2 interfaces of msg/ and srv/ with CMake'
    user_options = [('build-temp=', 't', 'folder for what CMake builds')]  # noqa: RUF012  # theirs

    def initialize_options(self) -> None:
        self.build_temp: str | None = None

    def finalize_options(self) -> None:
        self.set_undefined_options('build', ('build_temp', 'build_temp'))

    def run(self) -> None:
        prefixes = ros_prefixes()
        generators = 'share/rosidl_default_generators'
        if not any(Path(prefix, generators).is_dir() for prefix in prefixes):
            sys.exit(
                f'{NAME}: no rosidl_default_generators to build the messages with. Source ROS 2 '
                '(. /opt/ros/<distribution>/setup.sh), or install requirements/<distribution>.txt '
                'into this environment.'
            )
        if not Path(sysconfig.get_path('include'), 'Python.h').is_file():
            sys.exit(f'{NAME}: the headers of Python are missing (apt install python3-dev).')
        # CMake's cache must not mix two distributions; a further overlay is none of its business.
        key = hashlib.sha256('\n'.join([sys.executable, *built_from(prefixes)]).encode())
        folder = f'interfaces-{key.hexdigest()[:8]}'
        self.folder = Path(self.build_temp or 'build').absolute() / folder
        self.staging = self.folder / 'staging'
        self._copy_sources()
        self._run_cmake(prefixes)
        for path in sorted(self.staging.rglob('*')):
            relative = path.relative_to(self.staging)
            if path.is_file() and not str(relative).startswith(('python/', *LEFT_OUT)):
                self._install(path, relative.parent)

    def module_files(self) -> list[Path]:
        """List the files of the generated module, relative to the package they go into."""
        module = self.staging / 'python' / NAME
        files = [path.relative_to(module) for path in module.rglob('*')]
        files.remove(Path('__init__.py'))  # the package has its own
        return sorted(path for path in files if path.suffix in ('.py', '.so'))

    def copy_module(self, target: Path) -> None:
        """Put the generated module beside the package's own modules in ``target``."""
        for kind in INTERFACES:
            shutil.rmtree(target / kind, ignore_errors=True)
        for path in self.module_files():
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(self.staging / 'python' / NAME / path, target / path)

    def install_module(self, site_packages: Path) -> None:
        """Install the generated module below the prefix, for a package that stays in its tree."""
        for path in self.module_files():
            self._install(
                self.staging / 'python' / NAME / path, site_packages / NAME / path.parent
            )

    def _install(self, path: Path, folder: Path) -> None:
        self.distribution.data_files.append((str(folder), [os.path.relpath(path)]))

    def _copy_sources(self) -> None:
        # CMake refuses to export include folders below its source folder, and an environment may
        # well lie there (.venv-jazzy does): so it gets a copy of the few files that concern it.
        for name in ('source', 'staging'):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        for name in ('cmake', *INTERFACES):
            shutil.copytree(ROOT / name, self.folder / 'source' / name)
        for name in ('CMakeLists.txt', 'package.xml'):
            shutil.copy2(ROOT / name, self.folder / 'source')

    def _run_cmake(self, prefixes: list[str]) -> None:
        tools = os.pathsep.join([str(ENVIRONMENT / 'bin'), os.environ.get('PATH', os.defpath)])
        cmake = shutil.which('cmake', path=tools)
        if cmake is None:
            sys.exit(f'{NAME}: cmake is missing (pip install cmake, or apt install cmake).')
        build = str(self.folder / 'build')
        configure = [cmake, '-S', str(self.folder / 'source'), '-B', build]
        configure += [
            '-DBUILD_TESTING=OFF',
            '-DCMAKE_BUILD_TYPE=Release',
            f'-DCMAKE_INSTALL_PREFIX={self.staging}',
            '-DPYTHON_INSTALL_DIR=python',
            f'-DPython3_EXECUTABLE={sys.executable}',
            f'-DPYTHON_EXECUTABLE={sys.executable}',  # as Humble spells it
        ]
        if shutil.which('ninja', path=tools):
            configure += ['-G', 'Ninja']
        install = [cmake, '--build', build, '--parallel', '--target', 'install']
        joined = os.pathsep.join(prefixes)
        environment = os.environ | {'PATH': tools}
        environment |= {'AMENT_PREFIX_PATH': joined, 'CMAKE_PREFIX_PATH': joined}
        # pip builds in an environment that hides this one, in which the generators are.
        modules = environment.get('PYTHONPATH', '').split(os.pathsep)
        environment['PYTHONPATH'] = os.pathsep.join(it for it in modules if PIP_HIDES not in it)
        for command in (configure, install):
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, check=False
            )
            if done.returncode:
                sys.exit(
                    f'{done.stdout}\n{done.stderr}\n{NAME}: the messages could not be built; '
                    'the reason stands above.'
                )


class BuildPython(build_py):
    """Put the generated module into the folder that is installed or packed."""

    def run(self) -> None:
        self.run_command('build_interfaces')
        interfaces = self.get_finalized_command('build_interfaces')
        super().run()
        if getattr(self, 'editable_mode', False):  # pip install -e, from setuptools 64 on
            site_packages = Path(sysconfig.get_path('platlib'))
            interfaces.install_module(site_packages.relative_to(sysconfig.get_path('data')))
            self.run_command('install_data')  # setuptools means to do so, and does not
        else:
            interfaces.copy_module(Path(self.build_lib) / NAME)


class Develop(develop):
    """Generate the interfaces for colcon --symlink-install, which never runs build_py."""

    def run(self) -> None:
        if not getattr(self, 'uninstall', False):  # from setuptools 80 on there is no such option
            self.run_command('build_interfaces')
            # colcon installs the data files by a command of its own after this one, and sets
            # PYTHONPATH as Python's own layout has it, also on Debian.
            site_packages = Path(
                sysconfig.get_path('platlib', 'posix_prefix', {'platbase': '/usr'})
            )
            interfaces = self.get_finalized_command('build_interfaces')
            interfaces.install_module(site_packages.relative_to('/usr'))
        super().run()


class PlatformDistribution(Distribution):
    """A distribution with compiled modules: its wheel is for one platform and one Python."""

    def has_ext_modules(self) -> bool:
        return True


setup(
    name=NAME,
    version='0.1.0',
    description=DESCRIPTION,
    license='Apache-2.0',
    maintainer='The rtcnn_perception maintainers',
    maintainer_email='rtcnn_perception@example.org',
    packages=find_packages(include=[NAME, f'{NAME}.*']),
    # Said so that pip install -e writes a plain path: the finder it would use loses to the folder
    # that holds the generated messages.
    package_dir={'': '.'},
    package_data={NAME: ['py.typed', 'assets/*', 'training/configs/*']},
    data_files=data_files(),
    python_requires='>=3.10',
    # What pip may install, and no more. rclpy and the messages come from the ROS distribution,
    # which pip cannot choose; cv2 comes from apt on a robot, where pip does not see it and would
    # put a second one beside it: the extra 'opencv' installs that. colcon, ros2 run and the
    # executables do not read this list; package.xml is theirs.
    install_requires=['numpy>=1.21', 'onnxruntime>=1.16', 'scipy>=1.8', 'simplejpeg>=1.7.2'],
    extras_require={
        'opencv': ['opencv-python-headless>=4.5.4,<5'],  # 5 has no Haar cascades
        'test': ['pytest>=7'],  # by its name here `colcon test` knows how to run the tests
        'training': [
            'h5py>=3',
            'onnx>=1.14',
            'tensorboard>=2.10',
            'tomli>=1.1; python_version < "3.11"',
            'torch>=2.4',
            'tqdm>=4.60',
        ],
    },
    entry_points={
        'console_scripts': [
            'camera_node = rtcnn_perception.nodes.entry:camera',
            'classifier_node = rtcnn_perception.nodes.entry:classifier',
            'detector_node = rtcnn_perception.nodes.entry:detector',
            'humans_node = rtcnn_perception.nodes.entry:humans',
            'perception = rtcnn_perception.nodes.entry:perception',
            'rtcnn_perception = rtcnn_perception.cli:main',
        ],
    },
    cmdclass={
        'build_interfaces': BuildInterfaces,
        'build_py': BuildPython,
        'develop': Develop,
    },
    distclass=PlatformDistribution,
    zip_safe=False,
)
