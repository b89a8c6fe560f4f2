#!/usr/bin/env python3
"""write-in-pieces.py WALL END FILE BLOCKS SIZE RUN: in a filesystem that is full, gives back runs of
RUN blocks of SIZE bytes, one apart, of the file WALL before its block END, and writes FILE of
BLOCKS blocks into these: each run is an extent."""
import ctypes
import os
import sys

wall, path = sys.argv[1], sys.argv[3]
end, blocks, size, run = int(sys.argv[2]), int(sys.argv[4]), int(sys.argv[5]), int(sys.argv[6])
libc = ctypes.CDLL(None)
fd = os.open(wall, os.O_RDWR)
for block in range(end - blocks // run * (run + 1), end, run + 1):
    if libc.fallocate64(fd, 3, ctypes.c_long(block * size), ctypes.c_long(run * size)):
        sys.exit('cannot punch a hole')
os.sync()
with open(path, 'wb') as f:
    for block in range(blocks):
        f.write(block.to_bytes(4, 'little') * (size // 4))
    f.flush()
    os.fsync(f.fileno())
