# shellcheck shell=sh disable=SC1091
# Login shells start from Debian's PATH; give them the image's environment and the user's own back.
case ":$PATH:" in
*:/opt/deepdesign/bin:*) ;;
*) PATH=/opt/deepdesign/bin:$PATH:/usr/local/nvidia/bin ;;
esac
export PATH
if [ -r "${HOME:-/root}/.deepdesign/env.sh" ]; then
    . "${HOME:-/root}/.deepdesign/env.sh"
fi
