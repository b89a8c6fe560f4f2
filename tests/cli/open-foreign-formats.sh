# Images of formats that can't be opened, and damaged ones of those that can, aren't taken for raw.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
need qemu-img sha256sum

for format in qcow2 qcow qed vdi vmdk parallels; do
    qemu-img create -q -f $format a.$format 64M || continue
done
"$VHDTOOL" create -q good.vhdx 64M
cp good.vhdx a.vhdx
printf X | dd of=a.vhdx bs=1 conv=notrunc status=none
for image in a.*; do
    sha256sum "$image" >before
    expect_status 1 "$VHDTOOL" info "$image"
    expect_status 3 "$VHDTOOL" expand "$image" 1G
    expect_in stderr "^vhdtool: $image: it is no disk image that can be opened .*untouched"
    sha256sum --quiet -c before || fail "$image was changed"
done
[ -e a.qcow2 ] || fail "qemu-img made none"
