#!/usr/bin/env python3
"""make-many-files.py FOLDER FILES: makes FILES small files (200 bytes to 4 KiB, every fiftieth up to
64 KiB) in folders of a thousand, and deletes a quarter of them, chosen at random but in each run the
same. Two processes make a half each."""
import os
import random
import sys

PROCESSES = 2
top, count = sys.argv[1], int(sys.argv[2])


def make(part, files):
    numbers = random.Random(part)
    noise = memoryview(numbers.randbytes(4 << 20))
    unlucky = []
    for i in range(files):
        if i % 1000 == 0:
            folder = os.path.join(top, 'part%d-%d' % (part, i // 100000), 'folder%d' % (i // 1000))
            os.makedirs(folder)
        size = int(2 ** numbers.uniform(7.6, 12 if i % 50 else 16))
        start = int(numbers.random() * ((4 << 20) - size))
        path = '%s/file%d' % (folder, i)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
        os.write(fd, noise[start:start + size])
        os.close(fd)
        if numbers.random() < 0.25:
            unlucky.append(path)
    os.sync()
    numbers.shuffle(unlucky)
    for path in unlucky:
        os.unlink(path)


children = []
for part in range(PROCESSES):
    child = os.fork()
    if child == 0:
        make(part, count // PROCESSES)
        os._exit(0)
    children.append(child)
sys.exit(any([os.waitpid(child, 0)[1] for child in children]))
