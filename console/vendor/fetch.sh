#!/usr/bin/env bash
# Fetches the view library into this folder: `console/vendor/fetch.sh`, after a change of a version below.
#
# The files are those of the packages, with two changes: no source maps, and what one imports from another is its address here, as no
# import map would be allowed by the page's policy. SHA256SUMS says what they must be; `fetch.sh --accept` writes it anew.
set -euo pipefail
cd "$(dirname "$0")"

PREACT=11.2.0
HTM=3.1.1

packed=$(mktemp -d)
trap 'rm -r "$packed"' EXIT

# A package's files, unpacked.
package() {
  local name=$1 version=$2
  mkdir "$packed/$name"
  (cd "$packed" && npm pack --silent "$name@$version" > /dev/null)
  tar -xzf "$packed/$name-$version.tgz" -C "$packed/$name" --strip-components=1
}

# A module of a package as it is served.
module() {
  sed -E -e 's#from"preact"#from"./preact.js"#g' -e '/^\/\/# sourceMappingURL=/d' "$packed/$1" > "$2"
}

package preact "$PREACT"
package htm "$HTM"
module preact/dist/preact.mjs preact.js
module preact/hooks/dist/hooks.mjs hooks.js
module htm/dist/htm.module.js htm.js
{
  printf 'preact.js and hooks.js are Preact %s:\n\n' "$PREACT"
  cat "$packed/preact/LICENSE"
  printf '\n\nhtm.js is HTM %s:\n\n' "$HTM"
  cat "$packed/htm/LICENSE"
} > licences.txt

if [ "${1:-}" = --accept ]; then
  sha256sum preact.js hooks.js htm.js licences.txt > SHA256SUMS
fi
sha256sum --check --quiet SHA256SUMS
