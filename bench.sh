#!/usr/bin/env bash
# Measures Countersign against controls that are part of the bench and prints one table.
# Needs the .NET 10 SDK and Linux.
#   --quick          fewer and shorter slices, for a first impression
#   --ten-million    lists over ten million requests instead of one million
#   --strict         exit 1 when a floor is missed
#   --stores <folder> keep the loaded list stores there for the next run
#   --only <parts>   some of poll,launchdarkly,create,decide,zendesk,gates,lists,pages,nodes,destinations,outcomes,
#                    size,start,policies,proof
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
export DOTNET_CLI_UI_LANGUAGE=en DOTNET_NOLOGO=1 MSBUILDDISABLENODEREUSE=1 DOTNET_CLI_USE_MSBUILD_SERVER=0

install() { # <command or file to find> <package>
  command -v "$1" >/dev/null || compgen -G "$1" >/dev/null && return
  echo "Installing $2" >&2
  local root=()
  ((EUID == 0)) || root=(sudo)
  "${root[@]}" apt-get -qq -o DPkg::Lock::Timeout=300 update >&2 || true
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 \
    install -y --no-install-recommends "$2" >/dev/null
}
install wrk wrk
install '/usr/lib/postgresql/*/bin/initdb' postgresql

# Beside what building leaves, so on a disk: measuring durable writes in memory would say nothing.
home=artifacts/bench
mkdir -p "$home"
folder=$(mktemp -d "$home/run.XXXXXX")
bench_pid=''
clean_up() { # the bench ends its servers itself, and gets the time to
  [[ -z $bench_pid ]] || { kill "$bench_pid"; wait "$bench_pid"; } || true
  rm -rf "$folder"
} 2>/dev/null
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

publish() {
  dotnet publish "$1" -c Release -r linux-x64 --self-contained false -p:PublishReadyToRun=true -o "$2" -v quiet >&2
}
publish src/Countersign "$home/product"
publish bench/Countersign.Bench "$home/program"

code=0
"$home/program/Countersign.Bench" --product "$home/product/countersign" --folder "$folder" "$@" &
bench_pid=$!
wait "$bench_pid" || code=$?
bench_pid=''
exit "$code"
