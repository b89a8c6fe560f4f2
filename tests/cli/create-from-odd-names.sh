# Names are bytes: create --from takes them as they are.
. "$TESTS/support/lib.sh"
need_mount

mkdir tree
touch tree/$'line\nbreak' tree/$'not-utf8-\xff\xfe' tree/$'caf\xc3\xa9' tree/'a b' tree/-rf tree/.hidden \
    tree/"\\" tree/'*' "tree/$(head -c 255 /dev/zero | tr '\0' n)"
for locale in C C.UTF-8; do
    LC_ALL=$locale "$VHDTOOL" create -q $locale.vhdx 64M --from tree
    to_raw $locale.vhdx $locale.raw
    fsck_clean $locale.raw
    mount_raw $locale.raw mounted-$locale ro
    (cd tree && find . -type f -print0 | LC_ALL=C sort -z) >expected
    (cd mounted-$locale && find . -type f -print0 | LC_ALL=C sort -z) >found
    cmp expected found || fail "names differ: $(tr '\0' '\n' <found)"
done
