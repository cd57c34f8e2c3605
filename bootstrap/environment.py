"""The environment file: what terminals, kernels and Jupyter itself get from the bootstrap.

POSIX shell, sourced again and again, under any options of the sourcing shell. It sets no variable but those
that it exports.
"""

import os
from shlex import quote

from bootstrap import caches, completion, databases, kernel
from bootstrap.place import Place

NAME = "env.sh"

_ON_PATH = (
    'case ":${{PATH-}}:" in *:{0}:*) ;; *) PATH="${{PATH:-/usr/local/bin:/usr/bin:/bin}}":{0} ;; esac'.format
)
_UNLESS_SET = "case ${{{0}-}} in '') {0}={1} ;; esac; export {0}".format
_FIRST = 'case ":${{{0}-}}:" in *:{1}:*) ;; *) {0}={1}"${{{0}:+:${0}}}" ;; esac; export {0}'.format
# Both names lead to one place, or ~/.local could not be linked this time and is the one that counts. pip
# warns of programs in folders that are not on PATH, and knows a folder by one name only.
_PER_IMAGE = (
    "if [ {0} -ef {1} ]; then PYTHONUSERBASE={1}; "
    'case ":$PATH:" in *:{1}/bin:*) ;; *) PATH="$PATH":{1}/bin ;; esac; else PYTHONUSERBASE={0}; fi'
).format
_AT_A_PROMPT = 'case $- in *i*) if [ -n "${{BASH_VERSION-}}" ] && [ -r {0} ]; then . {0}; fi ;; esac'.format


def render(place: Place, *, ipython: bool = False) -> str:
    """The text of ``HOME/.deepdesign/env.sh`` for this place; ``ipython``: it has a local folder there."""
    own = quote(os.path.join(place.home, ".local"))
    base = quote(place.base.path) if place.base else own
    # After the image's own folders: an older image's program in ~/.local/bin must not stand before Jupyter.
    lines = [
        "# Written by deepdesign-bootstrap at each start; changes made here are lost.",
        _ON_PATH(quote(os.path.join(place.local, "bin"))),
        _ON_PATH(quote(os.path.join(place.home, ".local", "bin"))),
        "export PATH",
        _PER_IMAGE(own, base) if place.base else f"PYTHONUSERBASE={own}",
        "export PYTHONUSERBASE",
        # On the storage two notebooks would overwrite each other's jpserver-1.json, with its port and token.
        f"export JUPYTER_RUNTIME_DIR={quote(os.path.join(place.local, 'jupyter-runtime'))}",
        _FIRST("JUPYTER_CONFIG_PATH", quote(databases.jupyter_folder(place))),
    ]
    if kernel.wanted(place) is not None:
        lines.append(_FIRST("JUPYTER_PATH", quote(os.path.join(place.local, kernel.FOLDER))))
    if ipython:
        lines.append(_UNLESS_SET("IPYTHONDIR", quote(databases.ipython_folder(place))))
    lines += [_UNLESS_SET(name, quote(path)) for name, path in caches.variables(place).items()]
    lines.append(_AT_A_PROMPT(quote(os.path.join(place.local, completion.NAME))))
    if place.links and place.storage.root:
        # So that `deepdesign-bootstrap status` in a terminal looks at the same storage, and that datasets and
        # trained networks go there, whatever the platform calls it.
        lines.append(_UNLESS_SET("DEEPDESIGN_STORAGE", quote(place.storage.root)))
        if place.writable or place.hindered:
            # Fetched once for all notebooks on this storage, unless the user decided otherwise.
            weights = os.path.join(place.storage.root, "deepdesign", "weights")
            lines.append(_UNLESS_SET("DEEPDESIGN_WEIGHTS", quote(weights)))
        # The widely used script's own file; only for people at a prompt, since it may do anything.
        lines.append(_AT_A_PROMPT(quote(os.path.join(place.storage.root, ".bash.local"))))
    lines.append("case . in *) ;; esac")  # status 0, also where somebody has a function called `:`
    return "\n".join(lines) + "\n"
