#!/usr/bin/env bash
# Builds what people install, into artifacts/release: archives, Debian packages, a .NET tool, a container image, an SBOM
# and signed checksums.
#   --only <form>    archives, deb, tool, image or sbom; may be repeated. Default: all
#   --rid <rid>      one platform of the archives; may be repeated. Default: all
#   --version <v>    instead of the version from the git tag
#   --sign <key>     sign SHA256SUMS with this GnuPG key
#   --check          build what this machine supports and try each form; needs root for the Debian package, which it
#                    installs, upgrades from an older version, takes back and removes again
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

forms=() rids=() version='' sign='' check=''
while (($#)); do
  case "$1 ${2:-}" in
    '--only '?*) forms+=("$2"); shift ;;
    '--rid '?*) rids+=("$2"); shift ;;
    '--version '?*) version=$2; shift ;;
    '--sign '?*) sign=$2; shift ;;
    '--check '*) check=1 ;;
    *) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2; exit 2 ;;
  esac
  shift
done
((${#forms[@]})) || forms=(archives deb tool image sbom)
((${#rids[@]})) || rids=(linux-x64 linux-arm64 linux-musl-x64 osx-arm64 win-x64)

export DOTNET_CLI_UI_LANGUAGE=en DOTNET_NOLOGO=1 MSBUILDDISABLENODEREUSE=1 DOTNET_CLI_USE_MSBUILD_SERVER=0
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
out=$PWD/artifacts/release temp=$(mktemp -d) server=''
clean_up() {
  [[ -z $server ]] || { kill "$server"; wait "$server"; } || true
  [[ ! -d $temp/older ]] || git worktree remove --force "$temp/older" || true
  rm -rf "$temp"
} 2>/dev/null
trap clean_up EXIT

say() { printf '== %s\n' "$*" >&2; }
fail() { printf 'Failed: %s\n' "$*" >&2; exit 1; }
broken() { tail -n 20 "$temp/$1.log" >&2; fail "$1"; }
wants() { [[ " ${forms[*]} " == *" $1 "* ]]; }
has() { command -v "$1" >/dev/null; }

if [[ -z $version ]]; then
  dotnet restore src/Countersign >/dev/null
  version=$(dotnet msbuild src/Countersign -t:MinVer -getProperty:Version)
fi
say "Countersign $version"
mkdir -p "$out"

publish_from() { # <sources> <rid> <version> <folder>: one program that needs nothing installed
  [[ ! -d $4 ]] || return 0
  # As on a build machine, so that the same sources make the same program in any folder.
  dotnet publish "$1/src/Countersign" -c Release -r "$2" --self-contained -o "$4" \
    -p:Version="$3" -p:MinVerSkip=true \
    -p:PublishSingleFile=true -p:IncludeNativeLibrariesForSelfExtract=true -p:DebugType=none \
    -p:ContinuousIntegrationBuild=true >"$temp/$2.log" 2>&1 || broken "$2"
}

publish() { # <rid>: prints the folder
  publish_from . "$1" "$version" "$temp/$1"
  echo "$temp/$1"
}

copy_docs() { git archive HEAD docs | tar -x -C "$1"; } # <folder>: README and messages name them

archive() { # <rid>
  local name=countersign-$version-$1 published program=countersign
  published=$(publish "$1")
  [[ $1 != win-* ]] || program=countersign.exe
  mkdir -p "$temp/archives/$name"
  cp "$published/$program" LICENSE README.md CHANGELOG.md "$temp/archives/$name/"
  copy_docs "$temp/archives/$name"
  if [[ $1 == win-* ]]; then
    (cd "$temp/archives" && python3 -m zipfile -c "$out/$name.zip" "$name")
  else
    tar -C "$temp/archives" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 \
      -czf "$out/$name.tar.gz" "$name"
  fi
}

debian_version() { echo "${1/-/\~}"; } # 1.0.0-alpha.1 comes before 1.0.0

deb() { # <program> <architecture> <version> <folder>
  local root=$temp/deb-$2 version control
  version=$(debian_version "$3")
  rm -rf "$root"
  install -D -m 0755 "$1" "$root/usr/lib/countersign/countersign"
  mkdir -p "$root/usr/bin" "$root/DEBIAN"
  ln -s ../lib/countersign/countersign "$root/usr/bin/countersign"
  install -D -m 0755 deploy/debian/countersign-hub "$root/usr/sbin/countersign-hub"
  install -D -m 0644 deploy/systemd/countersign.service "$root/lib/systemd/system/countersign.service"
  install -D -m 0640 deploy/systemd/countersign.env "$root/etc/countersign/countersign.env"
  install -D -m 0644 deploy/debian/copyright "$root/usr/share/doc/countersign/copyright"
  copy_docs "$root/usr/share/doc/countersign"
  install -D -m 0644 deploy/debian/lintian-overrides "$root/usr/share/lintian/overrides/countersign"
  mkdir -p "$root/usr/share/man/man1" "$root/usr/share/man/man8" "$root/usr/share/bash-completion/completions" \
    "$root/usr/share/zsh/vendor-completions" "$root/usr/share/fish/vendor_completions.d"
  # Written by the program itself, so that they are never behind it; one for this machine serves every architecture.
  local here
  here=$(publish "$(this_rid)")/countersign
  "$here" man | gzip -9n >"$root/usr/share/man/man1/countersign.1.gz"
  echo '.so man1/countersign.1' | gzip -9n >"$root/usr/share/man/man8/countersign-hub.8.gz"
  "$here" completion bash >"$root/usr/share/bash-completion/completions/countersign"
  "$here" completion zsh >"$root/usr/share/zsh/vendor-completions/_countersign"
  "$here" completion fish >"$root/usr/share/fish/vendor_completions.d/countersign.fish"
  {
    printf 'countersign (%s) unstable; urgency=medium\n\n  * CHANGELOG.md says what is new.\n\n' "$version"
    printf ' -- The Countersign authors <countersign@localhost>  %s\n' "$(date -R -u -d "@$SOURCE_DATE_EPOCH")"
  } | gzip -9n >"$root/usr/share/doc/countersign/changelog.gz"
  control=$(<deploy/debian/control.in)
  control=${control//@VERSION@/$version}
  control=${control//@ARCH@/$2}
  control=${control//@SIZE@/$(du -sk "$root" | cut -f1)}
  echo "$control" >"$root/DEBIAN/control"
  echo /etc/countersign/countersign.env >"$root/DEBIAN/conffiles"
  install -m 0755 deploy/debian/{postinst,prerm,postrm} "$root/DEBIAN/"
  dpkg-deb --root-owner-group -Zxz --build "$root" "$4/countersign_${version}_$2.deb" >/dev/null
}

this_rid() {
  case "$(uname -s) $(uname -m)" in
    'Linux aarch64') echo linux-arm64 ;;
    'Darwin arm64') echo osx-arm64 ;;
    *) echo linux-x64 ;;
  esac
}

tool() {
  dotnet pack src/Countersign -c Release -o "$out" -p:AsTool=true -p:DebugType=none \
    -p:Version="$version" -p:MinVerSkip=true >"$temp/tool.log" 2>&1 || broken tool
}

# Debian's packages that a self-contained .NET program needs.
libraries=libc6,libgcc-s1,libstdc++6,libicu72,ca-certificates,tzdata,libssl3,zlib1g

image() { # Debian's libraries and the program, and nothing else: no shell, no package manager
  local root=$temp/image container published
  published=$(publish "$(this_rid)")
  mmdebstrap --quiet --variant=extract \
    --include="$libraries" bookworm "$root" \
    >"$temp/image.log" 2>&1 || broken image
  # Nothing ran after unpacking, so the bundle of authorities is put together here.
  find "$root/usr/share/ca-certificates" -name '*.crt' -exec cat {} + >"$root/etc/ssl/certs/ca-certificates.crt"
  echo 'countersign:x:1654:1654::/data:/usr/sbin/nologin' >>"$root/etc/passwd"
  echo 'countersign:x:1654:' >>"$root/etc/group"
  rm -rf "$root"/var/cache/* "$root"/var/lib/apt "$root"/usr/share/{doc,man,locale} "$root"/usr/{bin,sbin}/*
  install -D -m 0755 "$published/countersign" "$root/app/countersign"
  install -d -o 1654 -g 1654 "$root/data"
  container=$(buildah --storage-driver vfs from scratch)
  buildah --storage-driver vfs add --quiet "$container" "$root" / >/dev/null
  buildah --storage-driver vfs config --user 1654:1654 --workingdir /data --port 8080 --volume /data \
    --entrypoint '["/app/countersign"]' --cmd serve --stop-signal SIGTERM \
    --env COUNTERSIGN_Data=/data --env COUNTERSIGN_Urls=http://+:8080 --env DOTNET_BUNDLE_EXTRACT_BASE_DIR=/tmp \
    --label org.opencontainers.image.title=Countersign --label org.opencontainers.image.version="$version" \
    --label org.opencontainers.image.licenses=Apache-2.0 "$container"
  buildah --storage-driver vfs commit --quiet --rm "$container" countersign:"$version" >/dev/null
  rm -f "$out/countersign-$version-image.tar"
  buildah --storage-driver vfs push --quiet countersign:"$version" \
    "oci-archive:$out/countersign-$version-image.tar:countersign:$version"
  buildah --storage-driver vfs rmi countersign:"$version" >/dev/null
}

sbom() {
  [[ -x $temp/tools/dotnet-CycloneDX ]] || dotnet tool install CycloneDX --tool-path "$temp/tools" >/dev/null
  DOTNET_ROLL_FORWARD=LatestMajor "$temp/tools/dotnet-CycloneDX" src/Countersign/Countersign.csproj --output "$out" \
    --filename "countersign-$version.cdx.json" --output-format Json --set-name Countersign --set-version "$version" \
    --exclude-dev >"$temp/sbom.log" 2>&1 || broken sbom
}

build() {
  if wants archives; then
    for rid in "${rids[@]}"; do say "Archive for $rid"; archive "$rid"; done
  fi
  if wants deb; then
    say 'Debian packages'
    publish linux-x64 >/dev/null
    publish linux-arm64 >/dev/null
    deb "$temp/linux-x64/countersign" amd64 "$version" "$out"
    deb "$temp/linux-arm64/countersign" arm64 "$version" "$out"
  fi
  if wants tool; then say '.NET tool'; tool; fi
  if wants image; then
    if has buildah && has mmdebstrap; then
      say 'Container image'
      image
    else
      say 'No image: needs buildah and mmdebstrap'
    fi
  fi
  if wants sbom; then say 'SBOM'; sbom; fi
  (
    cd "$out"
    find . -maxdepth 1 -type f -name '*ountersign*' -printf '%P\n' | sort | xargs sha256sum >SHA256SUMS
    rm -f SHA256SUMS.asc
    [[ -z $sign ]] || gpg --batch --yes --armor --local-user "$sign" --detach-sign SHA256SUMS
  )
}

# --- What people do with each form, tried on this machine ---

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')

await() { # <url> <seconds>
  for ((i = 0; i < $2 * 10; i++)); do
    if curl -fsS -o /dev/null "$1" 2>/dev/null; then return 0; fi
    sleep 0.1
  done
  return 1
}

serves() { # <name> <command…>: starts, is ready, and stops cleanly when told to
  local name=$1
  shift
  COUNTERSIGN_Data=$temp/data-$RANDOM serve "$@"
  stop "$name"
  say "$name: starts, answers and stops"
}

serve() { # <command…>
  COUNTERSIGN_Urls=http://127.0.0.1:$port "$@" >"$temp/serve.log" 2>&1 & server=$!
  await http://127.0.0.1:$port/health/ready "${patience:-60}" || broken serve
}

stop() { # <name>
  local code=0
  kill "$server"
  wait "$server" || code=$?
  server=''
  ((code == 0 || code == 143)) || fail "$1 stopped with $code"
}

check_archive() {
  local name
  name=countersign-$version-$(this_rid)
  tar -C "$temp" -xzf "$out/$name.tar.gz"
  [[ $("$temp/$name/countersign" version) == *"$version"* ]] || fail "version of $name"
  serves "archive" "$temp/$name/countersign" serve
}

check_arm64() { # the archive for another processor, in a folder with that processor's libraries
  if ! has qemu-aarch64-static || ! has mmdebstrap; then
    say 'arm64: not tried, needs qemu-user-static and mmdebstrap'
    return
  fi
  local name=countersign-$version-linux-arm64 root=$temp/arm64
  mmdebstrap --quiet --architectures=arm64 --variant=extract --include="$libraries" bookworm "$root" \
    >"$temp/arm64.log" 2>&1 || broken arm64
  tar -C "$temp" -xzf "$out/$name.tar.gz"
  patience=300 serves 'archive for arm64' qemu-aarch64-static -L "$root" "$temp/$name/countersign" serve
}

kept=/var/lib/countersign as_service=(runuser -u countersign -- env COUNTERSIGN_Data=/var/lib/countersign)

apt_get() {
  DEBIAN_FRONTEND=noninteractive apt-get -y --no-install-recommends --allow-downgrades "$@" >"$temp/apt.log" 2>&1 \
    || broken apt
}

# The sources before the newest migration, so that the upgrade has something to migrate.
older_package() {
  local before sources=$temp/older
  before=$(git log -1 --format=%H --diff-filter=A -- src/Countersign/Storage/Migrations)^
  git worktree add --quiet --detach "$sources" "$before"
  publish_from "$sources" "$(this_rid)" 0.0.1 "$temp/older-program"
  git worktree remove --force "$sources"
  deb "$temp/older-program/countersign" "$1" 0.0.1 "$temp"
}

people() { countersign-hub user list --json; }

holds() { countersign-hub audit verify --head "$1" >/dev/null; } # <checkpoint>

check_deb() {
  ((EUID == 0)) || { say 'deb: not tried, needs root'; return; }
  local architecture package older checkpoint copies
  [[ ! -e $kept && ! -e /usr/bin/countersign ]] || fail 'deb: Countersign is installed here; nothing was tried'
  architecture=$(dpkg --print-architecture)
  package=$out/countersign_$(debian_version "$version")_$architecture.deb
  older=$temp/countersign_0.0.1_$architecture.deb
  if has lintian; then
    lintian --allow-root --fail-on error,warning "$out/countersign_$(debian_version "$version")"_*.deb \
      || fail 'deb: lintian'
    say 'deb: lintian finds nothing'
  else
    say 'deb: not looked at by lintian, which is missing'
  fi

  older_package "$architecture"
  apt_get install "$older"
  ! has systemd-analyze || systemd-analyze verify /lib/systemd/system/countersign.service || fail 'deb: unit'
  serve "${as_service[@]}" countersign serve
  countersign-hub user add ann@example.com --name Ann --role admin >/dev/null
  stop 'deb before the upgrade'
  checkpoint=$(countersign-hub audit verify --json \
    | python3 -c 'import json, sys; print(json.load(sys.stdin)["head"])')

  echo '# a change that the upgrade must keep' >>/etc/countersign/countersign.env
  apt_get install "$package"
  grep -q 'must keep' /etc/countersign/countersign.env || fail 'deb: the upgrade replaced the settings'
  [[ $(countersign version) == *"$version"* ]] || fail 'deb: version after the upgrade'
  [[ $(people 2>&1) == *'"store_older"'* ]] || fail 'deb: a reading verb on a store before the migration'
  serve "${as_service[@]}" countersign serve
  [[ $(people) == *ann@example.com* ]] || fail 'deb: what the older version stored'
  holds "$checkpoint" || fail 'deb: checkpoint after the upgrade'
  countersign-hub user add bob@example.com --name Bob >/dev/null
  stop 'deb after the upgrade'
  copies=("$kept"/countersign-*.db)
  [[ ${#copies[@]} == 1 && -f ${copies[0]} ]] || fail 'deb: no copy from before the migration'
  say "deb: upgrades from an older version, migrates, and keeps ${copies[0]##*/}"

  # The way back, as docs/upgrading.md says.
  "${as_service[@]}" mkdir "$kept/newer"
  "${as_service[@]}" sh -c 'mv "$1"/countersign.db* "$1/newer/" && cp "$2" "$1/countersign.db"' \
    - "$kept" "${copies[0]}"
  apt_get install "$older"
  serve "${as_service[@]}" countersign serve
  [[ $(people) == *ann@example.com* && $(people) != *bob@example.com* ]] || fail 'deb: what the way back leads to'
  holds "$checkpoint" || fail 'deb: checkpoint after the way back'
  stop 'deb after the way back'
  say 'deb: the way back leads to the store from before the upgrade'

  apt_get install "$package"
  apt_get remove countersign
  [[ ! -e /usr/bin/countersign && -e /etc/countersign/countersign.env ]] || fail 'deb: what removal leaves'
  apt_get purge countersign
  [[ ! -e /etc/countersign && -e $kept/countersign.db && -e $kept/root.key ]] || fail 'deb: what purging leaves'
  rm -rf "$kept"
  say 'deb: is removed, and purging keeps the record'
}

check_sums() {
  local home=$temp/gnupg key
  (cd "$out" && sha256sum --quiet --check SHA256SUMS) || fail 'sums'
  if [[ -z $sign ]]; then # with a key that only this run knows
    has gpg || { say 'sums: signing not tried, needs gpg'; return; }
    install -d -m 0700 "$home"
    export GNUPGHOME=$home
    gpg --batch --quiet --passphrase '' --quick-generate-key 'Countersign check <check@localhost>' default sign 1d \
      2>"$temp/gpg.log" || broken gpg
    key=$(gpg --batch --list-keys --with-colons 2>"$temp/gpg.log" | sed -n 's/^fpr:*\([0-9A-F]*\):$/\1/p' | head -n 1)
    gpg --batch --quiet --yes --armor --local-user "$key" --output "$temp/SHA256SUMS.asc" \
      --detach-sign "$out/SHA256SUMS"
  else
    cp "$out/SHA256SUMS.asc" "$temp/"
  fi
  gpg --batch --verify "$temp/SHA256SUMS.asc" "$out/SHA256SUMS" 2>"$temp/gpg.log" || broken gpg
  [[ -n $sign ]] || gpgconf --kill all
  say 'sums: agree with the files, and a signature verifies'
}

check_tool() {
  dotnet tool install Countersign --tool-path "$temp/tool" --add-source "$out" --version "$version" >/dev/null
  serves "tool" "$temp/tool/countersign" serve
}

check_image() {
  has podman || { say 'image: not tried, needs podman'; return; }
  local volume=$temp/volume code=0
  install -d -o 1654 -g 1654 "$volume"
  podman --storage-driver vfs load --quiet --input "$out/countersign-$version-image.tar" >/dev/null
  podman --storage-driver vfs run --runtime runc --network host --ulimit nofile=4096:4096 --ulimit nproc=2000:2000 \
    --read-only --tmpfs /tmp --cap-drop ALL --rm --name countersign-check -v "$volume":/data \
    -e COUNTERSIGN_Urls=http://127.0.0.1:$port "localhost/countersign:$version" >"$temp/serve.log" 2>&1 & server=$!
  await http://127.0.0.1:$port/health/ready 60 || broken serve
  podman --storage-driver vfs stop --time 20 countersign-check >/dev/null
  wait "$server" || code=$?
  server=''
  ((code == 0 || code == 143)) || fail "image stopped with $code"
  [[ -e $volume/root.key ]] || fail 'image: the volume is empty'
  podman --storage-driver vfs rmi "localhost/countersign:$version" >/dev/null
  say 'image: starts read-only as a user without rights, keeps its data on the volume and stops'
}

if [[ -n $check ]]; then
  rids=("$(this_rid)")
  [[ $(this_rid) != linux-x64 ]] || rids+=(linux-arm64)
  build
  ! wants archives || check_archive
  ! wants archives || [[ $(this_rid) != linux-x64 ]] || check_arm64
  ! wants deb || check_deb
  ! wants tool || check_tool
  ! wants image || ! [[ -e $out/countersign-$version-image.tar ]] || check_image
  check_sums
else
  build
fi
say "$out:"
(cd "$out" && ls -l --block-size=M | awk 'NR > 1 { print $5, $9 }')
