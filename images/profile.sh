# shellcheck shell=sh disable=SC1091
# Login shells start from Debian's PATH; give them the image's environment and the user's own back. Other shells at a
# prompt have both already, but for what bash keeps to itself: what the Tab key completes, and the user's .bash.local.
# A login bash comes here twice; its number tells it from those that it starts.
[ "${_deepdesign_shell:-}" != "$$" ] || return 0
_deepdesign_shell=$$
case ":$PATH:" in
*:/opt/deepdesign/bin:*) ;;
*) PATH=/opt/deepdesign/bin:$PATH:/usr/local/nvidia/bin ;;
esac
export PATH
if [ -r "${HOME:-/root}/.deepdesign/env.sh" ]; then
    . "${HOME:-/root}/.deepdesign/env.sh"
fi
