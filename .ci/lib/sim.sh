# ./run sim [OPTIONS]: the core under simulated faults (docs/architecture.md, "Simulation").
# shellcheck shell=bash

need_packages build
build release ringside_sim
exec build/release/bin/ringside_sim "$@"
