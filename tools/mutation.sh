#!/usr/bin/env bash
# Changes the pure files that decide who may approve, one place at a time, and runs their tests for each change: a
# change that no test notices (a survivor) shows what isn't tested. docs/testing.md has the last result.
# Takes up to an hour. Arguments go to Stryker, for example: tools/mutation.sh --mutate '**/Requests/Weigh.cs'
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export DOTNET_CLI_UI_LANGUAGE=en DOTNET_NOLOGO=1
home=$PWD/artifacts/mutation
stryker=$home/tool/dotnet-stryker
[[ -x $stryker ]] || dotnet tool install dotnet-stryker --version 5.1.0 --tool-path "$home/tool"
cd tests/Countersign.Pure.Tests
"$stryker" --config-file stryker-config.json --output "$home" --skip-version-check "$@"
