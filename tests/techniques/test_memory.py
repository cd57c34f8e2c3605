import subprocess
import sys

import pytest

from techniques.errors import BadInputError
from techniques.memory import available, in_words, out_of_memory, parse_memory, peak_resident

GB = 2**30


@pytest.mark.parametrize(
    ("text", "amount"),
    [("6GB", 6 * GB), ("6 GiB", 6 * GB), ("1.5g", 1.5 * GB), ("800M", 800 << 20), ("2147483648", 2 * GB)],
)
def test_amounts_are_read_as_people_write_them(text, amount):
    assert parse_memory(text) == amount


@pytest.mark.parametrize("text", ["", "much", "-6GB", "6 XB", "10MB", "0"])
def test_what_is_no_amount_is_refused(text):
    with pytest.raises(BadInputError, match="--memory"):
        parse_memory(text)


def test_words_read_back_as_the_same_amount():
    assert in_words(6 * GB) == "6.0 GB"
    assert in_words(800 << 20) == "800 MB"


@pytest.fixture
def machine(tmp_path):
    """A machine with 8 GB free, of which this process holds one already."""

    def write(path, text):
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    write("proc/meminfo", f"MemTotal: 99 kB\nMemAvailable:   {8 * GB // 1024} kB\n")
    write("proc/self/status", f"VmSize:\t{3 * GB // 1024} kB\nVmRSS:\t{GB // 1024} kB\n")
    return tmp_path, write


def test_a_machine_gives_what_is_free_and_what_is_held(machine):
    assert available(machine[0]) == 9 * GB


def test_a_container_s_limit_counts_less_its_file_cache(machine):
    root, write = machine
    write("proc/self/cgroup", "0::/jobs/mine\n")
    write("sys/fs/cgroup/jobs/memory.max", "max\n")
    write("sys/fs/cgroup/jobs/mine/memory.max", f"{4 * GB}\n")
    write("sys/fs/cgroup/jobs/mine/memory.current", f"{3 * GB}\n")
    write("sys/fs/cgroup/jobs/mine/memory.stat", f"anon 1\ninactive_file {GB}\n")

    assert available(root) == GB + 2 * GB


def test_a_container_that_sees_only_its_own_group_and_the_first_cgroups(machine):
    root, write = machine
    write("proc/self/cgroup", "3:cpu:/\n7:blkio,memory:/docker/abc\n")
    write("sys/fs/cgroup/memory/memory.limit_in_bytes", f"{5 * GB}\n")
    write("sys/fs/cgroup/memory/memory.usage_in_bytes", f"{2 * GB}\n")

    assert available(root) == GB + 3 * GB


def test_this_machine_has_some():
    assert 2**28 < available() < 2**50


def test_a_peak_is_this_program_s_own_and_not_of_what_started_it():
    asked = "from techniques.memory import peak_resident; print(peak_resident())"
    parent = (
        f"import subprocess, sys\nheld = bytearray({GB} // 2)\nheld[::4096] = b'x' * len(held[::4096])\n"
        f"subprocess.run([sys.executable, '-c', {asked!r}], check=True)\n{asked}"
    )
    done = subprocess.run([sys.executable, "-c", parent], capture_output=True, text=True, check=True)
    child, own = map(int, done.stdout.split())

    assert child < GB // 4
    assert own > GB // 2


def test_a_peak_is_known_where_the_kernel_keeps_none_for_a_program(machine):
    assert peak_resident(machine[0]) > 2**20


def test_what_runs_out_is_told_from_what_is_wrong():
    assert out_of_memory(MemoryError())
    assert out_of_memory(RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"))
    assert not out_of_memory(RuntimeError("the shapes do not match"))
