#!/bin/sh
# Makes the environment of `make train`, or adds what is missing to one that has torch.
#   sh scripts/install.sh ENVIRONMENT default|cpu LOCK
set -eu
venv=$1 torch=$2 lock=$3
case $torch in default | cpu) ;; *) echo "error: TORCH is default or cpu, not $torch" >&2; exit 2 ;; esac

pip() { "$PYTHON" -m pip --python "$venv" --disable-pip-version-check "$@"; }
has_torch() { "$venv/bin/python" -c 'import importlib.util as u; raise SystemExit(u.find_spec("torch") is None)'; }

if [ "$venv" != .venv ] && [ -x "$venv/bin/python" ] && has_torch; then
    echo "adding what is missing to $venv; its torch stays as it is"
    fixed=$(mktemp)
    trap 'rm -f "$fixed"' EXIT
    "$venv/bin/python" - >"$fixed" <<'END'
from importlib.metadata import distributions

for one in distributions():
    name = one.name.lower()
    if name in ("torch", "torchvision", "triton") or name.startswith(("nvidia-", "cuda-")):
        print(f"{name}=={one.version}")
END
    pip install --quiet --constraint "$fixed" --editable ".[dev]" || {
        echo "error: what is missing does not go with $(grep '^torch==' "$fixed"), which was not replaced" >&2
        echo "  expected: torch >= 2.11 and, if there is one, the torchvision that goes with it" >&2
        exit 2
    }
    exit
fi

"$PYTHON" -m venv "$venv"
if [ "$torch" = cpu ]; then
    echo "installing into $venv: about 2 GB, some minutes"
    pip install --quiet uv
    # it knows where PyTorch keeps its builds without CUDA
    "$venv/bin/uv" pip install --quiet --python "$venv/bin/python" --torch-backend cpu -r "$lock"
else
    echo "installing into $venv: about 6 GB on Linux, some minutes"
    pip install --quiet -r "$lock"
fi
pip install --quiet --no-deps --editable .
