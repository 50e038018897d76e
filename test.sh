#!/usr/bin/env bash
# Formats, builds and tests everything on a machine that has no more than the .NET 10 SDK.
# Once tests have run, the last line is "N passed, N failed, N skipped".
#   --long           also run the long loops
#   --filter <text>  run only the tests whose full name contains <text>
#   --coverage       also print the share of lines that the tests run, and write a Cobertura file to artifacts/coverage
set -euo pipefail
set -m # job control: every step is a process group of its own and can be ended with all its children
cd "$(dirname "${BASH_SOURCE[0]}")"
# Only we decide these.
unset TEST_LONG TEST_POSTGRES TEST_POSTGRES_MISSING TEST_CHROMIUM TEST_CHROMIUM_MISSING TEST_OLD_PROGRAM

filter=() coverage=() report=artifacts/coverage
while (($#)); do
  case "$1 ${2:-}" in
    '--long '*) export TEST_LONG=1 ;;
    '--filter '?*) filter=(--filter-method "*$2*"); shift ;;
    '--coverage '*)
      coverage=(--coverlet --coverlet-output-format cobertura --coverlet-single-hit --results-directory "$PWD/$report"
        --coverlet-include '[countersign]*' --coverlet-include '[Countersign.Simulator]*') ;;
    *) echo 'Usage: ./test.sh [--long] [--filter <text>] [--coverage]' >&2; exit 2 ;;
  esac
  shift
done

# English, because the counts are read from the runner's summary. One compiler builds all projects and ends with its
# step; no other server outlives us. Most code runs a few times only: measuring it, to compile it better later, costs
# more than it gives.
export DOTNET_CLI_UI_LANGUAGE=en DOTNET_NOLOGO=1 DOTNET_TieredPGO=0
export MSBUILDDISABLENODEREUSE=1 DOTNET_CLI_USE_MSBUILD_SERVER=0 UseSharedCompilation=true

temp=$(mktemp -d) step_pid='' postgres_pid=''
clean_up() {
  [[ -z $step_pid ]] || kill -- "-$step_pid" || true
  # QUIT is PostgreSQL's immediate shutdown: nobody will read this data again.
  [[ -z $postgres_pid ]] || { kill -QUIT "$postgres_pid"; wait "$postgres_pid"; } || true
  rm -rf "$temp" "${stores:-}"
} 2>/dev/null
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# The tests' stores are small, many and thrown away: in memory, where there is room, nothing waits for the disk.
stores=$temp
if [[ -w /dev/shm ]] && ! grep -q ' /dev/shm [^ ]* [^ ]*noexec' /proc/mounts \
  && (($(df --output=avail -k /dev/shm | tail -n 1) > 4 * 1024 * 1024)); then
  stores=$(mktemp -d -p /dev/shm)
fi

heading() { printf '\n== %s\n' "$*"; }

run() { # waits for a background job, because bash hears signals during `wait` but not during a foreground command
  local code=0
  "$@" </dev/null & step_pid=$!
  wait "$step_pid" || code=$?
  kill -- "-$step_pid" 2>/dev/null || true # whatever the step left behind
  step_pid=''
  return "$code"
}

step() { heading "$1"; run "${@:2}" || { printf '\nFailed: %s\n' "$1" >&2; exit 1; }; }

# --- What the tests need: each function that can fail leaves the cause in `reason` ---

missing() { # skips the component's tests, visibly; a build machine has nobody who would see it, so there it fails
  echo "$1 is missing: $reason" >&2
  [[ ${CI:-} != true ]] || exit 1
  export "$2=$reason"
}

apt() { # waits for the lock, since another run may be installing the same
  local root=()
  ((EUID == 0)) || root=(sudo)
  ((EUID == 0)) || [[ -t 0 ]] || root+=(-n) # without a terminal nobody can type a password
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" >"$temp/apt.log" 2>&1
}

install() {
  echo "Installing $1"
  # A failed update is no failure yet: the lists at hand may do, and if not, the installation says so.
  [[ -n ${updated:-} ]] || apt update || true
  updated=1
  apt install -y --no-install-recommends "$1" \
    && reason="the $1 that apt-get installs is too old or does not run" && return
  reason="apt-get could not install $1: $(grep -m 1 -E '^E: |sudo' "$temp/apt.log" || tail -n 1 "$temp/apt.log")"
  return 1
}

find_postgres() { # the newest, if it is new enough
  local initdb version
  for initdb in $(printf '%s\n' /usr/lib/postgresql/*/bin/initdb | sort -rV) initdb; do
    initdb=$(command -v "$initdb") && version=$("$initdb" --version | grep -oE '[0-9]+' | head -n 1) || continue
    if ((version >= 15)); then bin=$(dirname "$initdb"); return; fi
  done
  return 1
}

find_chromium() { # <program…>: the first that runs
  for TEST_CHROMIUM; do
    "$TEST_CHROMIUM" --version >/dev/null 2>&1 && TEST_CHROMIUM=$(command -v "$TEST_CHROMIUM") && return
  done
  return 1
}

start_postgres() { # a private server that need not survive anything, on loopback only
  local data=$stores/postgres log=$temp/postgres.log port as=()
  mkdir "$data"
  if ((EUID == 0)); then # PostgreSQL refuses to run as root
    as=(--reuid=postgres --regid=postgres --init-groups)
    chmod 711 "$stores" "$temp" && chown postgres: "$data"
  fi 2>"$log" || { reason=$(tail -n 1 "$log"); return 1; }
  # A linguistic collation, as most installations have: code that relies on the order of bytes has to say so.
  (cd "$data" && setpriv "${as[@]}" "$bin/initdb" -D "$data" -U postgres --auth=trust --no-sync --encoding=UTF8 \
    --locale=C.UTF-8 --locale-provider=icu --icu-locale=en-US) >"$log" 2>&1 \
    || { reason="initdb: $(tail -n 1 "$log")"; return 1; }
  # A free port cannot be reserved, only taken: a server whose port is in use ends at once, and the next is tried.
  for _ in {1..20}; do
    port=$((20000 + RANDOM % 12000))
    # pdeathsig: the kernel ends the server if this script is killed without a chance to clean up.
    (cd "$data" && exec setpriv "${as[@]}" --pdeathsig QUIT "$bin/postgres" -D "$data" -p "$port" \
      -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=300 -c shared_buffers=64MB \
      -c fsync=off -c full_page_writes=off -c synchronous_commit=off -c autovacuum=off) </dev/null >"$log" 2>&1 &
    postgres_pid=$!
    while kill -0 "$postgres_pid" 2>/dev/null; do
      if grep -q 'ready to accept connections' "$log"; then
        export TEST_POSTGRES="Host=127.0.0.1;Port=$port;Username=postgres;Database=postgres;Password=unused"
        return
      fi
      sleep 0.1
    done
  done
  postgres_pid='' reason="the server does not start: $(grep -m 1 FATAL "$log" || tail -n 1 "$log")"
  return 1
}

heading 'What the tests need'
if { find_postgres || { install postgresql && find_postgres; }; } && start_postgres; then
  echo "$("$bin/postgres" --version) on $TEST_POSTGRES"
else missing PostgreSQL TEST_POSTGRES_MISSING; fi
# Without windows Chromium does the same with half the work, but not every system has it that way.
shell=chromium-headless-shell
if find_chromium "$shell" || { install "$shell" && find_chromium "$shell"; } \
  || find_chromium chromium google-chrome google-chrome-stable \
  || { install chromium && find_chromium chromium; }; then
  export TEST_CHROMIUM; echo "Chromium at $TEST_CHROMIUM"
else unset TEST_CHROMIUM; missing Chromium TEST_CHROMIUM_MISSING; fi

# The program starts in less time when it is compiled ahead. The compiler for that is a package of its own, which tests
# can do without; and coverage has to change the program and needs it as it was.
ahead=-p:Ahead=true
((${#coverage[@]} == 0)) || ahead=-p:Ahead=false
heading 'Restore'
if [[ $ahead == *false ]] || ! run dotnet restore Countersign.slnx "$ahead"; then
  ahead=-p:Ahead=false
  step 'Restore, without compiling ahead' dotnet restore Countersign.slnx "$ahead"
fi
step 'Restore the formatter' dotnet tool restore
step 'Format (to repair: dotnet csharpier format .)' dotnet csharpier check .
step 'Build, with analyzers and code style' \
  dotnet build Countersign.slnx -c Release --no-restore -p:Checks=true "$ahead"

if [[ -n ${TEST_LONG:-} ]]; then
  heading 'Build the version before, to run beside this one'
  if run tools/previous-version.sh "$temp/previous"; then export TEST_OLD_PROGRAM=$temp/previous/countersign; fi
fi

heading 'Test'
tests() {
  TMPDIR=$stores dotnet test --solution Countersign.slnx -c Release --no-build --no-ansi --no-progress "$@" 2>&1 \
    | tee "$temp/tests.log"
}
rm -rf "$report"
code=0
run tests "${filter[@]}" "${coverage[@]}" || code=$?

count() { # from the last summary; a run that died before writing one has passed nothing
  read -r passed failed skipped < <(awk '
    /^Test run summary:/ { summary = 1; p = f = s = 0 }
    summary && $1 == "succeeded:" { p = $2 }
    summary && $1 == "failed:" { f = $2 }
    summary && $1 == "skipped:" { s = $2 }
    END { print p + 0, f + 0, s + 0 }' "$temp/tests.log")
}
count

# A few failures may be the machine's: those tests run once more, by themselves. What passes then is still named,
# because a test that needs a second try is a defect; it just isn't a reason to stop a build.
mapfile -t again < <(sed -nE 's/^failed (Countersign[A-Za-z0-9_.+]*).*/\1/p' "$temp/tests.log" | sort -u)
unsteady=()
if ((code == 2 && ${#again[@]} > 0 && ${#again[@]} <= 3)); then
  heading "Once more, by themselves: ${again[*]}"
  first=("$passed" "$failed" "$skipped") code=0
  run tests "${again[@]/#/--filter-method=}" || code=$?
  count
  ((code != 0)) || unsteady=("${again[@]}")
  passed=$((first[0] + first[1] - failed)) skipped=${first[2]}
fi
if ((passed + failed + skipped == 0)); then
  echo 'No test has run.' >&2; code=1
elif ((code != 0 && failed == 0)); then
  echo "The runner failed though no test did (exit code $code, see above); counted as one failure." >&2; failed=1
fi
if ((${#coverage[@]})) && mv "$report"/coverage.cobertura*.xml "$report/coverage.cobertura.xml"; then
  awk -F '"' -v file="$report/coverage.cobertura.xml" '/<coverage / {
    for (i = 1; i < NF; i += 2) { sub(/.* /, "", $i); rate[$i] = $(i + 1) * 100 }
    printf "\nCoverage: %.1f %% of lines, ", rate["line-rate="]
    printf "%.1f %% of branches (%s)\n", rate["branch-rate="], file; exit
  }' "$report/coverage.cobertura.xml"
fi
for name in "${unsteady[@]}"; do printf '\nUnsteady (failed once, then passed by itself): %s' "$name"; done
printf '\n%s passed, %s failed, %s skipped\n' "$passed" "$failed" "$skipped"
((code == 0 && failed == 0)) || exit 1
