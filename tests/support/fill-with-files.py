#!/usr/bin/env python3
"""fill-with-files.py FOLDER FILES: makes FILES files of 0.5 to 370 KiB (56 KiB in the mean) in as
many folders as there are hundreds, and deletes every other one, chosen at random but in each run the
same."""
import os
import random
import sys

top, count = sys.argv[1], int(sys.argv[2])
numbers = random.Random(1)
noise = numbers.randbytes(4 << 20)
paths = []

for i in range(count):
    folder = os.path.join(top, 'part%d' % (i // 2500), 'folder%d' % (i // 100))
    if i % 100 == 0:
        os.makedirs(folder)
    size = int(2 ** numbers.uniform(9, 18.5))
    start = numbers.randrange(len(noise) - size)
    path = os.path.join(folder, 'file%d' % i)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
    os.write(fd, memoryview(noise)[start:start + size])
    os.close(fd)
    paths.append(path)
os.sync()
for path in numbers.sample(paths, count // 2):
    os.unlink(path)
