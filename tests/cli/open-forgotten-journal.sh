# A superblock that doesn't know that the journal holds changes (it was lost, and a copy took its place): nothing
# changes the filesystem before e2fsck has replayed them.
. "$TESTS/support/lib.sh"
. "$TESTS/support/resize.sh"
need_mount

# refused COMMAND...: with the reason, and not a byte of a.raw changes.
refused() {
    expect_status 3 "$@"
    expect_in stderr 'journal holds changes, and its superblock says'
    expect_in stderr 'e2fsck -f'
    sha256sum --quiet -c before || fail "changed by: $*"
}

# forget_journal IMAGE: the copy of a superblock knows of no changes. What debugfs opens needn't have right checksums.
forget_journal() {
    debugfs -w -n -R 'feature -needs_recovery' "$1" >/dev/null 2>&1
    ! dumpe2fs -h "$1" 2>/dev/null | grep -q needs_recovery || fail "the superblock still knows of the journal's changes"
}

for work in 'create revoke' 'create revoke orphans' 'create revoke half_written_back'; do
    # shellcheck disable=SC2086
    "$TESTS/support/dirty-filesystem.sh" a.raw 64M '-b 4096' '' $work
    forget_journal a.raw
    e2fsck -fn a.raw >e2fsck.log 2>&1 || true
    grep -q 'journal has data' e2fsck.log || fail "e2fsck has no complaint: $(cat e2fsck.log)"
    sha256sum a.raw >before
    refused "$VHDTOOL" expand a.raw 100M
    refused "$VHDTOOL" shrink a.raw 40M
    refused "$VHDTOOL" compact --punch a.raw
    ! "$RESIZE" a.raw 100M >stdout 2>stderr || fail "ext4resize: not refused"
    sha256sum --quiet -c before || fail "changed by ext4resize"

    e2fsck -fy a.raw >e2fsck.log 2>&1 || true
    resize a.raw 100M
    fsck_clean a.raw
    debugfs -R 'stat after60' a.raw 2>/dev/null | grep -q '^Inode:.*Type: regular' || fail "what the journal held isn't there"
done
