#!/bin/sh
# usage: environment.sh [python]
# Make .venv with that interpreter, or with the first one that will do; an environment that is as wanted stays.
# The pip in it may be of any age: each can install build.txt, which brings the one that is locked.
set -eu
wanted=${1:-}
recent='import sys; sys.exit(sys.version_info < (3, 11))'
which='import sys; print(sys.base_prefix, sys.version)'
locked='install --quiet --require-hashes --requirement requirements/build.txt'

python=
for candidate in "${wanted:-python3.11}" python3.12 python3.13 python3; do
  if "$candidate" -c "$recent" 2>/dev/null; then
    python=$candidate
    break
  fi
  if [ -n "$wanted" ]; then
    echo "$wanted does not run here, or is older than Python 3.11. Name another: make setup PYTHON=/path/to/python3" >&2
    exit 1
  fi
done

if .venv/bin/python -c "$recent" 2>/dev/null && .venv/bin/python -m pip --version >/dev/null 2>&1; then
  if [ -z "$wanted" ] || [ "$("$python" -c "$which")" = "$(.venv/bin/python -c "$which")" ]; then
    exit 0
  fi
fi
if [ -z "$python" ]; then
  echo "Kalends needs Python 3.11 or later. Install it, or name it: make setup PYTHON=/path/to/python3" >&2
  exit 1
fi
if [ -e .venv ]; then
  had=$(.venv/bin/python --version 2>/dev/null || echo "none that runs")
  echo "Replacing .venv (its Python: $had) by one with $("$python" --version)"
else
  echo "Creating .venv with $("$python" --version)"
fi

remove() { rm -rf .venv; }
with_venv() { remove && "$python" -m venv .venv; }
with_virtualenv() { remove && "$python" -m virtualenv --quiet .venv; }
with_pip_outside() {
  # shellcheck disable=SC2086 # several words on purpose
  remove && "$python" -m venv --without-pip .venv && "$python" -m pip --python .venv/bin/python $locked
}
with_uv() {
  # shellcheck disable=SC2086 # several words on purpose
  remove && uv venv --quiet --python "$python" .venv && uv pip --quiet $locked --python .venv/bin/python
}
{ with_venv || with_virtualenv || with_pip_outside || with_uv; } >/dev/null 2>&1 || {
  remove
  echo "$python can make no virtual environment: install its venv and ensurepip" >&2
  echo "(Debian and Ubuntu: apt-get install python3-venv), or pip, virtualenv or uv, and try again." >&2
  exit 1
}
