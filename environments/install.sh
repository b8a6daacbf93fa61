#!/bin/sh
# Makes .venv with one group of hash-locked requirements and the command `mlops`. Usage: install.sh GROUP
set -eu
group=$1
python=${PYTHON:-python3}

stop() { printf 'mlops: %s\n' "$1" >&2; exit 2; }

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
  stop "Python 3.11 or newer is needed → make PYTHON=python3.11"

# LightGBM's library needs the OpenMP runtime; better said now than after a minute of downloads.
case $(uname -s) in
Darwin)
  [ -e /opt/homebrew/opt/libomp ] || [ -e /usr/local/opt/libomp ] || [ -e /opt/local/lib/libomp ] ||
    stop "the OpenMP runtime is missing → brew install libomp" ;;
*)
  "$python" -c 'import ctypes; ctypes.CDLL("libgomp.so.1")' 2>/dev/null ||
    stop "the OpenMP runtime is missing → sudo apt-get install libgomp1" ;;
esac

if command -v uv >/dev/null 2>&1; then
  [ -x .venv/bin/python ] || uv venv --quiet --python "$python" .venv
  uv pip install --quiet --python .venv/bin/python --require-hashes -r "environments/$group/requirements.txt"
  uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation -e .
else
  # Also where one was broken off, or made by uv: over what is there, this only adds what lacks.
  .venv/bin/python -m pip --version >/dev/null 2>&1 || "$python" -m venv .venv || stop "the virtual environment cannot be made → sudo apt-get install python3-venv"
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r "environments/$group/requirements.txt"
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
fi
touch ".venv/.$group"
case $group in  # a larger group holds the smaller ones
development) touch .venv/.local .venv/.azure ;;
azure) touch .venv/.local ;;
esac
