"""Good files, and variants of the headers and region tables."""

import struct

from vhdx_format import *
from vhdx_image import LOG_ID, pattern
from vhdx_variant import OPENS, READS, REFUSED, declare

VARIANTS = []


def opens(**geometry):
    return declare(VARIANTS, OPENS, **geometry)


def reads(**geometry):
    return declare(VARIANTS, READS, **geometry)


def refused(**geometry):
    return declare(VARIANTS, REFUSED, **geometry)


# Good files

@opens()
def plain(image):
    """A dynamic file with three of eight blocks."""


@opens(blocks=())
def empty(image):
    """No block is stored."""


@reads(blocks=range(8))
def fixed(image):
    """All blocks are stored and LeaveBlockAllocated is set (2.6.2.1)."""
    image.set_item(ITEM_FILE_PARAMETERS, file_parameters(MIB, leave_allocated=True))


@opens(sector_size=4096)
def sectors_of_4096(image):
    """The other logical sector size (2.6.2.4)."""


@opens(virtual_size=200 * MIB, block_size=32 * MIB, blocks=())
def blocks_of_32_mib(image):
    """The block size that Windows takes; the last block reaches beyond the disk."""


@opens(virtual_size=4 * GIB + 8 * MIB, blocks=(1, 4095, 4096, 4100))
def second_chunk(image):
    """A sector bitmap entry stands between blocks 4095 and 4096 (2.5)."""


@opens(virtual_size=8 * MIB - 512 * KIB, blocks=(2, 0, 7))
def short_last_block(image):
    """The file ends where the disk does, inside the last block: old QEMU wrote such."""
    image.size = image.end - 512 * KIB


# Headers (2.2.2)

@opens()
def header_1_checksum(image):
    """The newer header is damaged: the other one counts."""
    image.flip(64 * KIB + 3000)


@opens()
def header_2_checksum(image):
    """The older header is damaged."""
    image.flip(128 * KIB + 3000)


@refused()
def headers_checksum(image):
    """Both headers are damaged."""
    image.flip(64 * KIB + 3000)
    image.flip(128 * KIB + 3000)


@opens()
def headers_same(image):
    """Equal sequence numbers and equal contents, as Disk2vhd writes."""
    image.set_header(sequence=7)


@refused()
def headers_same_number(image):
    """Equal sequence numbers and different contents: none is current."""
    image.set_header(sequence=7)
    image.headers[1]["data_write"] = numbered_guid(9)


@refused()
def version_2(image):
    """Version must be 1."""
    image.set_header(version=2)


@refused()
def log_version_1(image):
    """A log to replay in a version that nobody knows."""
    image.log_write(0, 1, 0, [image.bat_sector({})])
    image.set_header(log_version=1)


@refused()
def log_length_0(image):
    """A log id without a log."""
    image.log_length = 0
    image.set_header(log_guid=LOG_ID)


@refused()
def log_length_huge(image):
    """A log of 4 GiB - 1 MiB, to be replayed, in a small file."""
    image.log_length = 4 * GIB - MIB
    image.set_header(log_guid=LOG_ID)


@refused()
def log_unaligned(image):
    """LogOffset must be a multiple of 1 MiB."""
    image.log_offset = MIB + 4096


@refused()
def log_outside(image):
    """The log lies behind the end of the file."""
    image.log_offset = 200 * MIB


@refused()
def log_in_headers(image):
    """The log lies over the headers."""
    image.log_offset = 0


@refused()
def log_over_bat(image):
    """The log lies over the BAT."""
    image.log_offset = image.bat_offset


@refused()
def log_over_metadata(image):
    """The log reaches into the metadata region."""
    image.log_length = 2 * MIB


@refused()
def truncated_in_identifier(image):
    """The file ends behind its signature."""
    image.size = 4096


@refused()
def truncated_in_headers(image):
    """The file ends within the second header."""
    image.size = 130 * KIB


@refused()
def truncated_in_metadata(image):
    """The file ends within the metadata table."""
    image.size = image.metadata_offset + 4096


@refused()
def truncated_in_bat(image):
    """The file ends behind the first sector of the BAT."""
    image.size = image.bat_offset + 4096


@refused()
def truncated_in_payload(image):
    """The file ends in the middle of a block that the disk needs."""
    image.size = image.end - 512 * KIB


# Region tables (2.2.3)

@opens()
def region_table_1_checksum(image):
    """The first region table is damaged: the second counts."""
    image.flip(192 * KIB + 60000)


@opens()
def region_table_2_checksum(image):
    """The second region table is damaged."""
    image.flip(256 * KIB + 60000)


@refused()
def region_tables_checksum(image):
    """Both region tables are damaged."""
    image.flip(192 * KIB + 60000)
    image.flip(256 * KIB + 60000)


@opens()
def region_tables_differ(image):
    """Both are valid; the second, which doesn't count, points to an old BAT."""
    old = image.store(struct.pack("<Q", bat_entry(ZERO)), MIB)
    table = region_table([(REGION_BAT, old, MIB, 1), image.regions[1]])
    image.patches.append((256 * KIB, table))


@refused()
def region_count_3000(image):
    """More entries than fit (2047)."""
    image.region_count = 3000


@refused()
def regions_overlap(image):
    """The metadata region reaches into the BAT."""
    image.regions[1] = (REGION_METADATA, image.metadata_offset, 2 * MIB, 1)


@refused()
def region_unaligned(image):
    """A region begins between two MiB."""
    image.regions.append((numbered_guid(50), image.store(b"x", 2 * MIB) + 4096, MIB, 0))


@refused()
def region_length_unaligned(image):
    """A region's length is no multiple of 1 MiB."""
    image.regions.append((numbered_guid(50), image.store(b"x", 2 * MIB), MIB + 4096, 0))


@refused()
def region_in_headers(image):
    """A region begins below 1 MiB."""
    image.regions.append((numbered_guid(50), 0, MIB, 0))


@refused()
def region_outside(image):
    """The metadata region lies behind the end of the file."""
    image.regions[1] = (REGION_METADATA, 100 * MIB, MIB, 1)


@refused()
def region_required_unknown(image):
    """A required region that nobody knows."""
    image.regions.append((numbered_guid(50), image.store(pattern("region")), MIB, 1))


@opens()
def region_optional_unknown(image):
    """An optional region that nobody knows; it must survive changes."""
    image.regions.append((numbered_guid(50), image.store(pattern("region")), MIB, 0))


@opens()
def region_bat_optional(image):
    """BAT and metadata are not marked as required: QEMU writes this."""
    image.regions = [(name, offset, length, 0) for name, offset, length, _ in image.regions]


@refused()
def region_twice(image):
    """Two BAT regions."""
    image.regions.append((REGION_BAT, image.store(b"", MIB), MIB, 1))


@refused()
def region_bat_missing(image):
    """No BAT region."""
    del image.regions[0]


@refused()
def region_metadata_missing(image):
    """No metadata region."""
    del image.regions[1]
