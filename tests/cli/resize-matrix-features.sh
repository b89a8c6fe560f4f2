# What a filesystem holds, and how, stays: inline data, attributes in inodes of their own, clusters,
# quotas, casefolded names, an orphan file.
. "$TESTS/support/lib.sh"
. "$TESTS/support/resize-matrix.sh"

resize_case "-b 1024 -O inline_data,ea_inode" 64M 200M 30M -M
resize_case "-b 4096 -O inline_data,ea_inode,large_dir,metadata_csum_seed" 150M 300M 100M -M
resize_case "-b 1024 -O quota,project,casefold" 64M 200M 30M -M
resize_case "-b 1024 -O orphan_file" 128M 40M 128M -M
resize_case "-b 1024 -O fast_commit" 64M 200M 30M -M
resize_case "-O bigalloc -b 4096" 300M 500M 200M -M
resize_case "-O bigalloc -b 1024 -C 16384" 100M 1001M 50M 123457K
resize_case "-O bigalloc,^resize_inode -b 4096 -C 8192" 100M 333M 80M
resize_case "-b 1024 -i 1024" 64M 200M 40M -M
resize_case "-b 4096 -i 1048576" 100M 300M 70M -M
resize_done
