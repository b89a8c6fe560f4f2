# A filesystem made to keep its reader busy: a directory of a billion blocks that are one, links in
# circles, and one link that names itself a thousand times. info ends, and tells the rest.
. "$TESTS/support/lib.sh"
need jq qemu-img mkfs.ext4 mkfs.ext2 debugfs timeout

# A file of 4 KiB that holds one 32-bit number 1024 times.
pointers() {
    local hex
    hex=$(printf '%08x' "$1")
    printf "\\x${hex:6:2}\\x${hex:4:2}\\x${hex:2:2}\\x${hex:0:2}%.0s" $(seq 1024)
}
block_of() { debugfs -R "blocks $1" a.raw 2>/dev/null | tr -d ' \n'; }
look() {
    rm -f a.vhdx
    qemu-img convert -O vhdx a.raw a.vhdx
    expect_status 0 timeout 60 "$VHDTOOL" info --json a.vhdx
    expect_json '.filesystem.label == "hostile" and .filesystem.os == null'
}

mkdir -p tree/etc
for level in 1 2 3; do head -c 4096 /dev/urandom >tree/level$level; done
truncate -s 64M a.raw
mkfs.ext2 -q -b 4096 -O ^dir_index,^metadata_csum,^64bit -L hostile -d tree a.raw
pointers "$(block_of /etc)" | dd of=a.raw bs=4096 seek="$(block_of /level1)" conv=notrunc status=none
pointers "$(block_of /level1)" | dd of=a.raw bs=4096 seek="$(block_of /level2)" conv=notrunc status=none
pointers "$(block_of /level2)" | dd of=a.raw bs=4096 seek="$(block_of /level3)" conv=notrunc status=none
debugfs -w -R "sif /etc block[TIND] $(block_of /level3)" a.raw 2>/dev/null
debugfs -w -R 'sif /etc size 4398046507008' a.raw 2>/dev/null
look

rm -r tree a.raw
mkdir tree
ln -s etc tree/etc
ln -s os-release tree/os-release
truncate -s 64M a.raw
mkfs.ext4 -q -L hostile -d tree a.raw
look

rm -r tree a.raw
mkdir -p tree/etc
name=$(printf 'a/%.0s' $(seq 1000))
ln -s . tree/etc/a0
for level in 1 2 3 4 5; do
    ln -s "${name//a/a$((level - 1))}" "tree/etc/a$level"
done
ln -s a5 tree/etc/os-release
truncate -s 64M a.raw
mkfs.ext4 -q -b 4096 -L hostile -d tree a.raw
look
