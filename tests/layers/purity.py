#!/usr/bin/env python3
"""The core reads no clock, draws no randomness, and knows no thread, socket, file or environment: its symbols show it."""
import re
import subprocess
import sys

FORBIDDEN = re.compile(
    r"clock::now|clock_gettime|gettimeofday|\btime\b|random_device|\brand\b|getrandom|\bpthread_(?!once)|nanosleep|usleep|"
    r"\bsocket\b|\b(send|recv)(to|from|msg)?\b|getenv|fopen|\bopen(64)?\b|std::thread|std::mutex|condition_variable|"
    r"std::(cout|cerr|clog)|basic_[io]?fstream|\bprintf\b|\bfork\b|\bsystem\b")


def main():
    nm, library = sys.argv[1:]
    output = subprocess.run([nm, "-uC", library], check=True, text=True, stdout=subprocess.PIPE).stdout
    symbols = {line.split(maxsplit=1)[1].strip() for line in output.splitlines() if line.strip().startswith("U ")}
    if not any("core::hash_id" in symbol for symbol in symbols):
        sys.exit(f"{library}: nobody hashes an id; is this the core?")
    # Only the function's own name counts: `std::map<..., time>` is not a call of time().
    bad = sorted(symbol for symbol in symbols if FORBIDDEN.search(re.sub(r"[(<].*", "", symbol)))
    sys.exit("not pure: " + ", ".join(bad) if bad else 0)


if __name__ == "__main__":
    main()
