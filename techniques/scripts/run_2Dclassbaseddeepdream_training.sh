#!/usr/bin/env bash
# The later name of the same course command.
exec bash "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/run_2Ddeepdream_training.sh" "$@"
