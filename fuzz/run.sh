#!/usr/bin/env bash
# Runs fuzz targets one after the other, each for a time, and stops at the first finding.
#
#   fuzz/run.sh SECONDS [TARGET…]      all targets when none is named
#
# What was learnt is kept in fuzz/corpus, a finding in fuzz/artifacts: neither is committed. A seed is a small file that we wrote.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=$1
shift
# The flags that fuzzing needs are nightly Rust's alone; which nightly matters little.
toolchain=${FUZZ_TOOLCHAIN:-nightly}
if [ $# -gt 0 ]; then
  targets=("$@")
else
  list=$(cargo "+$toolchain" fuzz list)
  mapfile -t targets <<<"$list"
fi

for target in "${targets[@]}"; do
  mkdir -p "fuzz/corpus/$target"
  cargo "+$toolchain" fuzz run "$target" "fuzz/corpus/$target" "fuzz/seeds/$target" -- \
    -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1
done
