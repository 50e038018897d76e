#!/usr/bin/env bash
# Builds the version before this one, for the test that runs both on one store (OldAndNewTests).
#   tools/previous-version.sh <folder> [<commit>]
# Without a commit it is the last release; before the first release, the last commit with fewer migrations.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
folder=$(realpath -m "${1:?Usage: tools/previous-version.sh <folder> [<commit>]}")
commit=${2:-}
if [[ -z $commit ]]; then
  commit=$(git describe --tags --abbrev=0 --match 'v*' HEAD^ 2>/dev/null) \
    || commit=$(git rev-parse --verify --quiet "$(git log -1 --format=%H -- src/Countersign/Storage/Migrations)^") \
    || { echo 'There is no version before this one: the history has too few commits.' >&2; exit 1; }
fi
sources=$(mktemp -d)
trap 'git worktree remove --force "$sources"' EXIT
git worktree add --quiet --detach "$sources" "$commit"
echo "Building $(git log -1 --format='%h (%cs)' "$commit")"
dotnet build "$sources/src/Countersign" -c Release -o "$folder" -v quiet --nologo
