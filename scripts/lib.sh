# lib.sh -- what the scripts share: where the project is, how to say things, how to install what is missing. Sourced, not run.
# shellcheck shell=bash
# shellcheck disable=SC2034  # the lists of packages are for those who source this
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# what the program needs to build and run, and what the tests need on top; with llvm-14-dev at hand it is built with native code
packages_engine=(gcc cmake ninja-build pkg-config liblua5.4-dev libwebsockets-dev libwebsockets-evlib-uv libuv1-dev libssl-dev libcap-dev libcurl4-openssl-dev
  libsqlite3-dev libzstd-dev libsodium-dev libjansson-dev libudunits2-dev libsleef-dev libxxhash-dev libnlopt-dev
  libmosquitto-dev libprotobuf-c-dev protobuf-c-compiler libmodbus-dev zlib1g-dev
  libsdl2-dev libsdl2-ttf-dev libepoxy-dev libcglm-dev libpng-dev libassimp-dev libgl1-mesa-dri libegl1)
packages_tests=(check openssl mosquitto mosquitto-clients xvfb llvm-14-dev clang-14 libclang-rt-14-dev chromium fonts-dejavu-core prometheus shellcheck)
# what the engine is compared with
packages_bench=(lua5.4 luajit libsundials-dev)

say() { printf '\n== %s\n' "$*"; }

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else
    echo "$0: installing packages needs root or sudo: $*" >&2
    exit 1
  fi
}

# install_missing PACKAGE...: by name, only those that are not there
install_missing() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  say "installing ${missing[*]}"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# Node and npm: Debian's own unless there are others already
install_node() {
  local missing=()
  command -v node >/dev/null || missing+=(nodejs)
  command -v npm >/dev/null || missing+=(npm)
  if [ ${#missing[@]} -gt 0 ]; then install_missing "${missing[@]}"; fi
}

# install_npm FOLDER: npm's packages, again only when the lock file has changed
install_npm() {
  local folder="$root/$1" stamp="$root/$1/node_modules/.pollux-lock"
  if ! cmp -s "$folder/package-lock.json" "$stamp"; then
    say "installing the packages of $1"
    (cd "$folder" && npm ci --no-audit --no-fund --loglevel=error)
    cp "$folder/package-lock.json" "$stamp"
  fi
}
install_web() { install_npm web; }

# the dashboard, again only when a source is newer than what was built
build_web() {
  local built="$root/web/dist/index.html"
  if [ ! -e "$built" ] || [ -n "$(find "$root/web/src" "$root/web/index.html" "$root/web/public" "$root/web/package-lock.json" -newer "$built" -print -quit)" ]; then
    say "building the dashboard"
    (cd "$root/web" && npm run --silent build)
  fi
}

# build PRESET [TARGET...]: configure once, build what has changed
build() {
  local preset=$1
  shift
  say "building ($preset)"
  if [ ! -e "$root/build/$preset/build.ninja" ]; then (cd "$root" && cmake --preset "$preset" --log-level=WARNING); fi
  cmake --build "$root/build/$preset" ${1:+--target "$@"}
}
