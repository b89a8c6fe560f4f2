# create --ext4 makes what mkfs.ext4 -G 4096 makes with Debian 12's mke2fs.conf, at sizes that
# have rules of their own; only the inode tables are zeroed already, here everywhere.
. "$TESTS/support/lib.sh"
need qemu-img mkfs.ext4 dumpe2fs e2fsck
mkfs.ext4 -V 2>version
grep -q '1\.47\.0' version || skip "needs mkfs.ext4 1.47.0"

cat >mke2fs.conf <<'CONF'
[defaults]
	base_features = sparse_super,large_file,filetype,resize_inode,dir_index,ext_attr
	default_mntopts = acl,user_xattr
	enable_periodic_fsck = 0
	blocksize = 4096
	inode_size = 256
	inode_ratio = 16384
[fs_types]
	ext4 = {
		features = has_journal,extent,huge_file,flex_bg,metadata_csum,64bit,dir_nlink,extra_isize
	}
	small = {
		blocksize = 1024
		inode_ratio = 4096
	}
	floppy = {
		blocksize = 1024
		inode_ratio = 8192
	}
CONF
export SOURCE_DATE_EPOCH=1700000000
uuid=0b1d3e7a-4c5f-4a6b-8c7d-9e0f1a2b3c4d

# facts RAW: but for zeroed tables, checksums over them, and how much was written.
facts() {
    dumpe2fs "$1" 2>/dev/null | sed -E -e 's/, *ITABLE_ZEROED//; s/\[ITABLE_ZEROED\]//; s/\[\]//' \
        -e 's/csum 0x[0-9a-f]+//; /^Lifetime writes/d; /^Checksum: /d; s/ +$//'
}

for size in 1M 4M 100M 511M 512M 3G 256G; do
    "$VHDTOOL" create -q a.vhdx $size --ext4 --label=name --uuid=$uuid
    to_raw a.vhdx a.raw
    fsck_clean a.raw
    seed=$(dumpe2fs -h a.raw 2>/dev/null | sed -n 's/^Directory Hash Seed: *//p')
    truncate -s $size b.raw
    MKE2FS_CONFIG=mke2fs.conf E2FSPROGS_FAKE_TIME=$SOURCE_DATE_EPOCH \
        mkfs.ext4 -q -F -G 4096 -L name -U $uuid -E "hash_seed=$seed" b.raw 2>mkfs.log ||
        fail "mkfs.ext4: $(cat mkfs.log)"
    facts a.raw >a.facts
    facts b.raw >b.facts
    [ "$(wc -l <a.facts)" -gt 30 ] || fail "dumpe2fs says little of $size"
    diff b.facts a.facts >difference || fail "$size: mkfs.ext4 (<), vhdtool (>)
$(head -n 20 difference)"
    rm a.vhdx a.raw b.raw
done
