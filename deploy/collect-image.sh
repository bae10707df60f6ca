#!/bin/sh
# collect-image.sh PROGRAM DIRECTORY: the image's file system: the sidecar, stripped, and the libraries that it needs. No
# shell, no package manager, no root. The Dockerfile uses it, and so do the tests, which need no Docker.
set -eu
program=$1
root=$2
mkdir -p "$root/usr/bin" "$root/etc" "$root/tmp"
strip -o "$root/usr/bin/ringside" "$program"
chmod 755 "$root/usr/bin/ringside"
ldd "$program" | awk '$2 == "=>" { print $3 } $1 ~ /^\// { print $1 }' | while read -r library; do
  mkdir -p "$root$(dirname "$library")"
  cp -L "$library" "$root$library"
done
chmod 1777 "$root/tmp"
echo 'ringside:x:65532:65532::/:/none' >"$root/etc/passwd"
echo 'ringside:x:65532:' >"$root/etc/group"
