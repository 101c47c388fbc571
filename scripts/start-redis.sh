#!/usr/bin/env bash
# Starts a Redis on its usual port that keeps nothing on disk, as the tests expect: for machines that exist to run the
# tests, never for one that holds data.
set -euo pipefail
redis-server --daemonize yes --bind 127.0.0.1 --save '' --appendonly no --dir "$(mktemp -d)" >/dev/null
for _ in $(seq 50); do
  if redis-cli -h 127.0.0.1 ping >/dev/null 2>&1; then exit; fi
  sleep 0.1
done
echo 'Redis does not answer' >&2
exit 1
