# shellcheck shell=bash
# Raw files beside resize2fs, each on a copy of its own: growing a disk of 256 GiB, and shrinking one
# that was in use for long to its minimum. Sourced by run.sh.

# bench_grow SIZE
bench_grow() {
    for _ in $(seq "$runs"); do
        fresh_copy old.raw ours.raw
        timed "grow-to-$1" "$ext4resize" ours.raw "$1"
        fresh_copy old.raw peer.raw
        timed "resize2fs-to-$1" resize2fs peer.raw "$1"
    done
    compare "grow-to-$1" "resize2fs-to-$1"
    compare_written "grow-to-$1" "resize2fs-to-$1"
    least_to_write "grow-to-$1" old.raw "$1"
    rm ours.raw peer.raw
}

# Beside what resize2fs does twice, for it reaches its minimum at the second time at the earliest. What is
# left is removed at once: below a TMPDIR in memory there is no more room, and no disk that plays a part.
bench_shrink() {
    local image ours first second

    image=$(filled_image "$(dirname "$vhdtool")")
    for _ in $(seq "$runs"); do
        fresh_copy "$image" ours.raw
        timed shrink "$ext4resize" -M ours.raw
        ours=$(block_count ours.raw)
        rm ours.raw
        fresh_copy "$image" peer.raw
        timed resize2fs-M resize2fs -M peer.raw
        first=$(block_count peer.raw)
        timed resize2fs-M-again resize2fs -f -M peer.raw
        second=$(block_count peer.raw)
        rm peer.raw
        fresh_copy "$image" same.raw
        timed shrink-as-resize2fs-M "$ext4resize" same.raw "$first"
        rm same.raw
    done
    compare shrink resize2fs-M
    compare_written shrink resize2fs-M
    compare shrink-as-resize2fs-M resize2fs-M
    compare shrink resize2fs-M-again
    echo "  blocks: $(block_count "$image"), then $ours; resize2fs: $first, then $second"
    least_to_write shrink -M "$image"
}

# least_to_write OURS IMAGE WORD...: how far what was written is from the plan's figure, which is the least:
# the blocks that have to move, as if they had no holes, and the metadata.
least_to_write() {
    "$ext4resize" --dry-run "${@:2}" 2>/dev/null | sed -n 's/^  \(moves\|renumbers\|tables\) /  to do: \1 /p'
    "$ext4resize" --dry-run "${@:2}" 2>/dev/null | awk -v ours="$(median "$1.written")" '
        $1 == "writes" && ours {
            gsub(/[^0-9]/, "", $4)
            printf "  the least to write: %.1f MiB; written: %.1f MiB, ratio %.2f\n", $4 / 2 ^ 20, ours,
                ours / ($4 / 2 ^ 20)
        }'
}
