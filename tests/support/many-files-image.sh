# shellcheck shell=bash
# A disk with very many files: a VHDX of 1 TiB as WSL makes it, but for a small journal, with two
# million small files written by the kernel, a quarter of them deleted since at random: hardly a
# block of the image is free whole, and hardly one is full. For the long tests and the bench, which
# share one: it takes some minutes to make, and 18 GB of room while it is made.

# many_files_image BUILD: prints its path. Needs root and loop mounts, and qemu-img.
many_files_image() {
    local image=$1/many-files-1T.vhdx

    [ -e "$image" ] || (make_many_files_image "$image") >&2 || return 1
    echo "$image"
}

# What is deleted stays where it was, and nobody fills inode tables with zeros.
make_many_files_image() {
    local image=$1 raw=$1.raw folder

    folder=$(mktemp -d) || return 1
    # shellcheck disable=SC2064 # at the exit the names are gone
    trap "umount '$folder' 2>/dev/null || :; rmdir '$folder'; rm -f '$raw' '$image.new'" EXIT
    rm -f "$raw" &&
        truncate -s 1T "$raw" &&
        mkfs.ext4 -q -G 4096 -J size=128 "$raw" &&
        mount -o loop,noinit_itable,nodiscard,noatime "$raw" "$folder" &&
        "$(dirname "${BASH_SOURCE[0]}")/make-many-files.py" "$folder" 2000000 &&
        umount "$folder" &&
        e2fsck -fn "$raw" >/dev/null 2>&1 &&
        qemu-img convert -O vhdx -o block_size=1M,subformat=dynamic "$raw" "$image.new" &&
        mv "$image.new" "$image"
}
