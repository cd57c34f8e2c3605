#!/usr/bin/env bash
# The course's command; it calls `deepdesign unpack`, which needs neither root nor apt.
set -euo pipefail

if (($# != 1)); then
    echo "Usage: bash ${0##*/} FILE" >&2
    echo "For example: bash ${0##*/} /storage/photos.zip" >&2
    exit 2
fi

# The program that was installed together with this file, wherever PATH leads.
program="$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/deepdesign"
[[ -x "$program" ]] || program=deepdesign

echo "archive  $1   (unpacked beside it, in a folder of its name)" >&2
exec "$program" unpack -- "$1"
