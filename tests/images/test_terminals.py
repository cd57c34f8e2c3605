"""What a person at a prompt has: the layer that finish-project makes, seen by real shells."""

from pathlib import Path
from shlex import quote

import pytest

from tests.bootstrap.homes import put
from tests.bootstrap.machine import bare_machine

ROOT = Path(__file__).parents[2]
_LAYER = f"""
set -e
mkdir -p $POINT/opt/deepdesign/share $POINT/opt/deepdesign/bin $POINT/etc/profile.d
cp {ROOT}/prerun.sh {ROOT}/images/*.sh $POINT/opt/deepdesign/share
cp {ROOT}/images/profile.sh $POINT/etc/profile.d/deepdesign.sh
{ROOT}/images/builder/finish-project cu130 notebook without '' unknown
mount --bind $POINT/etc/profile.d /etc/profile.d
mount --bind $POINT/etc/bash.bashrc /etc/bash.bashrc
deepdesign-bootstrap apply --storage /srv/storage >&2
"""


@pytest.mark.parametrize("shell", ["bash -i", "bash -li"])
def test_at_a_prompt_the_tab_key_completes_and_bash_local_is_there_once(tmp_path: Path, shell: str) -> None:
    machine = bare_machine(tmp_path)
    put(machine.storage / ".bash.local", 'LOCAL="${LOCAL}once "\n')
    ask = quote("complete -p deepdesign; echo $LOCAL; bash -ic 'echo $LOCAL' 2>/dev/null")
    done = machine.run_at("/layer", f"{_LAYER}\n{shell} -c {ask}; bash -c 'echo none $LOCAL'")
    completed, local, below, program = done.stdout.splitlines()
    assert completed == "complete -o nosort -F _deepdesign_complete deepdesign", done.stderr
    assert (local, below) == ("once", "once")
    assert program == "none"
