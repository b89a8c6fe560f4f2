# A size that can't be, a filesystem with errors, and one that is mounted are refused, and nothing is
# written.
. "$TESTS/support/lib.sh"
. "$TESTS/support/resize.sh"
need_mount

# refused WORD...: not a byte of a.raw changes, nor its size.
refused() {
    sha256sum a.raw >before
    ! "$RESIZE" "$@" >stdout 2>stderr </dev/null || fail "not refused: $*"
    [ -s stderr ] || fail "no word about $*"
    sha256sum --quiet -c before || fail "changed by: $*"
}

make_raw a.raw 100M -b 4096 -O ^64bit
fallocate -l 60M file
mount_raw a.raw tree noinit_itable # the kernel has nothing to write by itself
cp file tree
sync -f tree
refused a.raw 200M # mounted
umount tree
refused a.raw 50M        # what is in use doesn't fit
refused a.raw 20T        # too many blocks for 32 bits
refused a.raw 0
refused a.raw nonsense
refused a.raw 10M
debugfs -w -R "set_super_value state 2" a.raw >/dev/null 2>&1
refused a.raw 200M # marked as having errors

make_raw a.raw 100M -b 1024
mount_raw a.raw tree
"$TESTS/support/ext4-contents.py" tree >/dev/null
umount tree
debugfs -w -R "set_inode_field second-large/sparse block[5] 0x7fffffff" a.raw >/dev/null 2>&1
refused a.raw 60M # an inode that e2fsck would mend

make_raw a.raw 100M -b 1024
for request in "symlink short target" "set_inode_field short size 5"; do
    debugfs -w -R "$request" a.raw >/dev/null 2>&1
done
! e2fsck -fn a.raw >/dev/null 2>&1 || fail "e2fsck has no complaint"
refused a.raw 60M # a symbolic link whose text is longer
grep -q 'inode 12: .*text is' stderr || fail "$(cat stderr)"
truncate -s 1M a.raw
refused a.raw 60M # no filesystem left

truncate -s 64M a.raw
mke2fs -q -F -O journal_dev a.raw
refused a.raw 100M
grep -q 'external journal' stderr || fail "$(cat stderr)"
