#!/bin/sh
# machine.sh DIRECTORY PACKAGE: this machine's file system once more, as an overlay in memory at DIRECTORY, with PACKAGE
# installed by dpkg, and systemd as its first process. It is begun in namespaces of its own, and all of it ends with them:
#   unshare --fork --kill-child --pid --mount --uts --ipc --net --cgroup machine.sh ...
set -eu
root=$1/root
mount --make-rprivate /
mount -t tmpfs tmpfs "$1"
mkdir -p "$1/changes" "$1/work" "$root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/changes,workdir=$1/work" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
for where in run tmp dev; do mount -t tmpfs -o mode=755 tmpfs "$root/$where"; done
for device in null zero full random urandom tty; do
  touch "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
ln -s null "$root/dev/console"
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ip link set lo up
cp "$2" "$root/run/ringside.deb"
cd "$root"
pivot_root . mnt
umount -l /mnt
# Nothing of this machine's own services.
rm -rf /etc/systemd/system/*
dpkg --install /run/ringside.deb
cat >/etc/systemd/system/nothing.target <<'UNIT'
[Unit]
Description=Waits for what the test starts
AllowIsolate=yes
UNIT
exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --unit=nothing.target
