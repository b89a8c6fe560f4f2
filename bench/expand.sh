# shellcheck shell=bash
# A VHDX of 256 GiB to 1 TiB; the detour by conversion; info. Sourced by run.sh.

make_images() {
    truncate -s 256G old.raw
    mkfs.ext4 -q -G 4096 old.raw
    mkdir tree
    mount -o loop,discard old.raw tree
    cp -a /usr/include /usr/share/doc tree/
    for d in $(seq 60); do
        mkdir "tree/$d"
        for f in $(seq 500); do echo "$d $f" >"tree/$d/$f"; done
    done
    dd if=/dev/urandom of=tree/large bs=1M count=256 status=none
    echo "$(find tree | wc -l) files"
    umount tree
    e2fsck -fy old.raw >/dev/null 2>&1 || [ $? = 1 ] # resize2fs asks for it after a mount
    qemu-img convert -O vhdx -o block_size=1M old.raw old.vhdx
}

bench_expand() {
    for _ in $(seq "$runs"); do
        cp old.vhdx ours.vhdx
        timed expand-vhdx "$vhdtool" expand ours.vhdx 1T
        cp --sparse=always old.raw peer.raw
        truncate -s 1T peer.raw
        timed resize2fs-raw resize2fs peer.raw
    done
    compare expand-vhdx resize2fs-raw
    echo "  the VHDX grew by $((($(stat -c %s ours.vhdx) - $(stat -c %s old.vhdx)) >> 20)) MiB"
}

detour() {
    qemu-img convert -O raw old.vhdx detour.raw
    truncate -s 1T detour.raw
    resize2fs detour.raw
    qemu-img convert -O vhdx -o block_size=1M detour.raw detour.vhdx
}
export -f detour

bench_detour() {
    timed convert-resize2fs-convert bash -ec detour
    compare expand-vhdx convert-resize2fs-convert
}

bench_info() {
    "$vhdtool" create -q small.vhdx 1G
    "$vhdtool" create -q large.vhdx 64T
    for _ in $(seq "$runs"); do
        timed info-1GiB "$vhdtool" info small.vhdx
        timed info-64TiB "$vhdtool" info large.vhdx
    done
    compare info-1GiB info-64TiB
}
