#!/usr/bin/env python3
"""Makes small VHDX files, good and hostile, to test programs that read them.

    vhdx_writer.py list                 a line for each: name, opens or refused, size of the
                                        virtual disk and digest of what is to be read (or -)
    vhdx_writer.py explain              a line for each: name, opens or refused, why
    vhdx_writer.py make NAME OUT        writes the file
    vhdx_writer.py content NAME OUT     writes what is to be read from it, as a raw file
    vhdx_writer.py digest RAW [SIZE]    the digest, as list has it, of a raw file's first SIZE
                                        bytes

"refused" is what a program must say before it changes the file; "opens" means
that the content can be read, and that the file may be changed.
"""

import os
import sys

sys.dont_write_bytecode = True  # nothing is left in this folder

import vhdx_log_variants
import vhdx_table_variants
import vhdx_variants
from vhdx_image import PIECE, digest
from vhdx_variant import REFUSED


def variants():
    """All of them: each with name, expectation, why, and image()."""
    every = vhdx_variants.VARIANTS + vhdx_table_variants.VARIANTS + vhdx_log_variants.VARIANTS
    assert len({variant.name for variant in every}) == len(every), "a name is there twice"
    return every


def find(name):
    for variant in variants():
        if variant.name == name:
            return variant
    sys.exit("vhdx_writer.py: no variant %s (see list)" % name)


def write_sparse(path, size, pieces):
    with open(path, "wb") as file:
        for offset, piece in pieces:
            file.seek(offset)
            file.write(piece)
        file.truncate(size)


def make(variant, path):
    data = variant.image().encode()
    pieces = ((at, data[at:at + PIECE]) for at in range(0, len(data), PIECE))
    write_sparse(path, len(data), ((at, piece) for at, piece in pieces if piece.strip(b"\0")))


def content(variant, path):
    image = variant.image()
    write_sparse(path, image.virtual_size, image.content_pieces())


def pieces_of(file, size):
    """(offset, bytes) of the 64 KiB pieces of a raw file that aren't zeros; skips holes."""
    at = 0
    while at < size:
        try:
            at = os.lseek(file.fileno(), at, os.SEEK_DATA) // PIECE * PIECE
        except OSError:  # no more data
            return
        if at >= size:
            return
        file.seek(at)
        piece = file.read(min(PIECE, size - at))
        if piece.strip(b"\0"):
            yield at, piece
        at += PIECE


def digest_of(path, size=None):
    size = os.path.getsize(path) if size is None else size
    with open(path, "rb", buffering=0) as file:
        return digest(size, pieces_of(file, size))


def describe(variant):
    if variant.expectation == REFUSED:
        return "%s %s - -" % (variant.name, variant.expectation)
    image = variant.image()
    return "%s %s %d %s" % (variant.name, variant.expectation, image.virtual_size,
                            image.content_digest())


def main(words):
    if words == ["list"]:
        for variant in variants():
            print(describe(variant))
    elif words == ["explain"]:
        for variant in variants():
            print(variant.name, variant.expectation, variant.why)
    elif len(words) == 3 and words[0] == "make":
        make(find(words[1]), words[2])
    elif len(words) == 3 and words[0] == "content":
        content(find(words[1]), words[2])
    elif len(words) in (2, 3) and words[0] == "digest":
        print(digest_of(words[1], int(words[2]) if len(words) == 3 else None))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
