"""The pages: every option, command, test and benchmark that they show is there."""

import ast
import re
import shlex
from pathlib import Path

from techniques.classifiers.command import classify
from techniques.dream.command import dream
from techniques.training.command import train

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/dream.md").read_text(encoding="utf-8")
CHECKS = (ROOT / "docs/dream-checks.md").read_text(encoding="utf-8")
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


def test_every_promise_names_tests_and_benchmarks_that_exist():
    named = re.findall(r"`((?:\w+/)*test_\w+\.py)::(test_\w+)`", CHECKS)
    assert len(named) > 60
    for path, name in named:
        text = (ROOT / "tests/techniques" / path).read_text(encoding="utf-8")
        functions = {node.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)}
        assert name in functions, f"{path} has no {name}"
    for path in re.findall(r"`(benchmarks/\w+\.py)`", CHECKS):
        assert (ROOT / path).is_file(), path
    rows = [line for line in CHECKS.splitlines() if line.startswith("| ") and not line.startswith("| what ")]
    assert len(rows) > 40
    assert all(".py" in line.split("|")[2] for line in rows)
