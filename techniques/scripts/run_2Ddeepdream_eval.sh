#!/usr/bin/env bash
# The course's command, with its arguments in their order; it calls `deepdesign dream`.
set -euo pipefail

if (($# != 7)); then
    echo "Usage: bash ${0##*/} IMAGE WEIGHTS_DIR CLASS RESULTS_DIR NUM_ITERS HEIGHT WIDTH" >&2
    echo "For example: bash ${0##*/} photo.png /storage/my_weights gothic /storage/test 500 720 1280" >&2
    echo "WEIGHTS_DIR may be imagenet, IMAGE may be noise, CLASS may be all." >&2
    exit 2
fi
if [[ ! "$5" =~ ^[0-9]+$ ]] || ((10#$5 < 1)); then
    echo "Error: NUM_ITERS is $5, and must be a whole number above 0, such as 500." >&2
    exit 2
fi

# The program that was installed together with this file, wherever PATH leads.
program="$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/deepdesign"
[[ -x "$program" ]] || program=deepdesign

# 500 of the old loop's steps are our balanced preset of 100; other numbers scale from it.
steps=$(((10#$5 + 4) / 5))
weights=$2
[[ "$weights" == imagenet ]] && weights=auto
# A name without a slash is a folder too, as it was for the old command.
[[ "$weights" == auto || "$weights" == */* ]] || weights="./$weights"
name="${1##*/}"
result="$4/${name%.*}_dreamed_${3//[^[:alnum:]_.-]/-}_final.png"
[[ "$3" == all ]] && result="$4"

{
    echo "picture          $1"
    echo "weights          $weights"
    echo "class            $3"
    echo "result           $result"
    echo "steps            $steps   (500 of the old ones are our 100, the balanced preset)"
    echo "size             $7 x $6 pixels, cropped to fill"
} >&2
exec "$program" dream -o "$result" --weights "$weights" --class "$3" --iterations "$steps" \
    --height "$6" --width "$7" -- "$1"
