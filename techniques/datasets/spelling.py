"""A hint for a class that nobody has pictures of: is it a building term, misspelt?"""

import difflib
from importlib.resources import files


def suggestion(word: str) -> str:
    """The style or building element that ``word`` nearly is, as terms.txt spells it, or nothing."""
    terms = files(__package__).joinpath("terms.txt").read_text(encoding="utf-8").split()
    near = difflib.get_close_matches(word.lower().replace(" ", "-"), terms, n=1, cutoff=0.75)
    return near[0].replace("-", " ") if near and near[0] != word.lower() else ""
