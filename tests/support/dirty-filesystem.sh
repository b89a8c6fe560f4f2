#!/usr/bin/env bash
# Makes an ext4 filesystem as a machine leaves it that is cut off: mounted, its journal full of
# changes, files deleted and still open.
#
#   dirty-filesystem.sh IMAGE SIZE MKFS_OPTIONS MOUNT_OPTIONS WORK...
#
# WORK: names of the functions below, done in this order. Needs root, mke2fs and loop mounts; status
# 77 without. The image is copied while it is mounted; commits by time and writing back
# are far away then.
set -eu -o pipefail

image=$1 size=$2 mkfs_options=$3 mount_options=$4
shift 4
folder=$(mktemp -d "${TMPDIR:-/dev/shm}/dirty-filesystem.XXXXXX")

clean_up() {
    exec 3>&- 4>&- 5>&- 6>&-
    [ -z "$sleeper" ] || { kill "$sleeper" && wait "$sleeper"; } 2>/dev/null || true
    ! mountpoint -q "$folder/mount" || umount "$folder/mount"
    rm -rf "$folder"
}
sleeper=
trap clean_up EXIT

numbers() {
    seq -f "a line of text with the number %.0f in it" 1 "$1"
}

# Files and folders of all sizes, on disk and known to the journal.
create() {
    mkdir -p "$m/folder/deeper"
    for i in $(seq 1 120); do
        numbers "$i" >"$m/folder/file$i"
    done
    numbers 40000 >"$m/large"
    ln "$m/large" "$m/folder/deeper/same"
    ln -s target "$m/short"
    ln -s "$(printf '%0200d' 7)" "$m/long"
    truncate -s 3M "$m/hole"
    numbers 3000 | dd of="$m/hole" seek=1500 conv=notrunc status=none
    fallocate -l 300K "$m/unwritten" 2>/dev/null || true
    sync "$m/large"
}

# Blocks of directories are logged, freed and used for contents, which aren't logged: what
# the log has for them must not be replayed.
revoke() {
    mkdir "$m/soon-gone"
    for i in $(seq 1 400); do
        : >"$m/soon-gone/a-rather-long-name-so-that-the-folder-gets-many-blocks-$i"
    done
    sync "$m/soon-gone"
    rm -r "$m/soon-gone"
    for i in $(seq 1 60); do
        numbers 900 >"$m/after$i"
    done
    sync "$m"/after*
}

# Deleted and still open: a small one, a large one, a folder, one with a large attribute and one
# with a shared block of attributes.
orphans() {
    numbers 5 >"$m/orphan-small"
    numbers 60000 >"$m/orphan-large"
    numbers 60000 | tee "$m/orphan-holes" >/dev/null
    for i in $(seq 0 20 1000); do
        fallocate -p -o "${i}K" -l 4K "$m/orphan-holes" 2>/dev/null || true
    done
    mkdir "$m/orphan-folder"
    numbers 10 >"$m/orphan-attributes"
    numbers 10 >"$m/stays-with-attributes"
    if command -v setfattr >/dev/null; then
        setfattr -n user.large -v "$(printf '%0600d' 5)" "$m/orphan-attributes" 2>/dev/null || true
        setfattr -n user.large -v "$(printf '%0600d' 5)" "$m/stays-with-attributes" 2>/dev/null || true
        setfattr -n user.huge -v "$(printf '%09000d' 5)" "$m/orphan-small" 2>/dev/null || true
    fi
    sync "$m"/orphan*
    exec 3<"$m/orphan-small" 4<"$m/orphan-large" 5<"$m/orphan-attributes" 6<"$m/orphan-holes"
    (cd "$m/orphan-folder" && exec sleep 1000 3<&- 4<&- 5<&- 6<&-) &
    sleeper=$!
    while [ "$(readlink "/proc/$sleeper/cwd")" != "$m/orphan-folder" ]; do
        sleep 0.01
    done
    rm "$m"/orphan-small "$m"/orphan-large "$m"/orphan-attributes "$m"/orphan-holes
    rmdir "$m/orphan-folder"
    numbers 1 >"$m/after-orphans"
    sync "$m/after-orphans"
}

# Blocks that begin with the journal's magic number.
escapes() {
    for i in $(seq 1 20); do
        printf '\xc0\x3b\x39\x98' >"$folder/block"
        head -c 65532 /dev/urandom >>"$folder/block"
        for block in $(seq 0 1 63); do
            printf '\xc0\x3b\x39\x98' |
                dd of="$folder/block" bs=1K seek="$block" conv=notrunc status=none
        done
        cp "$folder/block" "$m/magic$i"
        sync "$m/magic$i"
    done
}

# Goes round and round in the journal.
wrap() {
    for round in $(seq 1 40); do
        mkdir -p "$m/round$round"
        for i in $(seq 1 50); do
            numbers 3 >"$m/round$round/$i"
        done
        sync "$m/round$round"
        [ "$((round % 3))" != 0 ] || rm -r "$m/round$((round - 1))"
    done
    sync "$m/round40"
}

# All that was done so far is in a commit of its own, and not in a fast one.
commit() {
    sync -f "$m"
}

# When it is cut off, half of the blocks that the journal holds have been written back.
half_written_back() {
    written_back=half
}

write_half_back() {
    local block_size skipped block
    block_size=$(dumpe2fs -h "$image" 2>/dev/null | sed -n 's/^Block size: *//p')
    skipped=" $((1024 / block_size)) $(debugfs -R 'bmap <8> 0' "$image" 2>/dev/null) "
    cp --sparse=always "$image" "$folder/replayed"
    debugfs -w -R journal_run "$folder/replayed" >/dev/null 2>&1
    { cmp -l "$image" "$folder/replayed" || true; } |
        awk -v size="$block_size" -v skipped="$skipped" '
            { block = int(($1 - 1) / size) }
            block != last && index(skipped, " " block " ") == 0 && ++count % 2 == 0 { print block }
            { last = block }' >"$folder/blocks"
    [ -s "$folder/blocks" ]
    while read -r block; do
        dd if="$folder/replayed" of="$image" bs="$block_size" skip="$block" seek="$block" count=1 \
            conv=notrunc status=none
    done <"$folder/blocks"
}

written_back=
truncate -s "$size" "$folder/image"
case $mkfs_options in
*-t*) ;;
*) mkfs_options="-t ext4 $mkfs_options" ;;
esac
# shellcheck disable=SC2086
mke2fs -q $mkfs_options "$folder/image"
m=$folder/mount
mkdir "$m"
mount -o "loop,commit=600${mount_options:+,$mount_options}" "$folder/image" "$m" || exit 77
for work in "$@"; do
    "$work"
done
cp --sparse=always "$folder/image" "$image"
[ -z "$written_back" ] || write_half_back
