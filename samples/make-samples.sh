#!/bin/sh
# Makes the packed images of this folder anew, as far as they can be made here,
# and writes SHA256SUMS. QEMU puts fresh GUIDs into each file, so its bytes
# change with every run; the files that are here were made once and are kept.
#
#     samples/make-samples.sh [FOLDER]      FOLDER: where they go; else a new one, printed
set -eu

here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$(mktemp -d)}
PATH=$PATH:/usr/sbin:/sbin
for tool in mke2fs debugfs e2fsck qemu-img bzip2 sha256sum; do
    command -v "$tool" >/dev/null || {
        echo "needs $tool" >&2
        exit 1
    }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A small ext4 with a few files, always the same bytes.
make_filesystem() {
    export E2FSPROGS_FAKE_TIME=1700000000
    truncate -s 16M "$1"
    mke2fs -q -F -t ext4 -b 4096 -L sample -U 0d7a51c2-3f0e-4b53-9f0b-6a1c0e5d7b11 \
        -E hash_seed=9a4f1c33-6d5e-4e0a-8a53-0b8f1d2c7e44,root_owner=0:0 "$1"
    {
        printf 'PRETTY_NAME="Sample 1.0"\nID=sample\n' >"$work/os-release"
        seq 1 20000 >"$work/numbers"
        echo "mkdir /etc"
        echo "write $work/os-release /etc/os-release"
        echo "write $work/numbers /numbers"
        echo "symlink /link numbers"
        echo "ea_set /numbers user.origin seq"
    } >"$work/commands"
    debugfs -w -f "$work/commands" "$1" >/dev/null 2>&1
    e2fsck -fn "$1" >/dev/null 2>&1
}

make_filesystem "$work/ext4.raw"
qemu-img convert -f raw -O vhdx -o subformat=dynamic,block_size=1M "$work/ext4.raw" \
    "$work/qemu-dynamic-ext4.vhdx"
qemu-img compare -f raw -F vhdx "$work/ext4.raw" "$work/qemu-dynamic-ext4.vhdx" >/dev/null
bzip2 -9 -c "$work/qemu-dynamic-ext4.vhdx" >"$out/qemu-dynamic-ext4.vhdx.bz2"

# Not made here; see README.md.
[ "$here" = "$(cd "$out" && pwd)" ] ||
    cp "$here/hyperv-dynamic-1G.vhdx.bz2" "$out/hyperv-dynamic-1G.vhdx.bz2"

(cd "$out" && sha256sum -- *.bz2 >SHA256SUMS)
echo "$out"
