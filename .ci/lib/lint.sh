# ./run lint [--all]: format, comments, clang-tidy, shell, Python, and a note on what is largest. --all: forgets what was
# found clean before.
# shellcheck shell=bash

need_packages build lint

# Tracked files and new ones, as git lists them.
files() { git ls-files --cached --others --exclude-standard -- "$@" | while read -r file; do [[ -f $file ]] && echo "$file"; done; }

# One line a file, and the command that mends them all.
check_format() {
  local bad
  bad="$(files '*.h' '*.cc' | xargs -r clang-format --dry-run 2>&1 | sed -n 's/^\([^: ]*\):[0-9].*Wclang-format.*/\1/p' | sort -u)"
  [[ -z $bad ]] || { printf 'clang-format -i %s\n' "${bad//$'\n'/ }" >&2; return 1; }
}
# Comments begin with //, and each header with what it is about, before its #pragma once.
check_comments() {
  local bad
  bad="$(files '*.h' '*.cc' | xargs -r grep -nE '(^|[[:space:]])///' || true
    files '*.h' | while read -r file; do [[ $(head -n 1 "$file") == //* ]] || echo "$file:1: no comment on what it is about"; done)"
  [[ -z $bad ]] || { printf '%s\n' "$bad" >&2; return 1; }
}
check_shell() { shellcheck -x run .ci/run .ci/lib/*.sh; }
check_python() { files '*.py' | PYTHONPYCACHEPREFIX="$PWD/build/lint/pycache" xargs -r python3 -m compileall -q; }

timed "clang-format" check_format
timed "comments" check_comments
timed "shellcheck" check_shell
timed "python syntax" check_python
build lint
timed "clang-tidy" python3 .ci/lib/tidy.py --build build/lint "$@"
say "sizes"
python3 .ci/lib/sizes.py || true  # a note, never a failure
