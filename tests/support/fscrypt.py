"""Gives a mounted filesystem an encryption key, and a folder of it a policy with that key.

    fscrypt.py MOUNT [FOLDER [FLAGS]]

Kernel: Documentation/filesystems/fscrypt.rst (policies of version 2).
"""

import fcntl
import os
import struct
import sys

ADD_KEY = 3 << 30 | 80 << 16 | ord("f") << 8 | 23
SET_POLICY = 2 << 30 | 12 << 16 | ord("f") << 8 | 19
KEY = bytes(range(64))
IDENTIFIER_KIND = 2
AES_256_XTS, AES_256_CTS, PAD_32 = 1, 4, 3

mount = os.open(sys.argv[1], os.O_RDONLY)
argument = bytearray(struct.pack("<II32xII32x", IDENTIFIER_KIND, 0, len(KEY), 0) + KEY)
fcntl.ioctl(mount, ADD_KEY, argument)
if len(sys.argv) > 2:
    flags = int(sys.argv[3], 0) if len(sys.argv) > 3 else 0
    policy = struct.pack("<BBBBB3x", 2, AES_256_XTS, AES_256_CTS, PAD_32 | flags, 0)
    folder = os.open(sys.argv[2], os.O_RDONLY)
    fcntl.ioctl(folder, SET_POLICY, policy + bytes(argument[8:24]))
