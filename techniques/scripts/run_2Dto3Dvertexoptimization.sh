#!/usr/bin/env bash
# The course's command, with its arguments in their order; it calls `deepdesign mesh-fit`.
set -euo pipefail

if (($# != 5)); then
    echo "Usage: bash ${0##*/} OBJ_FILE IMAGE_FILE OUTPUT_NAME OUTPUT_FOLDER NUM_ITERS" >&2
    echo "For example: bash ${0##*/} tower.obj outline.png result /artifacts 250" >&2
    exit 2
fi

# The program that was installed together with this file, wherever PATH leads.
program="$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/deepdesign"
[[ -x "$program" ]] || program=deepdesign

# The course gave a .gif's name; what comes out here is the mesh.
name="${3##*/}"
case "${name##*.}" in gif | obj | glb | png | jpg) name="${name%.*}" ;; esac
result="$4/${name:-result}.obj"

{
    echo "mesh        $1"
    echo "guide       $2   (a silhouette, seen from the right: azimuth 90, as the course's camera)"
    echo "result      $result"
    echo "iterations  $5"
} >&2
exec "$program" mesh-fit -o "$result" --camera course --iterations "$5" -- "$1" "$2"
