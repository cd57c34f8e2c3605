"""Generated text that is committed: what a change of matrix or locks does, readable without an engine."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from images.base import Found
from images.build import BuildRequest, arguments, default_tag, labels
from images.errors import UsageError
from images.lock import pinned
from images.matrix import Choice, Matrix
from images.nvdiffrast import Source
from images.project import Project

_NOTE = "Written by `deepdesign-images render`; edit images/matrix.yaml instead."
_BEGIN, _END = "<!-- matrix: written by `deepdesign-images render` -->", "<!-- end of matrix -->"


@dataclass(frozen=True)
class Text:
    """A generated file: where it belongs and what it should hold."""

    path: Path
    content: str

    @property
    def is_stale(self) -> bool:
        """Whether the file says something else, or is not there."""
        return not self.path.exists() or self.path.read_text(encoding="utf-8") != self.content


def texts(matrix: Matrix, project: Project) -> list[Text]:
    """Every generated text of this checkout.

    Raises UsageError when a lock is missing or the page with the table has lost its marks.
    """
    locks = project.root / "images" / "locks"
    rendered = [
        Text(project.root / "images" / "rendered" / f"{choice.name}.txt", image_text(choice, project, locks))
        for choice in matrix.choices()
    ]
    page = project.root / "docs" / "images.md"
    return [*rendered, Text(page, _with_table(page, table(matrix)))]


def stale_texts(matrix: Matrix, project: Project) -> list[Text]:
    """The generated texts that are not what matrix and locks say."""
    return [text for text in texts(matrix, project) if text.is_stale]


def stale_words(stale: Iterable[Text], project: Project) -> str:
    """What to tell about them, in one line."""
    names = ", ".join(str(text.path.relative_to(project.root)) for text in stale)
    return f"{names}: not what matrix and locks say; write anew with: deepdesign-images render"


def image_text(choice: Choice, project: Project, locks: Path) -> str:
    """One image in full: build arguments, labels, and the packages of each layer."""
    # What differs from commit to commit and machine to machine stands as a name.
    neutral = Project(project.root, project.version, "COMMIT")
    source = Source("", "upstream") if choice.nvdiffrast else None
    base = Found(choice.base.reference, "registry")
    request = BuildRequest(choice, neutral, base, (default_tag(choice, project),), source)
    lines = [f"# {_NOTE}", f"tag {request.tags[0]}", f"target {choice.flavour.stage}"]
    lines += [f"argument {name}={value}" for name, value in arguments(request, {}).items()]
    lines += [f"label {name}={value}" for name, value in labels(request).items()]
    if choice.nvdiffrast:
        lines.append(f"package compiled nvdiffrast=={choice.nvdiffrast.version}@{choice.nvdiffrast.commit}")
    lines += _packages("cuda", pinned(locks / choice.torch_lock))
    lines += _packages("light", pinned(locks / choice.light_lock))
    return "\n".join(lines) + "\n"


def table(matrix: Matrix) -> str:
    """The variants as a Markdown table."""
    head = (
        "variant",
        "cards",
        "GPU architectures",
        "least driver",
        "CUDA",
        "torch",
        "torchvision",
        "its triton",
    )
    rows = [
        (
            f"`{variant.name}`",
            variant.summary,
            " ".join(variant.architectures),
            str(variant.least_driver),
            variant.cuda,
            variant.torch,
            variant.torchvision,
            variant.triton,
        )
        for variant in matrix.variants.values()
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ("---",) * len(head), *rows))


def _packages(layer: str, pins: Mapping[str, str]) -> Iterable[str]:
    return (f"package {layer} {name}=={version}" for name, version in sorted(pins.items()))


def _with_table(page: Path, rows: str) -> str:
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    before, begin, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not (begin and end):
        raise UsageError(f"{page} has lost the marks of its table; put back `{_BEGIN}` and `{_END}`")
    return f"{before}{begin}\n{rows}\n{end}{after}"
