#!/bin/bash
# The first of the seeds that this commit is tried with, beside the fixed ones: every commit has others, and the same ones
# each time, so that a commit that has passed here passes elsewhere. Without a repository: always the same.
commit=$(git -C "$(dirname "$0")" rev-parse HEAD 2>/dev/null) || commit=5eed
echo $((16#${commit:0:12}))
