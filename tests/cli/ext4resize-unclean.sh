# A filesystem that was not unmounted is recovered as the kernel does it, and resized; -P and --dry-run
# look at what recovery would give, and write nothing. So it is in a VHDX.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
need_mount
need qemu-img sha256sum cmp

truncate -s 64M mounted
mkfs.ext4 -q -F mounted
mount_raw mounted tree
echo kept >tree/file
sync -f tree
dd if=mounted of=a bs=1M status=none # as a power cut leaves it
umount tree
dumpe2fs -h a 2>/dev/null | grep -q needs_recovery || fail "it was unmounted"
qemu-img convert -O vhdx a a.vhdx
for image in a a.vhdx; do
    sha256sum $image >before
    expect_status 0 "$EXT4RESIZE" -P $image
    expect_status 0 "$EXT4RESIZE" --dry-run $image 100M
    expect_in stdout '^  size .* -> '
    sha256sum --quiet -c before
    expect_status 0 "$EXT4RESIZE" $image 100M
    expect_in stdout '^The filesystem was not unmounted: [0-9]+ transactions replayed'
    [ $image = a ] || to_raw $image b
    [ $image = a.vhdx ] || cp a b
    fsck_clean b
    [ "$(debugfs -R 'cat file' b 2>/dev/null)" = kept ] || fail "the journal's file is lost"
done
[ "$(ls ./*journal* 2>/dev/null)" = "" ] || fail "a journal was left"
