# Layouts and moves that chance picks. A number stands for each, so that one that fails can be repeated:
# NUMBERS="17 23" tests/run --long build tests/long/resize-random.sh
. "$TESTS/support/lib.sh"
. "$TESTS/support/resize-matrix.sh"

# pick WORD...: one of them, in $picked.
pick() {
    picked=${*:RANDOM % $# + 1:1}
}

# often PERCENT
often() {
    [ $((RANDOM % 100)) -lt "$1" ]
}

# features WORD...: more of them.
features() {
    local IFS=,

    list=${list:+$list,}$*
}

pick_features() {
    list=
    pick meta_bg,^resize_inode ^resize_inode resize_inode resize_inode && features "$picked"
    pick ^flex_bg flex_bg flex_bg flex_bg && features "$picked"
    pick metadata_csum metadata_csum ^metadata_csum,uninit_bg ^metadata_csum,^uninit_bg && features "$picked"
    pick ^64bit 64bit 64bit && features "$picked"
    pick ^has_journal orphan_file has_journal has_journal && features "$picked"
    ! often 25 || features sparse_super2
    ! often 20 || features inline_data
    ! often 20 || features ea_inode
    ! often 10 || features large_dir
    ! often 15 || features bigalloc
    ! often 10 || features ^extents,^64bit
}

# The words of mke2fs, in $words.
pick_words() {
    pick_features
    pick 1024 1024 2048 4096
    words="-b $picked -O $list"
    [[ $list != *bigalloc* ]] || words+=" -C $((picked << (1 + RANDOM % 4)))"
    if [[ $list != *^flex_bg* ]]; then
        pick 1 1 2 4 16 64 4096
        words+=" -G $picked"
    fi
    ! often 50 || words+=" -N $((1500 + RANDOM % 8000))"
    ! often 30 || [[ $list == *bigalloc* ]] || words+=" -g $((2048 << (RANDOM % 3)))"
    [[ $list == *^has_journal* ]] || ! often 40 || words+=" -J size=$((4 + RANDOM % 12))"
    ! often 30 || words+=" -m $((RANDOM % 40))"
    case $((RANDOM % 5)) in
    0) [[ $words == *"-G 1"* ]] || words+=" -E packed_meta_blocks=1" ;; # with -G 1 mke2fs makes a broken one
    1) words+=" -E stride=16" ;;
    2) [[ $list != *sparse_super2* ]] || words+=" -E num_backup_sb=$((RANDOM % 3))" ;;
    3) [[ $list == *^resize_inode* ]] || words+=" -E resize=4G" ;;
    esac
}

# Sizes in KiB, from far below the present one to far above it, and steps of all kinds, in $moves.
pick_moves() {
    local size=$1 count=$((3 + RANDOM % 4))

    moves=
    while [ "$count" -gt 0 ]; do
        count=$((count - 1))
        case $((RANDOM % 8)) in
        0)
            # With this feature a second -M may find more, which man ext4resize tells.
            pick min+0 -M
            [[ $list != *sparse_super2* ]] || picked=min+0
            moves+=" $picked"
            ;;
        1) moves+=" min+$((RANDOM % 3000))" ;;
        2) moves+=" $((size * 3000))K groups+$((RANDOM % 2000))" ;;
        3) moves+=" $((size * 3000))K groups-$((RANDOM % 2000))" ;;
        4) moves+=" $((size * (1024 + RANDOM)))K" ;;
        5 | 6) moves+=" $((size * (1024 + RANDOM % 2000)))K" ;;
        7) moves+=" $((size * (850 + RANDOM % 174)))K" ;;
        esac
    done
}

for number in ${NUMBERS:-$(seq 1 80)}; do
    RANDOM=$number
    size=$((90 + RANDOM % 80))
    pick_words
    pick_moves "$size"
    rm -f refused.raw
    # shellcheck disable=SC2086 # words of a command line
    mke2fs -q -F -t ext4 $words refused.raw "${size}M" >/dev/null 2>&1 || continue
    rm -f refused.raw
    echo "$number: $words, ${size}M $moves"
    # shellcheck disable=SC2086
    resize_case "$words" "${size}M" $moves
done
resize_done
