#!/usr/bin/env bash
# demo.sh VHDTOOL: raises the limit of an image as WSL has it, in front of your eyes, and leaves the
# image in samples/.
set -eu

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

echo "A 256 GB disk as WSL makes it, with a real tree in it:"
show "$vhdtool" create "$image" 256GB --from /usr/include
show "$vhdtool" info "$image"
echo
echo "Raising the limit to 1 TB, disk and filesystem in one step:"
show "$vhdtool" expand "$image" 1TB
show "$vhdtool" info "$image"
echo
echo "Others read it:"
show qemu-img check "$image"
