# shellcheck shell=bash
# The image of a disk that was in use for long: 256 GiB as WSL makes it, 6 GB in 100,000 files
# written by the kernel, half of them deleted since. For the long tests and the bench, which share
# one: it takes a minute to make.

# filled_image BUILD: prints its path; beside it, with .tree, lies the fingerprint of its tree.
# Needs root and loop mounts.
filled_image() {
    local image=$1/filled-256G.raw

    [ -e "$image.tree" ] || (make_filled_image "$image") >&2 || return 1
    echo "$image"
}

# grown_image BUILD: the same disk as a VHDX with blocks of 1 MiB, in which what was deleted
# still takes up space.
grown_image() {
    filled_image "$1" >/dev/null && echo "$1/filled-256G.vhdx"
}

make_filled_image() {
    local image=$1 folder

    set -e
    rm -f "$image"
    truncate -s 256G "$image"
    mkfs.ext4 -q -G 4096 "$image"
    folder=$(mktemp -d)
    # shellcheck disable=SC2064 # at the exit the name is gone
    trap "umount '$folder' 2>/dev/null || :; rmdir '$folder'" EXIT
    mount -o loop,noinit_itable "$image" "$folder"
    "$(dirname "${BASH_SOURCE[0]}")/fill-with-files.py" "$folder" 100000
    umount "$folder"
    qemu-img convert -O vhdx -o subformat=dynamic,block_size=1M "$image" "${image%.raw}.vhdx"
    # resize2fs asks for it after a mount; and what is free takes no space then.
    e2fsck -fy -E discard "$image" >/dev/null 2>&1 || [ $? = 1 ]
    mount -o loop,ro "$image" "$folder"
    "$(dirname "${BASH_SOURCE[0]}")/tree-fingerprint.py" "$folder" >"$image.tree.new"
    umount "$folder"
    mv "$image.tree.new" "$image.tree"
}
