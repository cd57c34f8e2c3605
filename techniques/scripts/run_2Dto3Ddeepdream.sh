#!/usr/bin/env bash
# The course's command, with its arguments in their order; it calls `deepdesign mesh-dream`.
set -euo pipefail

if (($# != 4)); then
    echo "Usage: bash ${0##*/} OBJ_FILE OUTPUT_NAME OUTPUT_FOLDER NUM_ITERS" >&2
    echo "For example: bash ${0##*/} tower.obj result.gif /artifacts 300" >&2
    exit 2
fi
if ! [[ $4 =~ ^[1-9][0-9]{0,6}$ ]]; then
    echo "Error: NUM_ITERS is $4, which is no number of steps. Give one such as 300." >&2
    exit 2
fi

# The program that was installed together with this file, wherever PATH leads.
program="$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/deepdesign"
[[ -x "$program" ]] || program=deepdesign

# The course gave a .gif's name; a turntable of that name lies beside the mesh.
name="${2##*/}"
case "${name##*.}" in gif | obj | glb | png | jpg) name="${name%.*}" ;; esac
result="$3/${name:-result}.obj"
# The course's example of 300 steps is our balanced preset of 100.
steps=$((($4 + 2) / 3))

{
    echo "mesh        $1"
    echo "result      $result"
    echo "iterations  $4   ($steps of ours: more of what the network sees in the mesh, in colours and form)"
} >&2
exec "$program" mesh-dream -o "$result" --amplify --what both --iterations "$steps" -- "$1"
