#!/usr/bin/env bash
# run.sh MESEJ: has the given binary keep files in a bucket of `moto`, an S3 server from PyPI, and looks at what is there (check.py).
# The server is installed into $S3_DIR (kept between runs; a temporary folder when unset).
set -euo pipefail

if [ $# -ne 1 ]; then
    echo "usage: $0 MESEJ" >&2
    exit 2
fi
mesej=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
dir=${S3_DIR:-$folder/venv}
[ -x "$dir/bin/moto_server" ] || {
    python3 -m venv "$dir"
    "$dir/bin/pip" install --quiet --disable-pip-version-check 'moto[s3,server]==5.2.5'
}
"$dir/bin/python" -B "$here/check.py" "$mesej" "$dir/bin/moto_server" "$folder"
