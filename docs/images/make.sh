#!/usr/bin/env bash
# Makes the pictures in this folder: starts the demo on a store of its own, signs in with a printed password, and takes
# screenshots of the inbox and a request in light, in dark and on a phone. Needs Chromium (TEST_CHROMIUM, else on the
# path) and a build of the tests, which brings the driver.
set -euo pipefail
cd "$(dirname "$0")/../.."
chromium=${TEST_CHROMIUM:-$(command -v chromium || command -v google-chrome || true)}
[[ -n $chromium ]] || { echo 'No Chromium here: install it, or set TEST_CHROMIUM.' >&2; exit 1; }
dotnet build Countersign.slnx -c Release -v q -nologo
driver=$PWD/artifacts/bin/Countersign.Tests/release/.playwright
node=$(command -v node || echo "$driver"/node/*/node)

temp=$(mktemp -d)
demo_pid=
trap '[[ -z $demo_pid ]] || kill "$demo_pid" 2>/dev/null || true; rm -rf "$temp"' EXIT
artifacts/bin/Countersign/release/countersign demo --json --data "$temp/data" --urls "http://localhost:${PORT:-5097}" \
  --every 1h >"$temp/demo.json" 2>"$temp/demo.log" &
demo_pid=$!
for _ in {1..100}; do [[ -s $temp/demo.json ]] && break; sleep 0.2; done
"$node" docs/images/make.js "$driver/package" "$chromium" "$temp/demo.json" docs/images
