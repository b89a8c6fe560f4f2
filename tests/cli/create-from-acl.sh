# create --from keeps POSIX access control lists, those that folders hand on too.
. "$TESTS/support/lib.sh"
need_mount
need setfacl getfacl

mkdir -p tree/folder tree/only-default
touch tree/file
setfacl -m u:1000:rwx,u:5:r,g:77:rx,g:3:-,m::rw tree/file
setfacl -m u:1000:rwx,d:u:33:rx,d:g:44:w,d:m::rx tree/folder
setfacl -m d:u::rwx,d:g::rx,d:o::- tree/only-default
touch tree/folder/heir

"$VHDTOOL" create -q a.vhdx 64M --from tree
to_raw a.vhdx a.raw
fsck_clean a.raw
mount_raw a.raw mounted ro
for path in . file folder folder/heir only-default; do
    (cd tree && getfacl -n "$path" && stat -c %a "$path") >expected
    (cd mounted && getfacl -n "$path" && stat -c %a "$path") >found
    diff expected found || fail "$path differs: before (<), in the image (>)"
done
