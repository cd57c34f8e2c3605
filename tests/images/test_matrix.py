"""The matrix as data: what it says, and what it refuses."""

import re
from importlib.metadata import requires, version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from images.errors import UsageError
from images.lock import pinned
from images.matrix import load
from images.stale import differences

MATRIX = Path("images/matrix.yaml")


def test_the_default_is_one_of_the_rows():
    matrix = load()
    assert matrix.choose() in matrix.choices()


@pytest.mark.parametrize("choice", load().choices(), ids=lambda choice: choice.name)
def test_every_image_has_locks_that_hold_the_matrix_versions(choice):
    locks = Path("images/locks")
    torch, light = pinned(locks / choice.torch_lock), pinned(locks / choice.light_lock)
    assert (torch["torch"], torch["torchvision"]) == (choice.variant.torch, choice.variant.torchvision)
    assert not torch.keys() & light.keys(), "a package in both layers is in the image twice"
    assert {"pip", "click", "pyyaml"} <= light.keys()


@pytest.mark.parametrize("path", sorted(Path("images/locks").glob("*.txt")), ids=lambda path: path.stem)
def test_a_lock_has_a_hash_for_every_package_and_no_address(path):
    text = path.read_text()
    entries = text.replace("\\\n", " ").splitlines()
    assert all("--hash=sha256:" in entry for entry in entries if entry and not entry.startswith("#"))
    assert "://" not in text


@pytest.mark.parametrize(("variant", "flavour"), [("cu90", None), (None, "desktop")])
def test_a_name_without_a_row_is_refused_with_the_names_that_exist(variant, flavour):
    with pytest.raises(UsageError, match=r"choose one of: (cu|notebook|runtime)"):
        load().choose(variant, flavour)


def test_a_row_that_lacks_a_field_names_it(tmp_path):
    data = yaml.safe_load(MATRIX.read_text())
    del data["variants"]["cu130"]["least_driver"]
    broken = tmp_path / "matrix.yaml"
    broken.write_text(yaml.safe_dump(data))
    with pytest.raises(UsageError, match=r"cu130.*least_driver"):
        load(broken)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"least_driver": 525}, "needs driver 580"),
        ({"architectures": ["sm_61", "sm_75"]}, "not for sm_61"),
        ({"architectures": ["Pascal"]}, "no architecture"),
        ({"torchvision": "0.22.1"}, r"whose pair is 0\.29"),
        ({"cuda": "13"}, r"no version such as 12\.6"),
        ({"cuda": "14.1"}, "nothing is known about CUDA 14"),
    ],
)
def test_versions_that_do_not_go_together_are_refused_with_the_reason(tmp_path, change, told):
    data = yaml.safe_load(MATRIX.read_text())
    data["variants"]["cu130"] |= change
    broken = tmp_path / "matrix.yaml"
    broken.write_text(yaml.safe_dump(data))
    with pytest.raises(UsageError, match=f"cu130.*{told}"):
        load(broken)


def test_the_triton_of_a_row_is_the_one_that_its_torch_asks_for():
    rows = {variant.torch: variant.triton for variant in load().variants.values()}
    (asked,) = (Requirement(line) for line in requires("torch") if line.startswith("triton"))
    assert asked.specifier.contains(rows[version("torch")])


def test_the_page_names_a_triton_of_the_matrix():
    (named,) = re.findall(r"install --no-cache-dir triton==(\S+)", Path("docs/images.md").read_text())
    assert named == load().choose().variant.triton


@pytest.mark.parametrize("text", ["", "variants: [", "[1, 2]", "variants: {}"])
def test_a_file_that_is_no_matrix_is_refused(tmp_path, text):
    broken = tmp_path / "matrix.yaml"
    broken.write_text(text)
    with pytest.raises(UsageError, match="matrix"):
        load(broken)


@pytest.mark.parametrize("choice", load().choices(), ids=lambda choice: choice.name)
def test_the_locks_hold_what_the_project_requires(choice):
    """A dependency that is added to pyproject.toml alone would be missing in the image."""
    assert list(differences(choice, Path.cwd())) == []
