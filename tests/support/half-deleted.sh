# shellcheck shell=bash
# For tests that compact and shrink: sourced after lib.sh.

# make_half_deleted RAW SIZE [MKFS_OPTION...]: an ext4 in which every second file was deleted, and
# one large one; what they held is still there. Takes some 45 MB.
make_half_deleted() {
    local raw=$1 size=$2 i

    shift 2
    need mke2fs debugfs
    [ -d tree ] || {
        mkdir -p tree/folder
        for i in $(seq 10 40); do
            head -c $((i * 40000)) /dev/urandom >"tree/folder/file$i"
        done
        head -c 12M /dev/urandom >tree/large
        ln tree/folder/file12 tree/hard
    }
    case " $* " in
    *' -t '*) ;;
    *) set -- -t ext4 "$@" ;;
    esac
    truncate -s "$size" "$raw"
    mke2fs -q -b 4096 "$@" -d tree "$raw" 2>/dev/null
    for i in $(seq 11 2 40); do
        echo "rm folder/file$i"
    done | cat - <(echo 'rm large') | debugfs -w -f - "$raw" >/dev/null 2>&1
    fsck_clean "$raw"
}

# to_vhdx RAW VHDX: in blocks of 1 MiB, as WSL has them.
to_vhdx() {
    need qemu-img
    qemu-img convert -O vhdx -o block_size=1M,subformat=dynamic "$1" "$2"
}

# files_of RAW: names and contents, as debugfs reads them.
files_of() {
    rm -rf found
    mkdir found
    debugfs -R 'rdump / found' "$1" >/dev/null 2>&1
    (cd found && find . -type f -print0 | sort -z | xargs -0 sha256sum)
}

# check_vhdx VHDX: others find no fault with the container, nor with the filesystem in it. Leaves the
# disk in ./judged.raw and its files in ./judged.
check_vhdx() {
    need vhdiinfo
    qemu-img check -q "$1" || fail "qemu-img finds fault with $1"
    vhdiinfo "$1" >/dev/null || fail "vhdiinfo finds fault with $1"
    rm -f judged.raw
    to_raw "$1" judged.raw
    fsck_clean judged.raw
    files_of judged.raw >judged
}
