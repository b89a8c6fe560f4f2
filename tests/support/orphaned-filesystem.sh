#!/usr/bin/env bash
# Makes an ext4 filesystem with orphans in its chain, and nothing in its journal.
#
#   orphaned-filesystem.sh IMAGE SIZE MKFS_OPTIONS deleted|truncated
#
# deleted: files without links, of all kinds; truncated: files with blocks behind their size.
# Needs mke2fs and debugfs.
set -eu -o pipefail

image=$1 size=$2 mkfs_options=$3 kind=$4
folder=$(mktemp -d "${TMPDIR:-/dev/shm}/orphaned-filesystem.XXXXXX")
trap 'rm -rf "$folder"' EXIT

mkdir -p "$folder/tree/gone-folder" "$folder/tree/stays"
seq -f 'a line of text with the number %.0f in it' 60000 >"$folder/tree/large"
cp "$folder/tree/large" "$folder/tree/holes"
head -c 5000 "$folder/tree/large" >"$folder/tree/small"
: >"$folder/tree/empty"
cp "$folder/tree/small" "$folder/tree/stays/small"
ln -s stays "$folder/tree/short"
ln -s "$(printf '%0200d' 7)" "$folder/tree/long"
mkfifo "$folder/tree/pipe"
head -c 3000 /dev/zero | tr '\0' v >"$folder/value"

rm -f "$image"
truncate -s "$size" "$image"
case $mkfs_options in
*-t*) ;;
*) mkfs_options="-t ext4 $mkfs_options" ;;
esac
# shellcheck disable=SC2086
mke2fs -q $mkfs_options -d "$folder/tree" "$image"
block_size=$(dumpe2fs -h "$image" 2>/dev/null | sed -n 's/^Block size: *//p')

# Many extents, in a tree of several nodes.
for i in $(seq 1 2 $((2600000 / block_size))); do
    echo "punch /holes $i $i"
done >"$folder/commands"
cat >>"$folder/commands" <<END
sif /large uid 1000
sif /holes uid 70000
ea_set /small user.one 1
ea_set -f $folder/value /large user.large
ea_set -f $folder/value /stays/small user.large
END
debugfs -w -f "$folder/commands" "$image" >/dev/null 2>&1
# What debugfs doesn't keep: quotas, and trees without empty nodes.
e2fsck -fy "$image" >/dev/null 2>&1 || [ $? = 1 ]

chain() {
    local name number last=0

    for name; do
        number=$(debugfs -R "stat /$name" "$image" 2>/dev/null | sed -n 's/^Inode: *\([0-9]*\).*/\1/p')
        echo "sif <$number> dtime @$last"
        if [ "$kind" = deleted ]; then
            echo "unlink /$name"
            echo "sif <$number> links_count 0"
            [ "$name" != gone-folder ] || echo "sif <2> links_count 4"
        fi
        last=$number
    done
    echo "ssv last_orphan $last"
}

if [ "$kind" = deleted ]; then
    chain large holes small empty short long pipe gone-folder >"$folder/commands"
else
    cat >"$folder/commands" <<END
sif /large size 100001
sif /holes size $((block_size * 601 + 17))
sif /small size 4999
END
    chain large holes small >>"$folder/commands"
fi
debugfs -w -f "$folder/commands" "$image" >/dev/null 2>&1
