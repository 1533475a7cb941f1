"""Target `configurations`: any file becomes a configuration or is refused in words."""

from __future__ import annotations

import functools
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import msgpack

from laurel_mp.config import Config, from_dict, load, to_dict
from laurel_mp.config.settings import Setting, walk
from laurel_mp.errors import ConfigError, OutputError
from laurel_mp.pipeline.runner import stage_options
from laurel_mp.pipeline.runner.run_outputs import Outputs
from laurel_mp.system.privileges import find_user
from tests import environment
from tests.fuzz.mutation import (
    TEXT,
    LineMutator,
    Vocabulary,
    change_setting,
    insert_line,
    join_lines,
)
from tests.fuzz.target import Target


@functools.cache
def _file() -> tuple[int, Path]:
    """A file in memory: libFuzzer ends its process in a way that would leave others behind."""
    descriptor = os.memfd_create("config.toml")
    os.fchmod(descriptor, 0o600)
    return descriptor, Path(f"/proc/self/fd/{descriptor}")


def check(data: bytes) -> None:
    """Loads a file with these bytes; if it is taken, all stages can be made of it."""
    descriptor, path = _file()
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, data, 0)
    refused = _refusal(lambda: load(path))
    if refused is not None:
        problems = refused.split("\n")
        assert all(problem.startswith(f"{path}: ") for problem in problems), problems
        assert all(problem.isprintable() for problem in problems), problems
        return
    config = load(path)
    carried = msgpack.unpackb(msgpack.packb(to_dict(config)))
    assert from_dict(carried) == config
    if _refusal(lambda: _check_accounts(config)) is not None:
        return
    stage_options.router(config, 2)
    stage_options.decoder(config)
    stage_options.tracker(config)
    stage_options.assembler(config, 2)


def _check_accounts(config: Config) -> None:
    """Looks up the users that the configuration names, as at the start; none exists."""
    stage_options.check(config)
    find_user(config.user)
    Outputs.of_plugin(config)


def _refusal(use: Callable[[], object]) -> str | None:
    """Returns the message of an error for users; no other error is caught."""
    try:
        use()
    except (ConfigError, OutputError) as error:
        return str(error)
    return None


def _texts() -> list[str]:
    """Whole configurations: every setting, LAUREL's own sample, and ours with all in force."""
    texts = [
        path.read_text() for path in sorted((environment.ROOT / "tests/config").glob("*.toml"))
    ]
    sample = (environment.ROOT / "deploy" / "config.toml").read_text().split("\n")
    texts.append("\n".join(line.removeprefix("#") for line in sample if not line.startswith("# ")))
    return texts


def _seeds() -> Iterator[bytes]:
    for text in _texts():
        yield text.encode()
        for section in text.split("\n\n"):
            yield section.encode()


_VALUES = rb"""
0 -1 1 7 300 65536 9223372036854775807 9223372036854775808 1e5 1.5 -0.0 inf nan 0x10 true false
"" "x" "/" "." ".." "-" "|" "unix:" "unix:/x" "unix:x" "auto" "log" "drop" "stdin" "never" 'x'
[] [""] ["x"] [1] [true] [[]] {} {x=1} ["("] ["(?i)a"] ["\\C"] ["[[:word:]]{1000}"] ["a{1001}"]
["*:1"] ["[::1]:22"] ["::/0"] ["1.2.3.4/33"] ["*"] ["LD_*"] ["root"] ["nobody?"] [0] [-1]
["array"] ["string"] ["array","string"] {"^/a"="b"} {"("="b"} 2022-07-01 07:32:00
2022-07-01T07:32:00Z "\u0000" "a\u0000b" ["\u0000"] ["a\u0000"] "\n" ["\n"] ["(\n"] ["\\p{\n}"]
"\u2028" "\U0001F600" "\ud800" ''' ["\u00e4"] ["(?P<\u00e4>x)"] ["\u0661"] ["99999999999999999999"]
""".split()

_TOKENS = rb"""
[ ] [[ ]] { } = . , # " ' ''' \ \u0000 \U0010FFFF \n \" _ - + : true 1
""".split()

_vocabulary = Vocabulary(
    [line.encode() for text in _texts() for line in text.split("\n") if line],
    (
        *_VALUES,
        b'"""',
        b"9" * 400,
        b"[" * 300,
        b'["' + b"a" * 300 + b'"]',
        b'["(((((((((a{100}){100}){100}){100}){100}){100}){100}){100}){100}"]',
    ),
    (
        *(entry.name.encode() for _, entry in walk(Config)),
        *dict.fromkeys(b"[" + ".".join(path).encode() + b"]" for path, _ in walk(Config)),
        *_TOKENS,
        *(
            b'"""',
            b"\0",
            b"\x7f",
            b"\xff",
            b"\xef\xbb\xbf",
            b"\r",
            b"\t",
            b"\xe2\x80\xa8",
            b"\xc2\x85",
        ),
    ),
)

_SETTINGS = [(path, entry) for path, entry in walk(Config) if isinstance(entry, Setting)]


def only_setting(lines: list[bytes], chance: random.Random, vocabulary: Vocabulary) -> None:
    """Starts over with a single setting that has an odd value."""
    path, entry = chance.choice(_SETTINGS)
    lines[:] = [b"[%b]" % ".".join(path).encode()] if path else []
    if any(each.required and where == path for where, each in _SETTINGS):
        lines.append(b'file = "x"')
    lines.append(b"%b = %b" % (entry.name.encode(), chance.choice(vocabulary.values)))


_operations = (*TEXT, insert_line, join_lines, *[change_setting] * 4, *[only_setting] * 4)

CONFIGURATIONS = Target(
    "configurations", check, _seeds, LineMutator(_operations, _vocabulary), longest=8000
)
