# shellcheck shell=bash
# For the benches: sourced by run.sh, in whose temporary folder they run.

# timed NAME COMMAND...: adds to NAME.times the seconds, to NAME.written the MiB written to files, to
# NAME.memory the KiB of memory at most.
timed() {
    local name=$1 start end

    shift
    sync
    start=$(date +%s.%N)
    env time -q -o usage -f "%O %M" "$@" >/dev/null 2>"$name.log" || { cat "$name.log" >&2 && exit 1; }
    end=$(date +%s.%N)
    awk -v start="$start" -v end="$end" 'BEGIN { print end - start }' >>"$name.times"
    awk '{ print $1 / 2048 }' usage >>"$name.written" # from sectors
    awk '{ print $2 }' usage >>"$name.memory"
}

# fresh_copy FROM TO: on the disk, so that nobody's time is spent on writing it back.
fresh_copy() {
    cp --sparse=always "$1" "$2"
    sync "$2"
}

# median FILE
median() {
    sort -n "$1" | awk '{ a[NR] = $1 } END { print (a[int((NR + 1) / 2)] + a[int(NR / 2) + 1]) / 2 }'
}

# compare OURS PEER: a line with both medians and how many times longer the peer takes.
compare() {
    awk -v ours="$(median "$1.times")" -v peer="$(median "$2.times")" -v a="$1" -v b="$2" \
        'BEGIN { printf "%-28s %8.3f s   %-28s %8.3f s   ratio %.1f\n", a, ours, b, peer, peer / ours }'
}

# compare_written OURS PEER: the same of what was written.
compare_written() {
    awk -v ours="$(median "$1.written")" -v peer="$(median "$2.written")" 'BEGIN {
        if (ours) printf "  written: %.1f MiB, %.1f MiB, ratio %.1f\n", ours, peer, peer / ours }'
}

# block_count RAW
block_count() {
    dumpe2fs -h "$1" 2>/dev/null | sed -n 's/^Block count: *//p'
}
