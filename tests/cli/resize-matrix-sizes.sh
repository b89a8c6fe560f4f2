# Steps of all kinds of the usual layouts: by a little, far beyond what was reserved for descriptors,
# to odd sizes, to a tiny last group, down to the minimum, and back.
. "$TESTS/support/lib.sh"
. "$TESTS/support/resize-matrix.sh"

resize_case "" 64M 66M 65M 64M -M
resize_case "-b 4096" 150M 151M 149M 1G 100M -M 400M
resize_case "-b 4096" 300M groups+60 groups+3000 groups-1000 groups+51
resize_case "-b 1024" 20M 3G 25M -M min+1
resize_case "-b 2048" 80M 81M 300001s 77777s min+0
resize_case "-b 1024 -g 2048 -G 4096" 64M 300M 40M -M 64M
resize_case "-b 4096 -g 1024" 100M 700M 60M -M 100M
resize_done
