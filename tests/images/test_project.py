"""What a checkout is called: its commit only if that is what the image would hold."""

import subprocess
from pathlib import Path

import pytest

from images import project

FILES = {
    "pyproject.toml": '[project]\nversion = "1.2.3"\n',
    "images/matrix.yaml": "",
    "images/rendered/a.txt": "",
    "techniques/style.py": "",
    "docs/page.md": "",
    ".gitignore": "__pycache__/\n*.pt\n",
}


def put(root: Path, name: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(FILES.get(name, "") + "# more\n")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        put(tmp_path, name)
        (tmp_path / name).write_text(text)
    sent = "images/Dockerfile.dockerignore"
    (tmp_path / sent).write_bytes(Path(sent).read_bytes())
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    for line in (["init", "-q"], ["add", "."], [*who, "commit", "-qm", "all of it"]):
        subprocess.run(["git", "-C", tmp_path, *line], check=True, capture_output=True, timeout=30)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "is_clean"),
    [
        ("techniques/style.py", False),
        ("docs/page.md", False),
        ("techniques/new.py", False),
        ("techniques/weights/mine.pt", False),  # which git ignores
        ("requirements/uv.txt", False),
        ("images/rendered/new.txt", True),
        ("techniques/__pycache__/style.pyc", True),
        ("techniques/.env", True),
        ("docs/new.md", True),
        ("notes.txt", True),
    ],
)
def test_a_commits_name_is_for_what_the_commit_has(checkout: Path, name: str, is_clean: bool) -> None:
    commit = project.find(checkout).revision
    assert len(commit) == 40
    put(checkout, name)
    assert project.find(checkout).revision == (commit if is_clean else f"{commit}-dirty")
