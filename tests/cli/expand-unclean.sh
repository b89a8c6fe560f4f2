# A filesystem that has errors, or wasn't unmounted and has no journal that tells, is refused with
# what was found and what to do, and left alone.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
need mke2fs debugfs qemu-img sha256sum

# check REQUEST SENTENCE: debugfs's request makes the filesystem so.
check() {
    rm -f a.raw
    truncate -s 16M a.raw
    mke2fs -q -t ext4 a.raw
    debugfs -w -R "$1" a.raw 2>/dev/null
    qemu-img convert -O vhdx a.raw a.vhdx
    sha256sum a.vhdx >before
    expect_status 3 "$VHDTOOL" expand a.vhdx 80M
    expect_in stderr "^vhdtool: a.vhdx: .*$2.*untouched"
    expect_in stderr 'e2fsck'
    expect_empty stdout
    sha256sum --quiet -c before || fail "the file was changed"
}

check 'ssv state 3' 'having errors'
check 'ssv state 0' 'not unmounted'
check 'ssv last_orphan 2' "can't be a deleted file"
