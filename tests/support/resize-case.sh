#!/usr/bin/env bash
# resize-case.sh "MKE2FS-WORDS" SIZE MOVE...: makes a filesystem, fills it, and resizes it by one
# move after the other, with judges after each: e2fsck, dumpe2fs, the kernel.
#
# A move is a SIZE as resize2fs takes it, or
#   min+N       N blocks above what -P says
#   groups+N    as many whole groups as there are now (one at least) and N blocks more; groups-N
#               fewer
#   -M          to the minimum; a second -M must change nothing
#   -b, -s      to 64-bit block numbers and back
. "$TESTS/support/lib.sh"

words=$1 size=$2
shift 2
peer=
case $RESIZE in
*/checked-resize2fs) peer=1 ;; # of which less is asked
esac
features=$(printf '%s\n' "$words" | grep -o -- '-O [^ ]*' || true)

# Memory is twice as fast as a disk.
folder=$(mktemp -d "$MEMORY/case.XXXXXX")
at_exit '! mountpoint -q "$folder/tree" || umount "$folder/tree"; rm -rf "$folder"'
cd "$folder" || exit

# Ids that don't change: where the kernel puts directories depends on them.
make_filesystem() {
    local type="-t ext4" seed=hash_seed=6ee4a5c2-41a2-4c5e-9b52-2d1e0b7a7f00

    [[ $words != *"-t "* ]] || type=
    if [[ $words == *"-E "* ]]; then
        words=${words/-E /-E $seed,}
    else
        words="$words -E $seed"
    fi
    truncate -s "$size" image.raw
    # shellcheck disable=SC2086 # words of a command line
    mke2fs -q -F $type -U 5ee4a5c2-41a2-4c5e-9b52-2d1e0b7a7f00 $words "$@" image.raw >/dev/null \
        2>mke2fs.log || { cat mke2fs.log && fail "mke2fs"; }
}

# Through mke2fs, where the kernel lacks a feature (quota, casefold) or would wait (mmp).
fill_by_mke2fs() {
    mkdir source
    "$TESTS/support/ext4-contents.py" source "$(($(field 'Free blocks') * $(field 'Block size')))" \
        "$(field 'Block size')" >/dev/null
    chattr -R -i -a source 2>/dev/null || true
    [[ $features == *ea_inode* ]] || setfattr -x user.large source/*-attributes/large*
    make_filesystem -d source
    [[ $features != *casefold* ]] || fold_names
}

# Makes directories casefolded and has e2fsck hash their names anew.
fold_names() {
    local name

    for name in first-casefold second-casefold; do
        debugfs -w -R "set_inode_field $name flags 0x40080000" image.raw >/dev/null 2>&1
    done
    e2fsck -fyD image.raw >/dev/null 2>&1 || [ $? = 1 ]
}

fill() {
    if [[ $features != *mmp* ]] && mount -o loop image.raw tree 2>/dev/null; then
        "$TESTS/support/ext4-contents.py" tree >/dev/null
        umount tree
    else
        fill_by_mke2fs
    fi
}

# field NAME: of the superblock.
field() {
    dumpe2fs -h image.raw 2>/dev/null | sed -n "s/^$1: *//p"
}

# The tree by the kernel; where it can't mount it, by debugfs, which knows less of it.
fingerprint() {
    if mount -o loop,ro image.raw tree 2>/dev/null; then
        "$TESTS/support/tree-fingerprint.py" tree
        umount tree
    else
        mkdir copy
        debugfs -R "rdump / copy" image.raw >/dev/null 2>debugfs.log
        grep -v -e '^debugfs ' -e 'while changing ownership' debugfs.log || true
        (cd copy && find . -type f -size -1G -print0 | sort -z | xargs -0 sha256sum
            find . -printf '%p %y %m %s %l\n' | sort)
        rm -r copy
    fi
}

# The size in blocks that a move asks for; the present one for -M, -b and -s.
asked_blocks() {
    local first whole

    case $1 in
    -[bs] | -M) echo "$blocks" ;;
    min+*) echo $(($(minimum) + ${1#min+})) ;;
    groups[+-]*)
        first=$(field 'First block')
        whole=$(((blocks - first) / group))
        echo $((first + (whole ? whole : 1) * group + ${1#groups}))
        ;;
    *[!0-9]*) echo $(($(numfmt --from=iec "${1/s/}") * $(unit "$1") / block_size)) ;;
    *) echo "$1" ;;
    esac
}

# Bytes of what a size counts.
unit() {
    case $1 in
    *s) echo 512 ;;
    *) echo 1 ;;
    esac
}

minimum() {
    "$RESIZE" -P image.raw 2>/dev/null | sed -n 's/.*: *\([0-9][0-9]*\)$/\1/p'
}

run_resize() {
    echo "$move: $*"
    "$RESIZE" "$@" >resize.log 2>&1 </dev/null || {
        local status=$?
        cat resize.log
        fail "at $move: status $status of: $(basename "$RESIZE") $*"
    }
}

# The blocks asked for, rounded to clusters, but for a last group that couldn't hold its own tables
# and 50 blocks: that is dropped.
check_blocks() {
    local asked=$(($1 / cluster * cluster)) rest tables

    [ "$blocks" != "$asked" ] || return 0
    rest=$(((asked - $(field 'First block')) % group))
    tables=$((2 + $(field 'Inode blocks per group') + 50))
    tables=$((tables + 1 + $(field 'Reserved GDT blocks' || true) + blocks / group * 64 / block_size + 1))
    [ "$blocks" = $((asked - rest)) ] && [ "$rest" -lt "$tables" ] ||
        fail "at $move: $blocks blocks, not $asked"
}

# A file that is too small grows, one that is too large shrinks.
check_file() {
    local bytes

    bytes=$(stat -c %s image.raw)
    [ "$bytes" -ge $((blocks * block_size)) ] || fail "at $move: the file ends within the filesystem"
    case $1 in
    -[bs]) ;;
    *) [ "$bytes" -lt $(((blocks + group) * block_size)) ] || fail "at $move: the file has $bytes bytes" ;;
    esac
}

check_minimum() {
    local promised=$1 before=$blocks

    [ -z "$peer" ] || return 0
    [ "$blocks" -le "$promised" ] || fail "at -M: $blocks blocks, -P had said $promised"
    run_resize -M image.raw
    blocks=$(field 'Block count')
    [ "$blocks" = "$before" ] || fail "-M again: $blocks blocks, $before before"
    fsck_clean image.raw
}

check_words() {
    case $1 in
    -b) field 'Filesystem features' | grep -qw 64bit || fail "at -b: no 64bit" ;;
    -s) ! field 'Filesystem features' | grep -qw 64bit || fail "at -s: still 64bit" ;;
    esac
}

# Superblocks that e2fsck -b would take: all of the same size.
check_backups() {
    local place

    for place in $(dumpe2fs image.raw 2>/dev/null | sed -n 's/.*Backup superblock at \([0-9]*\).*/\1/p' |
        sed -n '1p;$p'); do
        [ "$(dumpe2fs -h -o superblock="$place" -o blocksize="$block_size" image.raw 2>/dev/null |
            sed -n 's/^Block count: *//p')" = "$blocks" ] || fail "at $move: the backup at $place is stale"
    done
}

# What has to be equal: all, but for resize2fs, which sets the time of directories that change.
comparable() {
    if [ -n "$peer" ]; then
        sed -E 's/^([^ ]+ 4[0-7]{4} [0-9:]+ [0-9]+) [-0-9]+/\1/' "$1"
    else
        cat "$1"
    fi
}

check_tree() {
    fingerprint >after
    diff <(comparable before) <(comparable after) >different || {
        cut -c 1-300 different | head -n 12
        fail "at $move: another tree"
    }
}

# make_move MOVE
make_move() {
    local asked promised=

    asked=$(asked_blocks "$1")
    case $1 in
    -M) promised=$(minimum) && run_resize -M image.raw ;;
    -[bs]) run_resize "$1" image.raw ;;
    min+* | groups[+-]*) run_resize image.raw "$asked" ;;
    *) run_resize image.raw "$1" ;;
    esac
    blocks=$(field 'Block count')
    fsck_clean image.raw
    [ "$1" = -M ] || check_blocks "$asked"
    check_file "$1"
    check_words "$1"
    check_backups
    check_tree
    [ "$1" != -M ] || check_minimum "$promised"
}

# The kernel takes and gives back blocks and inodes in the new filesystem.
use_it() {
    mount -o loop image.raw tree 2>/dev/null || return 0
    mkdir tree/used 2>/dev/null || true
    cp -r "$TESTS/support" tree/used 2>/dev/null || true
    sync -f tree
    rm -rf tree/used tree/first-small-* tree/second-fragments
    umount tree
    fsck_clean image.raw
}

mkdir tree
make_filesystem
fill
block_size=$(field 'Block size')
cluster=$(($(field 'Cluster size' | grep . || echo "$block_size") / block_size))
group=$(field 'Blocks per group')
blocks=$(field 'Block count')
move=filling
e2fsck -fy image.raw >/dev/null 2>&1 || [ $? = 1 ] # the kernel leaves extent trees wider than need be
fsck_clean image.raw
fingerprint >before
for move; do
    make_move "$move"
done
move=use
[[ $features == *mmp* ]] || use_it
