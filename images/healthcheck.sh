#!/usr/bin/env bash
# Healthy is: Jupyter answers on its port, or the container was started for something else than Jupyter.
# shellcheck disable=SC1091
. /opt/deepdesign/share/command.sh
mapfile -d '' -t words </proc/1/cmdline
is_jupyter "${words[@]}" || exit 0
port=$(printf '%s ' "${words[@]}" | sed -n 's/.*--\(ServerApp\.\)\{0,1\}port[= ]\{1,\}\([0-9]\{1,\}\).*/\2/p')
# Any answer will do: without the token it is a refusal.
curl --silent --output /dev/null --max-time 4 "http://127.0.0.1:${port:-8888}/api"
