# create --from takes more folders into one than ext4 counts links, and folders deeper than a path
# can be long.
. "$TESTS/support/lib.sh"
need_mount
need python3

mkdir tree
mount -t tmpfs none tree # so many folders are quickly made there, and gone
at_exit 'umount tree'
mkdir tree/wide
(cd tree/wide && seq 65100 | xargs mkdir)
cat >deep.py <<'PYTHON'
import os, sys
os.chdir(sys.argv[1])
for level in range(600):
    if sys.argv[2] == "make":
        os.mkdir("a-level-further-down")
    os.chdir("a-level-further-down")
if sys.argv[2] == "make":
    open("bottom", "w").write("reached")
assert open("bottom").read() == "reached"
PYTHON
python3 deep.py tree make

"$VHDTOOL" create -q a.vhdx 2G --from tree
to_raw a.vhdx a.raw
fsck_clean a.raw
mount_raw a.raw mounted ro
python3 deep.py mounted find || fail "the bottom isn't there"
[ "$(find mounted/wide -mindepth 1 -type d | wc -l)" = 65100 ] || fail "folders are missing"
