# shellcheck shell=bash
# For tests of ext4resize: sourced after lib.sh. RESIZE: the program under test, with resize2fs's
# command line; with RESIZE=$TESTS/support/checked-resize2fs resize2fs itself is judged.
need mke2fs e2fsck dumpe2fs debugfs python3

RESIZE=${RESIZE:-$(dirname "$VHDTOOL")/ext4resize}
export RESIZE
command -v "$RESIZE" >/dev/null || fail "no program $RESIZE"
case $RESIZE in
*/checked-resize2fs) export FSCK_OPTIONS="-E no_optimize_extents" ;; # it leaves trees wider than need be
esac
[ -z "${MEMORY:-}" ] || cd "$MEMORY" || exit # twice as fast as a disk

# make_raw FILE SIZE MKE2FS-WORDS...
make_raw() {
    truncate -s "$2" "$1"
    mke2fs -q -F -t ext4 "${@:3}" "$1" 2>mke2fs.log || { cat mke2fs.log && fail "mke2fs ${*:3}"; }
}

# superblock FILE FIELD: as dumpe2fs -h has it.
superblock() {
    dumpe2fs -h "$1" 2>/dev/null | sed -n "s/^$2: *//p"
}

# resize WORD...: must succeed.
resize() {
    "$RESIZE" "$@" >resize.log 2>&1 </dev/null || {
        local status=$?
        cat resize.log >&2
        fail "status $status of: $(basename "$RESIZE") $*"
    }
}

# minimum FILE: in blocks, as -P says.
minimum() {
    "$RESIZE" -P "$1" 2>/dev/null | sed -n 's/.*: *\([0-9][0-9]*\)$/\1/p'
}

# expect_blocks FILE COUNT
expect_blocks() {
    [ "$(superblock "$1" 'Block count')" = "$2" ] ||
        fail "$1 has $(superblock "$1" 'Block count') blocks, not $2"
}

# fill_up DIR: takes all free space, in files DIR/wall/N: large ones, then ever smaller ones.
fill_up() {
    local size number=0 device

    device=$(findmnt -n -o SOURCE "$1")
    echo 0 >"/sys/fs/ext4/${device##*/}/reserved_clusters" # else the kernel keeps 2 %
    mkdir "$1/wall"
    for size in $(($(stat -f -c "%f * %S" "$1") * 9 / 10)) 1M 64K 4K 1K; do
        while fallocate -l "$size" "$1/wall/$number" 2>/dev/null; do
            number=$((number + 1))
        done
        rm -f "$1/wall/$number"
    done
}

# last_extent FILE: of its extents, the one that lies last on the disk: its first block within the
# file and its length.
last_extent() {
    filefrag -v "$1" | tr -d ':' | awk '$1 ~ /^[0-9]+$/ && $4 + 0 > most {
        most = $4 + 0; start = $2 + 0; length_ = $6 + 0 } END { print start, length_ }'
}
