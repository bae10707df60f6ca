# Shared by the commands of ./run: words on the terminal, packages, builds. Sourced in the repository's root.
# shellcheck shell=bash

say() { printf '\033[1m== %s\033[0m\n' "$*" >&2; }

fail() {
  printf '\033[1;31m== failed: %s\033[0m\n' "$1" >&2
  exit "${2:-1}"
}

# timed TEXT COMMAND...: runs it, and says how long it took or that it failed.
timed() {
  local what="$1" started=$SECONDS
  shift
  say "$what"
  "$@" || fail "$what (after $((SECONDS - started)) s)"
  say "$what: done in $((SECONDS - started)) s"
}

packages_of() {
  awk -v wanted="$1" '!/^#/ && NF { n = split($2, groups, ","); for (i = 1; i <= n; i++) if (groups[i] == wanted) print $1 }' \
    .ci/packages.txt
}

# need_packages GROUP...: installs what is missing of these groups; silent and instant when nothing is.
need_packages() {
  local group wanted=() missing=()
  for group in "$@"; do
    mapfile -t -O "${#wanted[@]}" wanted < <(packages_of "$group")
  done
  mapfile -t missing < <(comm -23 <(printf '%s\n' "${wanted[@]}" | sort -u) \
    <(dpkg-query -W -f='${db:Status-Abbrev} ${Package}\n' "${wanted[@]}" 2>/dev/null | sed -n 's/^ii *//p' | sort -u))
  if [[ ${#missing[@]} -eq 0 ]]; then return; fi

  local root=()
  if [[ $(id -u) -ne 0 ]]; then
    command -v sudo >/dev/null || fail "these packages are missing, and there is no root or sudo to install them: ${missing[*]}"
    root=(sudo)
  fi
  say "installing ${missing[*]}"
  "${root[@]}" apt-get update -qq || fail "apt-get update"
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" ||
    fail "apt-get install ${missing[*]}"
}

# configure PRESET: ninja repeats it by itself where a CMakeLists.txt changes, but not for the presets.
configure() {
  local dir="build/$1"
  if [[ ! -f $dir/build.ninja || CMakePresets.json -nt $dir/build.ninja ]]; then
    mkdir -p "$dir"
    cmake --preset "$1" >"$dir/configure.log" 2>&1 || { cat "$dir/configure.log" >&2; fail "cmake --preset $1"; }
  fi
}

# build PRESET [TARGET...]: without targets, those of the build preset.
build() {
  local preset="$1"
  shift
  configure "$preset"
  timed "build $preset ${*:-}" env NINJA_STATUS='[%f/%t, %e s] ' \
    cmake --build --preset "$preset" ${1:+--target "$@"} -- -j "$(nproc)"
}
