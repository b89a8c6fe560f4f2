#!/usr/bin/env bash
# run.sh VHDTOOL [BENCH...]: our times beside those of others for the same step, taken in turn in one
# run; prints medians and ratios (the detour by conversion is taken once). BENCH: expand, info,
# detour, grow, shrink, compact, many; all by default. Where TMPDIR lies in memory, nothing counts as written,
# and the disk's own changes of pace play no part. RUNS: how many turns (5; 3 of those that
# take long). Needs root, and some tens of GiB below TMPDIR and beside VHDTOOL.
set -eu -o pipefail

vhdtool=$(realpath "$1")
shift
ext4resize=$(dirname "$vhdtool")/ext4resize
runs=${RUNS:-5}
here=$(realpath "$(dirname "${BASH_SOURCE[0]}")")
folder=$(mktemp -d "${TMPDIR:-/var/tmp}/vhdtool-bench.XXXXXX")
trap '! mountpoint -q "$folder/tree" || umount "$folder/tree"; rm -rf "$folder"' EXIT
cd "$folder"

. "$here/lib.sh"
. "$here/expand.sh"
. "$here/resize.sh"
. "$here/compact.sh"
. "$here/../tests/support/filled-image.sh"
. "$here/../tests/support/many-files-image.sh"

[ $# -gt 0 ] || set -- expand info detour grow shrink compact many
case " $* " in
*" expand "* | *" detour "* | *" grow "*) make_images ;;
esac
for bench; do
    case $bench in
    expand) bench_expand ;;
    info) bench_info ;;
    detour) bench_detour ;;
    grow) bench_grow 1T && bench_grow 5T ;;
    shrink) runs=${RUNS:-3} bench_shrink ;;
    compact) runs=${RUNS:-3} bench_compact ;;
    many) runs=${RUNS:-3} bench_many ;;
    esac
done
