#!/usr/bin/env bash
# Keeps a store of today's version on each engine, for the test that brings earlier stores up to date (KeptStoreTests).
# Run it before a release, and when that test says that too many migrations were added since the last time.
# Needs the .NET 10 SDK, pg_dump, and a PostgreSQL that may be written to:
#   TEST_POSTGRES='Host=127.0.0.1;Port=5432;Username=postgres;Password=…;Database=postgres' tools/keep-store.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
: "${TEST_POSTGRES:?Set it to the connection of a PostgreSQL on which databases can be created.}"
command -v pg_dump >/dev/null || { echo 'pg_dump is missing: install the client programs of PostgreSQL.' >&2; exit 1; }
export KEEP_STORES=1 DOTNET_CLI_UI_LANGUAGE=en DOTNET_NOLOGO=1
dotnet run --project tests/Countersign.Tests -- --no-ansi --filter-method '*KeptStoreTests.Not_too_many_*'
git status --short tests/Countersign.Tests/Storage/Kept
