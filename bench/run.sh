#!/usr/bin/env bash
# run.sh VHDTOOL: our times beside those of others for the same step, taken in turn in one run;
# prints medians and ratios (the detour by conversion is taken once). RUNS: how many turns (5). Needs root, and some GiB below TMPDIR.
set -eu -o pipefail

vhdtool=$(realpath "$1")
runs=${RUNS:-5}
folder=$(mktemp -d "${TMPDIR:-/var/tmp}/vhdtool-bench.XXXXXX")
trap 'mountpoint -q "$folder/tree" && umount "$folder/tree"; rm -rf "$folder"' EXIT
cd "$folder"

# timed NAME COMMAND...: adds the seconds to NAME.times.
timed() {
    local name=$1 start

    shift
    sync
    start=$(date +%s.%N)
    "$@" >/dev/null 2>"$name.log" || { cat "$name.log" >&2 && exit 1; }
    echo "$(date +%s.%N) $start" | awk '{ print $1 - $2 }' >>"$name.times"
}

median() {
    sort -n "$1.times" | awk '{ a[NR] = $1 } END { print (a[int((NR + 1) / 2)] + a[int(NR / 2) + 1]) / 2 }'
}

# compare OURS PEER: a line with both medians and how many times longer the peer takes.
compare() {
    awk -v ours="$(median "$1")" -v peer="$(median "$2")" -v a="$1" -v b="$2" \
        'BEGIN { printf "%-28s %8.3f s   %-28s %8.3f s   ratio %.1f\n", a, ours, b, peer, peer / ours }'
}

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

bench_detour() {
    timed convert-resize2fs-convert detour
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

make_images
bench_expand
bench_info
bench_detour
