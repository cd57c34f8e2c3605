"""Tab completion for bash: each program is asked for what may follow, as click has it.

One function for all programs, since the variable by which click is asked comes from the program's name.
"""

from collections.abc import Iterable

NAME = "completion.bash"

_FUNCTION = """\
# Written by deepdesign-bootstrap at each start; changes made here are lost.
_deepdesign_complete() {
    local asked response kind value
    asked=${1##*/} && asked=_${asked//[^A-Za-z0-9]/_}_COMPLETE
    response=$(env COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD "${asked^^}=bash_complete" \\
        "$1" 2>/dev/null)
    while IFS=, read -r kind value; do
        case $kind in
        dir) COMPREPLY=() && compopt -o dirnames ;;
        file) COMPREPLY=() && compopt -o default ;;
        plain) COMPREPLY+=("$value") ;;
        esac
    done <<<"$response"
}
"""


def render(programs: Iterable[str]) -> str:
    """The text of ``HOME/.deepdesign/completion.bash`` for the click programs of these names."""
    return _FUNCTION + "".join(
        f"complete -o nosort -F _deepdesign_complete {name}\n" for name in sorted(programs)
    )
