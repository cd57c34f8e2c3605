"""The page for students: every option and every command that it shows is there."""

import re
import shlex
from pathlib import Path

from techniques.classifiers.command import classify
from techniques.dream.command import dream
from techniques.training.command import train

PAGE = (Path(__file__).parents[3] / "docs/dream.md").read_text(encoding="utf-8")
COMMANDS = {"dream": dream, "classify": classify, "train": train}


def flags(command):
    return {name for option in command.params for name in (*option.opts, *option.secondary_opts)}


def test_every_option_on_the_page_is_one():
    known = set().union(*map(flags, COMMANDS.values()))

    assert set(re.findall(r"--[a-z][a-z-]+", PAGE)) - known == set()


def test_every_command_on_the_page_is_understood():
    shown = [
        line
        for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
        for line in block.replace("\\\n", "").splitlines()
    ]
    commands = [line for line in shown if line.startswith("deepdesign ") and "[" not in line]

    assert len(commands) == 5
    for line in commands:
        _, name, *words = shlex.split(line)
        context = COMMANDS[name].make_context(name, words)
        assert context.params["output"] or name != "train"
