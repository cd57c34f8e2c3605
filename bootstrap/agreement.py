"""What a home and the storage last agreed on about an item that is kept as a copy.

Kept in HOME, for it is about this home's copy: another home knows nothing of it, and then nothing is taken
for deleted.
"""

import os

from bootstrap.merge import Entry, Tree


def folder(local: str) -> str:
    """Where the agreements are kept."""
    return os.path.join(local, "copies")


def file(local: str, item: str) -> str:
    """Where the agreement on ``item`` is kept."""
    return os.path.join(folder(local), item)


def read(local: str, item: str, target: str) -> dict[str, Entry] | None:
    """What was agreed on with the storage's ``target``; ``None`` if nothing was."""
    try:
        with open(file(local, item), "rb") as stored:
            content = stored.read()
    except OSError:
        return None
    import json

    try:
        found = json.loads(content)
        if found["with"] != target:
            return None
        return {path: Entry(str(kind), str(mark)) for path, (kind, mark) in found["entries"].items()}
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def text(target: str, tree: Tree) -> bytes:
    """The content of that file; of a user's files it holds names and hashes."""
    import json

    entries = {path: [tree[path].kind, tree[path].mark] for path in sorted(tree)}
    return json.dumps({"with": target, "entries": entries}).encode() + b"\n"
