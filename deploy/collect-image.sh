#!/bin/sh
# collect-image.sh PROGRAM DIRECTORY: the image's file system: the sidecar, stripped, and the libraries that it needs, and an
# SPDX document of all of it. No shell, no package manager, no root. The Dockerfile uses it, and so do the tests, which need
# no Docker. PROGRAM is where the build made it.
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
python3 "$(dirname "$0")/sbom.py" image "$root" --program "$program" --build "$(dirname "$program")/.." \
  --out "$root/usr/share/doc/ringside/ringside.spdx.json"
