# What can't be compacted, or not in that way, is refused with a sentence, and left alone.
# shellcheck source=tests/support/lib.sh
. "$TESTS/support/lib.sh"
. "$TESTS/support/half-deleted.sh"
need qemu-img sha256sum python3
cd "$MEMORY"

# check FILE SENTENCE OPTION...
check() {
    local file=$1 sentence=$2

    shift 2
    sha256sum "$file" >before
    for dry in '' --dry-run; do
        expect_status 3 "$VHDTOOL" compact "$file" "$@" $dry
        expect_in stderr "^vhdtool: $file: .*$sentence.*; the image is untouched"
        expect_empty stdout
        sha256sum --quiet -c before || fail "the file was changed"
    done
}

truncate -s 32M a.raw
mke2fs -q -t ext4 a.raw 2>/dev/null
to_vhdx a.raw a.vhdx
qemu-img convert -O vhdx -o subformat=fixed a.raw fixed.vhdx
seq 1000 >text
check a.raw 'only get holes'
expect_in stderr '^with --punch'
check a.vhdx 'a VHDX is compacted without holes: leave --punch out' --punch
check fixed.vhdx 'fixed'
check text 'not a disk image'
python3 "$TESTS/../samples/vhdx_writer.py" make parent-lost child.vhdx
check child.vhdx 'differencing'
