#!/usr/bin/env bash
# The course's command, with its arguments in their order; it calls `deepdesign mesh-style`.
set -euo pipefail

if (($# != 7)); then
    echo "Usage: bash ${0##*/} OBJ_FILE IMAGE_FILE OUTPUT_NAME OUTPUT_DIR STYLE_WEIGHT CONTENT_WEIGHT NUM_ITERS" >&2
    echo "For example: bash ${0##*/} house.obj painting.jpg house.gif /artifacts 1.0 2e9 1000" >&2
    exit 2
fi

# The program that was installed together with this file, wherever PATH leads.
program="$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/deepdesign"
[[ -x "$program" ]] || program=deepdesign

for number in "$5" "$6" "$7"; do
    if ! [[ $number =~ ^[0-9]*\.?[0-9]+([eE][+-]?[0-9]+)?$ ]]; then
        echo "Error: '$number' is not a number from 0 up. STYLE_WEIGHT CONTENT_WEIGHT NUM_ITERS are, such as 1.0 2e9 1000." >&2
        exit 2
    fi
done

# The course's numbers are in the units of its own losses: its example is our balance, others scale from there.
content=$(LC_ALL=C awk -v given="$6" 'BEGIN { printf "%.6g", 5.0 * given / 2e9 }')
iterations=$(LC_ALL=C awk -v given="$7" 'BEGIN { n = int(200 * given / 1000 + 0.5); print n < 1 ? 1 : n }')
name=${3##*/}
case $name in
*.obj | *.glb) result=$4/$name ;;
*) result=$4/${name%.*}.obj ;;
esac

{
    echo "mesh             $1"
    echo "style picture    $2"
    echo "result           $result, with GLB, turntable (GIF, WebP) and a report page beside it"
    echo "what changes     form and colours"
    echo "style weight     $5   (1.0 is the balance; larger takes more of the style)"
    echo "content weight   $6   ($content in deepdesign's units, where 5 is the balance)"
    echo "iterations       $7   ($iterations of deepdesign's; the course's 1000 are 200)"
} >&2
exec "$program" mesh-style -o "$result" --what both --style-weight "$5" --content-weight "$content" \
    --iterations "$iterations" -- "$1" "$2"
