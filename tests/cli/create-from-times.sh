# create --from keeps the times of files, links and folders, to the nanosecond, as far back and
# ahead as ext4 reaches.
. "$TESTS/support/lib.sh"
need_mount

mkdir -p tree/folder
touch tree/file tree/folder/inner
ln -s nowhere tree/link
n=0
for time in '1901-12-13 20:45:53' '1969-12-31 23:59:59.999999999' '2001-09-09 01:46:40.123456789' \
    '2038-01-19 03:14:08.000000001' '2446-05-10 22:38:54.987654321'; do
    n=$((n + 1))
    touch "tree/$n"
    touch -m -d "$time UTC" "tree/$n"
    touch -a -d "2020-02-02 02:02:0$n.2 UTC" "tree/$n"
done
touch -h -d '2010-11-12 13:14:15.161718192 UTC' tree/link
touch -d '2011-11-12 13:14:15.161718192 UTC' tree/folder
touch -d '2012-11-12 13:14:15.161718192 UTC' tree

times() {
    (cd "$1" && find . ! -path './lost+found*' -printf '%p %A@ %T@ %C@\n' | sort)
}
# Looking at folders and links is a reading that may leave a trace, once.
times tree >/dev/null
readlink tree/link >/dev/null
times tree >expected
"$VHDTOOL" create -q a.vhdx 64M --from tree
to_raw a.vhdx a.raw
fsck_clean a.raw
mount_raw a.raw mounted ro
times mounted >found
diff expected found || fail "times differ: before (<), in the image (>)"
