#!/usr/bin/env python3
"""fragmented-filesystem.py IMAGE SIZE "MKE2FS-WORDS" FILES LARGEST FRACTION [TRICK...]

Makes an ext4 filesystem of SIZE bytes that was in use for long: FILES small files of up to LARGEST
bytes, of which every other one is deleted (the early ones more than the late ones), and some
large ones in the holes that were left, so that blocks and inodes in use lie everywhere. FRACTION:
how much of what is free then the large ones take. The same bytes at every run. Needs no root.

TRICK: shared-attributes  one block of extended attributes that three inodes have
       late-orphans       the orphan file is added when the filesystem is filled
       late-journal       so is the journal
       value-inodes       some attributes are so large that their values have inodes (-O ea_inode)
       preallocated       a file has 4000 blocks that were never written
       full-front         only files at the end are deleted, none at the front
       tiny-holes         the early files are a block long, every other one is deleted; of the
                          late ones, which have the full length, few are left
       fragmented-end     the large ones lie in small holes at the end; then the front is emptied
       bad-blocks         40 blocks in each MiB of the second half are marked as bad, and 4 before
       wide-trees         of the large ones most goes away again, and the blocks of their trees stay"""
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

image, size, words, files, largest, fraction = sys.argv[1:7]
size, files, largest, fraction = int(size), int(files), int(largest), float(fraction)
tricks = sys.argv[7:]
numbers = random.Random(1)
folder = tempfile.mkdtemp(dir='/dev/shm' if os.path.isdir('/dev/shm') else None)
TIME = 1600000000


def run(*command, fine=(0,)):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True,
                          env={**os.environ, 'LC_ALL': 'C', 'E2FSPROGS_FAKE_TIME': str(TIME),
                               'PATH': os.environ['PATH'] + ':/usr/sbin:/sbin'})
    if done.returncode not in fine:
        sys.exit('%s: status %d: %s' % (' '.join(command), done.returncode, done.stdout))
    return done.stdout


def debugfs(commands):
    script = os.path.join(folder, 'script')
    with open(script, 'w') as f:
        f.write('\n'.join(commands) + '\n')
    return run('debugfs', '-w', '-f', script, image)


def source(name, length):
    path = os.path.join(folder, name)
    with open(path, 'wb') as f:
        f.write(numbers.randbytes(length))
    os.utime(path, (TIME, TIME))
    return path


def free_bytes():
    facts = run('dumpe2fs', '-h', image)
    return (int(re.search(r'Free blocks: *(\d+)', facts)[1]) *
            int(re.search(r'Block size: *(\d+)', facts)[1]))


def name(i):
    return '/part%d/file%d' % (i // 50, i)


def length_of(i):
    if 'tiny-holes' in tricks:
        return 1000 if i < files // 2 else largest
    return numbers.randrange(1, largest)


def small_files():
    commands = []
    for i in range(files):
        if i % 50 == 0:
            commands.append('mkdir /part%d' % (i // 50))
        commands.append('write %s %s' % (source('s%d' % i, length_of(i)), name(i)))
        if i % 10 == 3:
            commands.append('ea_set %s user.large %s' % (name(i), 'value-%d-' % i * 40))
        if i % 10 == 6 and 'value-inodes' in tricks:
            commands.append('ea_set -f %s %s user.huge' % (source('v%d' % i, 9000 + i), name(i)))
        if i % 10 == 7:
            commands.append('symlink /part%d/link%d %s' % (i // 50, i, 'folder/' * 20))
    debugfs(commands)


def delete(gone):
    debugfs(['rm ' + name(i) for i in gone])
    run('e2fsck', '-fy', image, fine=(0, 1))  # debugfs leaves blocks of attributes in use


def delete_half():
    if 'fragmented-end' in tricks:
        gone = [i for i in range(files // 3, files) if i % 2 == 0]
    elif 'tiny-holes' in tricks:
        gone = [i for i in range(files) if i % (2 if i < files // 2 else 5)]
    elif 'full-front' in tricks:
        gone = range(files * 3 // 4, files)
    else:
        gone = [i for i in range(files) if numbers.random() < 0.85 - 0.7 * i / files]
    delete(gone)
    return set(range(files)) - set(gone)


def large_files():
    length = int(free_bytes() * fraction) // 3
    if length:
        debugfs(['write %s /large%d' % (source('l%d' % i, length - i * 1000), i) for i in range(3)])


def widen_trees():
    debugfs(['punch /large%d %d %d' % (i, at, at + 84) for i in range(3)
             for at in range(0, os.path.getsize(os.path.join(folder, 'l%d' % i)) // 1024, 100)])


def share_attributes(left):
    have = [i for i in sorted(left) if i % 10 == 3]
    others = [i for i in sorted(left) if i % 10 == 5][-2:]
    block = re.search(r'File ACL: (\d+)', debugfs(['stat ' + name(have[-1])]))[1]
    debugfs(['sif %s file_acl %s' % (name(i), block) for i in others])
    run('e2fsck', '-fy', image, fine=(0, 1))


def bad_blocks():
    blocks = [mib * 1024 + 700 + 3 * i for mib in range(size >> 20)
              for i in range(40 if mib >= size >> 21 else mib == 2 and 4)]
    path = os.path.join(folder, 'bad')
    with open(path, 'w') as f:
        f.writelines('%d\n' % block for block in blocks)
    return ['-l', path]


def make():
    bad = bad_blocks() if 'bad-blocks' in tricks else []
    open(image, 'wb').truncate(size)
    run('mke2fs', '-q', '-F', '-t', 'ext4', '-U', '6f1c2b6e-51a7-4c5d-9f0e-2d1a5c3b4e60', '-E',
        'hash_seed=0d9e1f5a-7b2c-4a3d-8e6f-1a2b3c4d5e6f,root_owner=0:0', *words.split(), *bad, image)
    small_files()
    if 'late-journal' in tricks:
        run('tune2fs', '-j', '-J', 'size=1', image)
    if 'late-orphans' in tricks:
        run('tune2fs', '-O', 'orphan_file', image)
    left = delete_half()
    large_files()
    if 'preallocated' in tricks:
        debugfs(['write %s /never-written' % source('n', 1),
                 'fallocate /never-written 1 4000'])
    if 'fragmented-end' in tricks:
        delete(range(files // 3))
        left -= set(range(files // 3))
    if 'shared-attributes' in tricks:
        share_attributes(left)
    run('e2fsck', '-fy', image, fine=(0, 1))  # debugfs doesn't count quota
    if 'wide-trees' in tricks:
        widen_trees()
        run('e2fsck', '-fy', '-E', 'no_optimize_extents', image, fine=(0, 1))
    found = run('e2fsck', '-fn', '-E', 'no_optimize_extents', image)
    if '? no' in found:
        sys.exit(found)


try:
    make()
finally:
    shutil.rmtree(folder)
