# ./run transcripts [--rewrite]: compares what hosts say in a dozen situations with what is written, or takes it over.
# shellcheck shell=bash

need_packages build
build release ringside_transcripts
exec build/release/bin/ringside_transcripts "$@" tests/transcripts/situations/*.txt
