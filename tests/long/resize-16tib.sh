# 16 TiB, of which 10 million blocks lie beyond the new end: planned and moved in less than 512 MiB of memory,
# also where each of the blocks is an extent of its own.
. "$TESTS/support/lib.sh"
need_plain_program
. "$TESTS/support/resize.sh"
need_mount
need /usr/bin/time

MIB_MOST=512

# resize_measured FILE SIZE: the least memory that it did with goes to the log.
resize_measured() {
    /usr/bin/time -q -o usage -f '%M KiB, %e s' "$RESIZE" -d 1 "$@" >resize.log 2>&1 ||
        { cat resize.log && fail "$RESIZE $*"; }
    echo "$*: $(cat usage), $(sed -n 's/^ *moves *//p' resize.log)"
    [ "$(cut -d ' ' -f 1 usage)" -lt $((MIB_MOST * 1024)) ] || fail "$(cat usage)"
    [ "$(sed -n 's/^ *moves *\([0-9]*\) .*/\1/p' resize.log)" -ge 10000000 ] || fail "too little moved"
    fsck_clean "$1"
}

# What lies at the front when the files come is gone afterwards: so they all lie beyond the new end.
make_raw a.raw 16T -b 4096 -O 64bit -i 65536 \
    -E lazy_itable_init=1,nodiscard,hash_seed=6ee4a5c2-41a2-4c5e-9b52-2d1e0b7a7f00
mkdir tree
mount -o loop,noinit_itable,mb_optimize_scan=0 a.raw tree
at_exit "! mountpoint -q '$PWD/tree' || umount '$PWD/tree'"
fallocate -l 62G tree/front
for i in $(seq 680); do
    mkdir "tree/$i"
    fallocate -l 80M "tree/$i/allocated"
    seq "$i" 200000 >"tree/$i/written"
    [ "$i" -gt 50 ] || dd if=/dev/urandom of="tree/$i/noise" bs=1M count=8 status=none
done
find tree -type f -name '[wn]*' -print0 | sort -z | xargs -0 sha256sum >before
rm tree/front
umount tree
resize_measured a.raw 64G
mount -o loop,ro a.raw tree
sha256sum --quiet -c before || fail "other contents"
umount tree
rm a.raw

mkdir empty
for i in $(seq 87); do : >"empty/$i"; done
make_raw b.raw 1T -b 4096 -i 65536 -O 64bit,^metadata_csum,^uninit_bg,^resize_inode -d empty \
    -E lazy_itable_init=1,nodiscard
"$TESTS/support/fragment-files.py" b.raw 1000 $(seq 12 98)
fsck_clean b.raw
resize_measured b.raw 100G
