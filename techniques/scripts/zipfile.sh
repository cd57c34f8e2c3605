#!/usr/bin/env bash
# The course's command; it calls `deepdesign pack`, which needs neither root nor apt.
set -euo pipefail

if (($# != 1)); then
    echo "Usage: bash ${0##*/} FOLDER" >&2
    echo "For example: bash ${0##*/} /storage/photos" >&2
    exit 2
fi

# The program that was installed together with this file, wherever PATH leads.
program="$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/deepdesign"
[[ -x "$program" ]] || program=deepdesign

echo "folder  $1   (packed into a .zip of its name, beside it)" >&2
exec "$program" pack -- "$1"
