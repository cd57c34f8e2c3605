"""Which command lines start Jupyter: the shell's own answer, asked of all of them at once."""

import subprocess

import pytest

STARTS = (
    "jupyter lab --allow-root",
    "/opt/deepdesign/bin/jupyter-lab --port=6006",
    "python -m jupyterlab",
    "python3 -I -m jupyter lab",
    "/opt/deepdesign/bin/python3 /opt/deepdesign/bin/jupyter-lab --allow-root",
    "env A=1 jupyter notebook",
    "nice -n 5 jupyter server",
    "/usr/bin/tini -g -- /opt/deepdesign/share/entrypoint.sh jupyter lab",
    "bash /opt/deepdesign/share/entrypoint.sh sh -c 'exec jupyter lab'",
    "/bin/sh -c 'jupyter lab --ServerApp.allow_origin=*'",
    "bash -lc 'cd /notebooks; A=1 /opt/x/bin/jupyter lab'",
    "bash -o pipefail -c 'jupyter lab 2>&1 | tee log'",
    "sh -c 'if true; then (exec jupyter-lab); fi'",
    "sh -c 'python -m pip install keepsake && jupyter notebook'",
    "sh -c 'jupyter \"$MODE\"'",
    "sh -c 'echo one\njupyter lab'",
    "sh -c 'python -m jupyterlab'",
)
OTHERS = (
    "",
    "sh",
    "sh -c",
    "deepdesign style a.jpg b.jpg -o /outputs/jupyter",
    "deepdesign style /storage/jupyter-photos/a.jpg b.jpg",
    "pip install jupyter",
    "python train.py --name jupyter",
    "python -c 'print(1)' jupyter",
    "sleep 60",
    "bash job.sh jupyter lab",
    "sh -c 'deepdesign style a.jpg b.jpg -o /outputs/jupyter'",
    "bash -c 'deepdesign style a.jpg b.jpg -o /outputs/jupyter --size 500'",
    "sh -c 'pip install jupyter && python train.py'",
    "sh -c 'pip install jupyter notebook; python train.py'",
    "sh -c 'cat /storage/notes-on-jupyter.txt'",
    "sh -c 'sleep 60 # jupyter'",
)


@pytest.mark.parametrize(("commands", "answer"), [(STARTS, "yes"), (OTHERS, "no")])
def test_a_jupyter_is_told_from_what_only_names_one(commands, answer):
    asked = "".join(f"is_jupyter {line} && echo yes || echo no\n" for line in commands)
    done = subprocess.run(
        ["bash", "-uc", f". images/command.sh\n{asked}"], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    told = dict(zip(commands, done.stdout.split(), strict=True))
    assert [line for line in commands if told[line] != answer] == []
