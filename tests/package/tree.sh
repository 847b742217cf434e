# SPDX-License-Identifier: MIT
# tree.sh - fresh Debian trees, for the scripts beside it. Needs root.

# tree_make SUITE CACHE ROOT - unpack a minimal tree of that release at ROOT, with the packages that were downloaded before.
# It starts no services. The tree is kept in CACHE, so that the next one is there at once. Fails with the log of debootstrap
# on standard error.
tree_make() {
	tree_tarball=$2/$1-$(dpkg --print-architecture).tar
	mkdir -p "$2/archives" "$3"
	# A tree that is older than a month would install outdated packages.
	find "$tree_tarball" -mtime +30 -delete 2>/dev/null || true
	if [ ! -f "$tree_tarball" ]; then
		tree_mirror=$(sed -n 's/^URIs: *//p; s/^deb [^h]*\(http[^ ]*\).*/\1/p' /etc/apt/sources.list.d/*.sources \
			/etc/apt/sources.list 2>/dev/null | grep -v security | head -n 1)
		debootstrap --variant=minbase "$1" "$3" "${tree_mirror:-http://deb.debian.org/debian}" >"$3.log" 2>&1 || {
			tail -n 20 "$3.log" >&2
			return 1
		}
		rm -f "$3/var/cache/apt/archives/"*.deb
		tar -cf "$tree_tarball.new" -C "$3" .
		mv "$tree_tarball.new" "$tree_tarball"
	else
		tar -xf "$tree_tarball" -C "$3" || return 1
	fi
	cp /etc/resolv.conf "$3/etc/resolv.conf"
	printf '#!/bin/sh\nexit 101\n' >"$3/usr/sbin/policy-rc.d"
	chmod +x "$3/usr/sbin/policy-rc.d"
	find "$2/archives" -name '*.deb' -exec cp -t "$3/var/cache/apt/archives" {} +
}

# tree_keep_archives CACHE ROOT - keep the packages that were downloaded in the tree.
tree_keep_archives() {
	find "$2/var/cache/apt/archives" -name '*.deb' -exec cp -u -t "$1/archives" {} +
}

# tree_enter ROOT - make the tree the root of this mount namespace, which must be a new one, as must be that of processes. The
# root is changed with pivot_root, because a chroot cannot make user namespaces, as PrivateUsers= of a unit needs. All mounts
# end with the namespace.
tree_enter() {
	mount --make-rprivate /
	mount --bind "$1" "$1"
	cd "$1"
	mount -t proc proc proc
	mount -t sysfs sysfs sys
	mount -t tmpfs tmpfs run
	mount -t tmpfs -o mode=755 tmpfs dev
	for node in null zero full random urandom tty; do
		touch dev/$node
		mount --bind /dev/$node dev/$node
	done
	mkdir dev/pts dev/shm old
	mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
	ln -s pts/ptmx dev/ptmx
	ln -s /proc/self/fd dev/fd
	mount -t tmpfs -o mode=1777 tmpfs dev/shm
	mount -t cgroup2 cgroup2 sys/fs/cgroup
	# For a kernel that has its controllers in version 1 of cgroups.
	if [ -d /sys/fs/cgroup/devices ]; then
		umount sys/fs/cgroup
		mount -t tmpfs tmpfs sys/fs/cgroup
		mkdir sys/fs/cgroup/unified sys/fs/cgroup/systemd sys/fs/cgroup/devices
		mount -t cgroup2 cgroup2 sys/fs/cgroup/unified
		mount -t cgroup -o none,name=systemd cgroup sys/fs/cgroup/systemd
		mount -t cgroup -o devices cgroup sys/fs/cgroup/devices
	fi
	pivot_root . old
	umount -l /old
	rmdir /old
}
