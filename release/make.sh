#!/usr/bin/env bash
# Makes a release of the version in Cargo.toml: an archive, a list of what is built in, their sums, and last of all a tag.
#
#   release/make.sh      nothing is pushed; DRY_RUN=1 neither commits nor tags
#
# CHANGELOG.md has a section for the version: `## 1.2.3 - unreleased`, whose date is set here, or one with a date.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { echo "no release: $*" >&2; exit 1; }

version=$(sed -nE '0,/^version = /s/^version = "(.*)"$/\1/p' Cargo.toml)
target=$(rustc -vV | sed -n 's/^host: //p')
name=mesej-$version-$target
tag=v$version
[ -z "$(git status --porcelain)" ] || fail "the work tree has changes that are not committed"
! git rev-parse --quiet --verify "refs/tags/$tag" >/dev/null || fail "the tag $tag is there already"
heading="## ${version//./\\.} - "
grep -qE "^$heading(unreleased|[0-9]{4}-[0-9]{2}-[0-9]{2})$" CHANGELOG.md \
  || fail "CHANGELOG.md has no section \`## $version - unreleased\`"

dist=$PWD/dist
staged=$(mktemp -d)
trap 'rm -rf "$staged"' EXIT
folder=$staged/$name
mkdir -p "$dist" "$folder"

python3 -c 'import tomllib' 2>/dev/null || fail "Python 3.11 or later is needed"
day=$(date -u +%F)
# Every file has the time of the release's day, so that the same files make the same archive, before and after the commit.
at=$(date -u -d "$(sed -nE "s/^$heading([0-9]{4}-[0-9]{2}-[0-9]{2})\$/\1/p" CHANGELOG.md | grep . || echo "$day")" +%s)

cargo build --locked --profile dist --package mesej --bin mesej
built=${CARGO_TARGET_DIR:-target}/dist/mesej
[ "$("$built" --version)" = "mesej $version" ] || fail "$built says that it is $("$built" --version)"

install -m 755 "$built" "$folder/mesej"
install -m 644 README.md CONTRIBUTING.md SECURITY.md LICENSE-APACHE LICENSE-MIT config.default.toml "$folder"
cp -r docs grafana "$folder"
sed -E "s/^${heading}unreleased$/## $version - $day/" CHANGELOG.md >"$folder/CHANGELOG.md"
python3 release/sbom.py "$target" >"$dist/$name.cdx.json"

tar --create --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$at" --directory "$staged" "$name" \
  | gzip --no-name >"$dist/$name.tar.gz"
(cd "$dist" && sha256sum "$name.tar.gz" "$name.cdx.json" | tee "$name.sha256")

if [ "${DRY_RUN:-0}" != 0 ]; then
  echo "dry run: neither committed nor tagged $tag"
  exit
fi
if ! cmp --quiet "$folder/CHANGELOG.md" CHANGELOG.md; then
  cp "$folder/CHANGELOG.md" CHANGELOG.md
  git commit --quiet --message "Date the release $version" CHANGELOG.md
fi
git tag --annotate "$tag" --message "mesej $version"
echo "tagged $tag; push it with: git push origin HEAD $tag"
