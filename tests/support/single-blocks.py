#!/usr/bin/env python3
"""single-blocks.py WALL END FILE BLOCKS SIZE: in a filesystem that is full, gives back every other
block of the file WALL before its block END, and writes FILE into these: each of its BLOCKS of SIZE
bytes is an extent."""
import ctypes
import os
import sys

wall, path = sys.argv[1], sys.argv[3]
end, blocks, size = int(sys.argv[2]), int(sys.argv[4]), int(sys.argv[5])
libc = ctypes.CDLL(None)
fd = os.open(wall, os.O_RDWR)
for block in range(end - 2 * blocks - blocks // 8, end, 2):  # some for the extent trees
    if libc.fallocate64(fd, 3, ctypes.c_long(block * size), ctypes.c_long(size)):
        sys.exit('cannot punch a hole')
os.sync()
with open(path, 'wb') as f:
    for block in range(blocks):
        f.write(block.to_bytes(4, 'little') * (size // 4))
    f.flush()
    os.fsync(f.fileno())
