#!/usr/bin/env bash
# The course's command, with its arguments in their order; it calls `deepdesign style`.
set -euo pipefail

if (($# != 6)); then
    echo "Usage: bash ${0##*/} CONTENT_FILE STYLE_FILE OUTPUT_FILE IMAGE_SIZE CONTENT_WEIGHT STYLE_WEIGHT" >&2
    echo "For example: bash ${0##*/} photo.jpg painting.jpg /artifacts/result.jpg 500 5.0 1.0" >&2
    exit 2
fi

# The program that was installed together with this file, wherever PATH leads.
program="$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/deepdesign"
[[ -x "$program" ]] || program=deepdesign

{
    echo "content picture  $1"
    echo "style picture    $2"
    echo "result           $3"
    echo "width            $4 pixels, aspect kept"
    echo "content weight   $5   (5.0 and 1.0 are the balance; larger keeps more of the content's forms)"
    echo "style weight     $6   (larger takes more of the style's textures)"
} >&2
exec "$program" style -o "$3" --width "$4" --content-weight "$5" --style-weight "$6" -- "$1" "$2"
