#!/usr/bin/env bash
# Builds the version before this one, for the test that runs both on one store (OldAndNewTests).
#   tools/previous-version.sh <folder> [<commit>]
# Without a commit it is the last release; before the first release, the last commit that had fewer migrations and no
# other ones than the first of today's.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
folder=$(realpath -m "${1:?Usage: tools/previous-version.sh <folder> [<commit>]}")
commit=${2:-}
if [[ -z $commit ]]; then
  migrations=src/Countersign/Storage/Migrations
  names() { git ls-tree --name-only "$1" "$migrations/" | cut -d. -f1 | sort -u; }
  if ! commit=$(git describe --tags --abbrev=0 --match 'v*' HEAD^ 2>/dev/null); then
    for change in $(git log --format=%H -- "$migrations"); do
      older=$(git rev-parse --verify --quiet "$change^") || break
      if [[ $(names HEAD) == "$(names "$older")"$'\n'* ]]; then commit=$older; break; fi
    done
  fi
  [[ -n $commit ]] || { echo 'There is no version before this one: the history has too few commits.' >&2; exit 1; }
fi
sources=$(mktemp -d)
trap 'git worktree remove --force "$sources"' EXIT
git worktree add --quiet --detach "$sources" "$commit"
echo "Building $(git log -1 --format='%h (%cs)' "$commit")"
dotnet build "$sources/src/Countersign" -c Release -o "$folder" -v quiet --nologo
