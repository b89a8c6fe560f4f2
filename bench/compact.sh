# shellcheck shell=bash
# Giving space back: a VHDX from which half of the files were deleted, beside what is done on Linux
# for that (zerofree on the raw disk, and qemu-img convert, whose conversion to raw isn't counted);
# and a disk with very many files, beside the conversion alone. Sourced by run.sh.

# what_is_done_on_linux RAW VHDX
what_is_done_on_linux() {
    zerofree "$1"
    qemu-img convert -O vhdx -o subformat=dynamic,block_size=1M "$1" "$2"
}
export -f what_is_done_on_linux

print_file_sizes() {
    local file

    for file; do
        printf '  %s: %.1f MiB' "${file%.vhdx}" "$(stat -c %s "$file" | awk '{ print $1 / 2 ^ 20 }')"
    done
    echo
}

bench_compact() {
    local image

    image=$(grown_image "$(dirname "$vhdtool")")
    qemu-img convert -O raw "$image" grown.raw
    for _ in $(seq "$runs"); do
        fresh_copy "$image" compacted.vhdx
        timed compact "$vhdtool" compact compacted.vhdx
        fresh_copy "$image" packed.vhdx
        timed compact-deep "$vhdtool" compact --deep packed.vhdx
        fresh_copy grown.raw peer.raw
        rm -f peer.vhdx
        timed zerofree+convert bash -c 'set -e; what_is_done_on_linux peer.raw peer.vhdx'
    done
    compare compact zerofree+convert
    compare_written compact zerofree+convert
    compare compact-deep zerofree+convert
    compare_written compact-deep zerofree+convert
    cp "$image" before.vhdx
    print_file_sizes before.vhdx compacted.vhdx packed.vhdx peer.vhdx
    rm ./*.raw ./*.vhdx
}

bench_many() {
    local image

    image=$(many_files_image "$(dirname "$vhdtool")")
    for _ in $(seq "$runs"); do
        fresh_copy "$image" compacted.vhdx
        timed many-dry-run "$vhdtool" compact --dry-run compacted.vhdx
        timed many-compact "$vhdtool" compact compacted.vhdx
        fresh_copy "$image" packed.vhdx
        timed many-deep "$vhdtool" compact --deep packed.vhdx
        rm -f peer.vhdx
        timed convert qemu-img convert -O vhdx -o subformat=dynamic,block_size=1M "$image" peer.vhdx
    done
    for ours in many-dry-run many-compact many-deep; do
        compare "$ours" convert
        printf '  memory: %.1f MiB\n' "$(awk '{ print $1 / 1024 }' <(median "$ours.memory"))"
        compare_written "$ours" convert
    done
    print_file_sizes compacted.vhdx packed.vhdx peer.vhdx
    rm ./*.vhdx
}
