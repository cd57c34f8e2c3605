#!/usr/bin/env bash
# The course's command, with its arguments in their order; it calls `deepdesign train`.
set -euo pipefail

if (($# != 3 && $# != 5)); then
    echo "Usage: bash ${0##*/} TRAIN_DIR EPOCHS WEIGHTS_DIR [HEIGHT WIDTH]" >&2
    echo "For example: bash ${0##*/} /storage/buildings 12 /storage/weights/buildings 224 224" >&2
    exit 2
fi

# The program that was installed together with this file, wherever PATH leads.
program="$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/deepdesign"
[[ -x "$program" ]] || program=deepdesign

size=()
(($# == 5)) && size=(--height "$4" --width "$5")
{
    echo "pictures   $1   (one folder for each class)"
    echo "epochs     $2   (how often every picture is shown, at most)"
    echo "weights    $3"
    echo "size       ${4:-224} pixels high, ${5:-224} wide; pictures are cropped to fill it, never stretched"
} >&2
exec "$program" train --epochs "$2" -o "$3" "${size[@]}" -- "$1"
