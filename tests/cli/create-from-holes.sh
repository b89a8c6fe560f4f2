# create --from keeps holes as holes and zeros that are data as data, also in files of more than
# 4 GiB and of many pieces.
. "$TESTS/support/lib.sh"
need_mount
need cmp python3

# put FILE OFFSET TEXT
put() {
    printf '%s' "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

mkdir tree
truncate -s 10M tree/hole
truncate -s 10M tree/data-first
put tree/data-first 0 data
put tree/data-last 10485760 data
truncate -s 5G tree/large
put tree/large 4000000001 data
put tree/large 4500000000 data
head -c 300000 /dev/zero >tree/zeros
python3 - tree/pieces <<'PYTHON'
import sys
with open(sys.argv[1], "wb") as file:
    for piece in range(2000):
        file.seek(piece * 20000)
        file.write(b"%d" % piece)
PYTHON
[ "$(stat -c %b tree/hole)" = 0 ] || skip "needs a host with holes"

"$VHDTOOL" create -q a.vhdx 1G --from tree
to_raw a.vhdx a.raw
fsck_clean a.raw
mount_raw a.raw mounted ro
for file in hole data-first data-last zeros pieces; do
    cmp "tree/$file" "mounted/$file" || fail "$file differs"
done
for offset in 0 4000000000 4499999000; do
    cmp -i $offset -n 1000000 tree/large mounted/large || fail "the large file differs"
done
[ "$(stat -c %s mounted/large)" = "$(stat -c %s tree/large)" ] || fail "its size differs"
# blocks FILE: of 4 KiB, what a block of extents takes included.
blocks() {
    echo $(($(stat -c %b "mounted/$1") / 8))
}
[ "$(blocks hole)" = 0 ] || fail "the hole takes $(blocks hole) blocks"
[ "$(blocks data-first) $(blocks data-last) $(blocks large)" = "1 1 2" ] ||
    fail "holes were filled: $(blocks data-first) $(blocks data-last) $(blocks large)"
[ "$(blocks zeros)" = 74 ] || fail "the zeros take $(blocks zeros) blocks"
if [ "$(blocks pieces)" -lt 2000 ] || [ "$(blocks pieces)" -gt 2020 ]; then
    fail "the pieces take $(blocks pieces) blocks"
fi
