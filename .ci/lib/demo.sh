# ./run demo [--stay]
# shellcheck shell=bash

need_packages build demo
build release ringside
exec python3 examples/demo/demo.py --ringside build/release/bin/ringside "$@"
