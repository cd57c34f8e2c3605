#!/usr/bin/env bash
# The course's command, with its arguments in their order; it calls `deepdesign style`.
set -euo pipefail

if (($# != 8)); then
    echo "Usage: bash ${0##*/} CONTENT_FILE STYLE_FILE MASK_FILE OUTPUT_DIR IMAGE_SIZE STYLE_WEIGHT CONTENT_WEIGHT NUM_ITERS" >&2
    echo "For example: bash ${0##*/} photo.jpg painting.jpg mask.png /artifacts/result 500 0.2 1.0 1000" >&2
    exit 2
fi
iterations="$8"
if [[ ! "$iterations" =~ ^[0-9]+$ ]]; then
    echo "NUM_ITERS is a whole number, not '$iterations'." >&2
    exit 2
fi
# The course's 1000 steps at one size do what our 200 in a pyramid do.
steps=$((10#$iterations / 5 > 0 ? 10#$iterations / 5 : 1))

# The program that was installed together with this file, wherever PATH leads.
program="$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/deepdesign"
[[ -x "$program" ]] || program=deepdesign

{
    echo "content picture  $1"
    echo "style picture    $2"
    echo "mask             $3   (white takes the style, black keeps the content)"
    echo "results          $4"
    echo "width            $5 pixels, aspect kept"
    echo "style weight     $6   (0.2 and 1.0 are the balance; larger takes more of the style's textures)"
    echo "content weight   $7   (larger keeps more of the content's forms)"
    echo "steps            $steps, for the course's $iterations"
} >&2
exec "$program" style -o "$4" --mask "$3" --width "$5" --style-weight "$6" --content-weight "$7" \
    --iterations "$steps" -- "$1" "$2"
