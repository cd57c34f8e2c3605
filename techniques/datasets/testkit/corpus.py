"""The works that the servers offer."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Work:
    """A picture with what a museum knows of it; ``words`` are found by searches."""

    number: int
    title: str
    creator: str
    licence: str
    """Openverse's slug, such as ``by-sa``."""
    version: str
    words: frozenset[str]
    data: bytes
    width: int
    height: int
    category: str = ""

    @property
    def file(self) -> str:
        """Its name on the file server."""
        return f"work{self.number}.jpg"


def matching(works: list[Work], query: str) -> list[Work]:
    """Works that have all the words of ``query`` and none of those that it excludes with a minus."""
    words = [word.lower() for word in query.split()]
    wanted = {word for word in words if not word.startswith("-")}
    unwanted = {word[1:] for word in words if word.startswith("-")}
    return [work for work in works if wanted <= work.words and not unwanted & work.words]


def works_from(pictures: dict[str, list[Path]], licences: tuple[tuple[str, str], ...]) -> list[Work]:
    """One work for each picture; keys are search words separated by spaces, licences go round."""
    from PIL import Image

    works: list[Work] = []
    for words, paths in pictures.items():
        for path in paths:
            number = len(works) + 1
            licence, version = licences[number % len(licences)]
            with Image.open(path) as image:
                width, height = image.size
            works.append(
                Work(
                    number=number,
                    title=f"{words.title()} {number}",
                    creator=f"Photographer {number % 3}",
                    licence=licence,
                    version=version,
                    words=frozenset(words.lower().split()),
                    data=path.read_bytes(),
                    width=width,
                    height=height,
                    category=f"Category:{words.title()}",
                )
            )
    return works
