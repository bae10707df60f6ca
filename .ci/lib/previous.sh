# ringside as an earlier commit has it, for rolling upgrades. Sourced after common.sh.
# shellcheck shell=bash

# The commit that .ci/upgrade-from names.
upgrade_from() { grep -v '^#' .ci/upgrade-from; }

# build_previous COMMIT: prints the path of its program, which is built once, in a worktree for that time and by its own scripts.
build_previous() {
  local commit tree program
  commit=$(git rev-parse --verify --quiet "$1^{commit}") ||
    fail "there is no commit $1 in this clone: fetch it (git fetch --unshallow), or name another one: ./run chaos upgrade COMMIT" 2
  program="$PWD/build/previous/$commit/ringside"
  if [[ ! -x $program ]]; then
    tree="$PWD/build/previous/tree"
    mkdir -p "$(dirname "$program")"
    git worktree remove --force "$tree" 2>/dev/null || true
    git worktree add --quiet --detach "$tree" "$commit" >&2 || fail "git worktree add $tree $commit"
    (cd "$tree" && source .ci/lib/common.sh && need_packages build && build release ringside) >&2 ||
      fail "ringside of $commit does not build"
    cp "$tree/build/release/bin/ringside" "$program"
    git worktree remove --force "$tree"
  fi
  echo "$program"
}
