# shellcheck shell=bash
# For the shell tests: . "$TESTS/support/lib.sh" is their first line. The current folder is empty
# and the test's own; VHDTOOL and EXT4RESIZE are the programs.
set -eu -o pipefail

at_exit_commands=

# at_exit COMMAND: runs when the test ends, the latest first.
at_exit() {
    at_exit_commands="$1
$at_exit_commands"
}
trap 'eval "$at_exit_commands"' EXIT

fail() {
    echo "failed: $*" >&2
    exit 1
}

# Ends the test as skipped.
skip() {
    echo "$*"
    exit 77
}

# need TOOL...: skips where one is missing.
need() {
    local tool

    for tool in "$@"; do
        command -v "$tool" >/dev/null || skip "needs $tool"
    done
}

need_root() {
    [ "$(id -u)" = 0 ] || skip "needs root"
}

# Skips for a program with sanitizers, whose memory is no measure.
need_plain_program() {
    [ -z "${SANITIZED:-}" ] || skip "needs a program without sanitizers"
}

# Skips where filesystems in files can't be mounted.
need_mount() {
    need_root
    need mount losetup mkfs.ext4
    truncate -s 4M mount-probe.raw
    mkfs.ext4 -q mount-probe.raw
    mkdir mount-probe
    mount -o loop mount-probe.raw mount-probe 2>/dev/null || skip "needs loop mounts"
    umount mount-probe
    rm -r mount-probe mount-probe.raw
}

# expect_status N COMMAND...: its output is left in ./stdout and ./stderr.
expect_status() {
    local expected=$1 status=0

    shift
    "$@" >stdout 2>stderr </dev/null || status=$?
    [ "$status" = "$expected" ] || {
        sed 's/^/stdout: /' stdout >&2
        sed 's/^/stderr: /' stderr >&2
        fail "status $status ($expected expected) of: $*"
    }
}

# expect_in FILE PATTERN: a line of the file matches the extended regular expression.
expect_in() {
    grep -Eq -- "$2" "$1" || {
        sed "s|^|$1: |" "$1" >&2
        fail "nothing in $1 matches: $2"
    }
}

# expect_empty FILE...
expect_empty() {
    local file

    for file in "$@"; do
        [ ! -s "$file" ] || {
            sed "s|^|$file: |" "$file" >&2
            fail "$file isn't empty"
        }
    done
}

# expect_json FILTER: jq's filter holds for each line of ./stdout.
expect_json() {
    jq -e "$1" stdout >/dev/null || {
        sed 's/^/stdout: /' stdout >&2
        fail "not so: $1"
    }
}

# to_raw IMAGE RAW: as QEMU reads it.
to_raw() {
    need qemu-img
    qemu-img convert -O raw "$1" "$2"
}

# FSCK_OPTIONS: more of them. e2fsck asks "... Fix? no" for wrong counts, and yet ends with 0.
fsck_clean() {
    need e2fsck
    # shellcheck disable=SC2086 # words of a command line
    if ! e2fsck -fn ${FSCK_OPTIONS-} "$1" >fsck.log 2>&1 || grep -q '? no$' fsck.log; then
        cat fsck.log >&2
        fail "e2fsck finds fault with $1"
    fi
}

# mount_raw RAW DIR [OPTIONS]: until the test ends. The caller has called need_mount.
mount_raw() {
    mkdir -p "$2"
    mount -o "loop${3:+,$3}" "$1" "$2"
    at_exit "! mountpoint -q '$PWD/$2' || umount '$PWD/$2'"
}

# tree_fingerprint DIR: what must survive: of each path its type, mode, owner, size, time, links,
# target, device numbers, extended attributes and contents. Sizes of directories aren't.
tree_fingerprint() {
    need getfattr
    (
        cd "$1"
        export LC_ALL=C
        find . -type d -printf '%p %y %m %U:%G %T@ %n\0' -o \
            -printf '%p %y %m %U:%G %T@ %n %s %l\0' | sort -z | tr '\0' '\n'
        find . \( -type b -o -type c \) -print0 | sort -z |
            xargs -0 -r stat --printf '%n device %t:%T\n'
        find . -print0 | sort -z |
            xargs -0 -r getfattr -h -d -m - -e hex
        find . -type f -print0 | sort -z | xargs -0 -r sha256sum
    )
}

# blocks_of RAW: of the filesystem, as dumpe2fs reads it.
blocks_of() {
    need dumpe2fs
    dumpe2fs -h "$1" 2>/dev/null | sed -n 's/^Block count: *//p'
}
