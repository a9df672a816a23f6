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
Fuzz the readers of bytes from outside: `make fuzz`, or `run_fuzz.py --seconds 600 jpeg png`.

Each target runs in a process of its own, by atheris where it is installed: it changes inputs by
which parts of the package they reach. Without it inputs are changed by chance. What a reader may
not raise is reported once for each place that raised it, and the run goes on; a process that ends,
as by a fault of a C library, begins anew. `out/fuzz/TARGET` keeps the corpus, and the inputs with
which it happened.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
from pathlib import Path
import shutil
import subprocess
import sys
import tempfile
import time
import traceback

HERE = Path(__file__).resolve().parent
SHARED = ('core', 'node', 'saliency', 'training', 'fuzz')
"""Folders of the tests with what makes inputs."""

TRIED = HERE / 'hours.json'
BEGIN, END = '<!-- fuzz: begin -->', '<!-- fuzz: end -->'
"""What encloses the table in the page."""

MEMORY_MB = 3000
TIMEOUT_S = 20
"""For one input; on a busy machine decoding 32 scans takes seconds."""


def main():
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument('targets', nargs='*', help='their names; all without any')
    parser.add_argument('--seconds', type=float, default=60.0, help='of each target')
    parser.add_argument('--page', type=Path, help='document that gets the table')
    parser.add_argument('--output', type=Path, default=Path('out/fuzz'))
    parser.add_argument('--child', action='store_true', help=argparse.SUPPRESS)
    args = parser.parse_args()
    os.environ.setdefault('ORT_DISABLE_TELEMETRY', '1')
    for name in SHARED:
        sys.path.insert(0, str(HERE.parent / name))
    if args.child:
        return fuzz(args.targets[0], args.output, args.seconds)
    known = names()
    unknown = sorted(set(args.targets) - set(known))
    if unknown:
        print(f'there is no target {", ".join(unknown)}; there are {", ".join(known)}')
        return 2
    faulty = []
    for name in args.targets or known:
        if not run(name, args.output, args.seconds):
            faulty.append(name)
        if args.page is not None:
            args.page.write_text(page_with(args.page.read_text(encoding='utf-8')))
    print(f'{len(args.targets or known) - len(faulty)} targets without a finding')
    if faulty:
        print(f'findings, or no input at all: {", ".join(faulty)}; see {args.output}')
    return 1 if faulty else 0


def names():
    """Return the names of all targets, by a process that loads them."""
    code = 'import fuzz_all; print(" ".join(fuzz_all.TARGETS))'
    environment = {**os.environ, 'PYTHONPATH': os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, '-c', code], env=environment, check=True, stdout=subprocess.PIPE
    )
    return done.stdout.decode().split()


def run(name, output, seconds):
    """Run a target for so long, in as many processes as it takes; return whether all went well."""
    folder = output / name
    folder.mkdir(parents=True, exist_ok=True)
    before = findings(folder)
    begin = time.monotonic()
    end = begin + seconds
    starts = inputs = 0
    with (folder / 'log').open('wb') as log, tempfile.TemporaryDirectory() as scratch:
        while starts < 100 and end - time.monotonic() > 0.1 * seconds:
            starts += 1
            count = folder / 'count'
            count.unlink(missing_ok=True)
            left = max(end - time.monotonic(), 1.0)
            command = [sys.executable, __file__, name, '--child', '--seconds', f'{left:.0f}']
            subprocess.run(
                [*command, '--output', str(output)],
                check=False,
                stdout=log,
                stderr=log,
                env={**os.environ, 'TMPDIR': scratch},
            )
            inputs += int(count.read_text() or 0) if count.exists() else 0
            for each in Path(scratch).iterdir():
                shutil.rmtree(each, ignore_errors=True)
    new = sorted(findings(folder) - before)
    ended = f', ended {starts - 1} times' if starts > 1 else ''
    print(f'{name}: {inputs} inputs{ended}, {len(new)} findings', flush=True)
    note(name, time.monotonic() - begin, inputs, len(new))
    for each in new:
        print(f'  {each}', flush=True)
    return inputs > 0 and not new


def note(name, seconds, inputs, new):
    """Add what was tried to the file that has it."""
    tried = json.loads(TRIED.read_text()) if TRIED.exists() else {}
    before = tried.get(name, {'hours': 0.0, 'inputs': 0, 'findings': 0})
    tried[name] = {
        'hours': round(before['hours'] + seconds / 3600, 4),
        'inputs': before['inputs'] + inputs,
        'findings': before['findings'] + new,
    }
    TRIED.write_text(json.dumps(tried, indent=1, sort_keys=True) + '\n')


def page_with(page):
    """Return a page with the table between its markers replaced."""
    tried = json.loads(TRIED.read_text())
    rows = [
        f'| {name} | {each["hours"]:.2f} | {each["inputs"]:,} | {each["findings"]} |'
        for name, each in sorted(tried.items())
    ]
    table = '\n'.join(
        ['| target | hours | inputs | findings |', '| --- | --- | --- | --- |', *rows]
    )
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f'{before}{BEGIN}\n\n{table}\n\n{END}{after}'


def findings(folder):
    kinds = ('finding-', 'crash-', 'timeout-', 'oom-', 'leak-', 'slow-unit-')
    return {each.name for each in folder.iterdir() if each.name.startswith(kinds)}


def fuzz(name, output, seconds):
    """Fuzz a target in this process."""
    folder = output / name
    (folder / 'corpus').mkdir(parents=True, exist_ok=True)
    try:
        import atheris
    except ImportError:
        atheris = None
    if atheris is None:
        import fuzz_all
    else:
        with atheris.instrument_imports(
            include=['rtcnn_perception'], enable_loader_override=False
        ):
            import fuzz_all
    target = fuzz_all.TARGETS[name]
    seeds = [*target.seeds()]
    for seed in seeds:
        place = folder / 'corpus' / hashlib.sha256(seed).hexdigest()[:16]
        place.write_bytes(seed)
    found = set()
    count = 0

    def try_one(data):
        nonlocal count
        count += 1
        if count < 100 or count % 100 == 0:
            (folder / 'count').write_text(str(count))
        try:
            target.try_one(data)
        except Exception as error:  # noqa: BLE001 - every kind of error is a finding
            place = traceback.extract_tb(error.__traceback__)[-1]
            cause = f'{type(error).__name__}-{Path(place.filename).stem}-{place.lineno}'
            if cause not in found:
                found.add(cause)
                (folder / f'finding-{cause}').write_bytes(data)
                traceback.print_exc()

    if atheris is None:
        by_chance(target, try_one, folder / 'crash-last', seconds)
        (folder / 'count').write_text(str(count))
        return 0
    options = {
        'max_total_time': f'{seconds:.0f}',
        'timeout': TIMEOUT_S,
        'rss_limit_mb': MEMORY_MB,
        'max_len': 60_000,
        'artifact_prefix': f'{folder}/',
        'print_final_stats': 1,
    }
    if target.words:
        lines = (''.join(f'\\x{byte:02x}' for byte in word) for word in target.words)
        options['dict'] = folder / 'words'
        options['dict'].write_text(''.join(f'"{line}"\n' for line in lines))
    arguments = [sys.argv[0], *(f'-{key}={value}' for key, value in options.items())]
    atheris.Setup([*arguments, str(folder / 'corpus')], try_one)
    atheris.Fuzz()
    return 0


def by_chance(target, try_one, last, seconds):
    """Try changed seeds; the input at hand stays where the process ends with it."""
    import fuzz_target

    end = time.monotonic() + seconds
    for data in fuzz_target.mutations(target, sys.maxsize, time.time_ns()):
        if time.monotonic() > end:
            break
        last.write_bytes(data)
        try_one(data)
    last.unlink()


if __name__ == '__main__':
    sys.exit(main())
