#!/usr/bin/env bash
# demo.sh VHDTOOL: raises the limit of an image as WSL has it, in front of your eyes, compacts and
# shrinks it, and leaves the image in samples/.
set -eu
PATH=$PATH:/usr/sbin:/sbin

vhdtool=$1
image=$(dirname "$0")/demo.vhdx
rm -f "$image"

show() {
    if [ -t 1 ]; then
        printf '\n\033[1m$ %s\033[0m\n' "$*"
    else
        printf '\n$ %s\n' "$*"
    fi
    "$@"
}

# delete_most IMAGE: replaces it by one in which most files were deleted.
delete_most() {
    local raw=$1.raw

    rm -f "$1" "$raw"
    truncate -s 20G "$raw"
    mke2fs -q -t ext4 -d /usr/include "$raw"
    (cd /usr/include && find . -type f | sort) |
        awk 'NR % 4 { sub(/^\./, ""); print "rm \"" $0 "\"" }' >"$raw.requests"
    debugfs -w -f "$raw.requests" "$raw" >/dev/null 2>&1
    qemu-img convert -O vhdx -o block_size=1M,subformat=dynamic "$raw" "$1"
    rm -f "$raw" "$raw.requests"
}

echo "A 256 GB disk as WSL makes it, with a real tree in it:"
show "$vhdtool" create "$image" 256GB --from /usr/include
show "$vhdtool" info "$image"
echo
echo "Raising the limit to 1 TB, disk and filesystem in one step:"
show "$vhdtool" expand "$image" 1TB
show "$vhdtool" info "$image"
echo
echo "Somebody has deleted three files of four in a filesystem of 20 GB, and the image is as large as before:"
delete_most "$image"
show "$vhdtool" info "$image"
echo
echo "What the filesystem doesn't use goes back to the host; then also what comes free by moving files together:"
show "$vhdtool" compact "$image"
show "$vhdtool" compact --deep "$image"
echo
echo "And the disk gets as small as it can be:"
show "$vhdtool" shrink "$image" min
echo
echo "Others read it:"
show qemu-img check "$image"
