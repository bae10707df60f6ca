# ./run fuzz [TARGET...] [--minutes N]: libFuzzer on each of these parsers, or on all, N minutes each (1). It begins with
# tests/fuzz/corpus, keeps what it learns below build/fuzz/corpus, and leaves what breaks something in build/fuzz/found.
# shellcheck shell=bash

minutes=1
fuzz_targets=()
while [[ $# -gt 0 ]]; do
  case "$1" in
    --minutes) [[ ${2:-} =~ ^[0-9]+$ ]] || fail "--minutes takes a whole number" 2; minutes="$2"; shift 2 ;;
    -*) fail "./run fuzz [TARGET...] [--minutes N]" 2 ;;
    *) [[ -d tests/fuzz/corpus/$1 ]] || fail "there is no target '$1'; there are $(cd tests/fuzz/corpus && echo *)" 2
       fuzz_targets+=("$1"); shift ;;
  esac
done
if [[ ${#fuzz_targets[@]} -eq 0 ]]; then mapfile -t fuzz_targets < <(ls tests/fuzz/corpus); fi

need_packages build fuzz
build fuzz
fuzz_failed=()
mkdir -p build/fuzz/found
for target in "${fuzz_targets[@]}"; do
  learned="build/fuzz/corpus/$target"
  mkdir -p "$learned"
  say "fuzz $target for $minutes min"
  build/fuzz/bin/ringside_fuzz "$target" -max_total_time=$((minutes * 60)) -timeout=10 -rss_limit_mb=2048 -max_len=8192 \
    -print_final_stats=1 -verbosity=0 -print_funcs=0 -artifact_prefix="build/fuzz/found/$target-" "$learned" "tests/fuzz/corpus/$target" ||
    fuzz_failed+=("$target")
done
[[ ${#fuzz_failed[@]} -eq 0 ]] ||
  fail "${fuzz_failed[*]}: what broke is in build/fuzz/found; mended, it goes to tests/fuzz/corpus/TARGET under a name that says what it was"
