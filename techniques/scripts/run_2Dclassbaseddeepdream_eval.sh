#!/usr/bin/env bash
# The same command under the name that the course's later weeks used.
set -euo pipefail
exec bash "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/run_2Ddeepdream_eval.sh" "$@"
