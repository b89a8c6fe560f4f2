# Wrong words: status 2, one sentence and a remedy on stderr, nothing on stdout.
. "$TESTS/support/lib.sh"

wrong() {
    local pattern=$1

    shift
    expect_status 2 "$VHDTOOL" "$@"
    expect_empty stdout
    expect_in stderr "^vhdtool: "
    expect_in stderr "$pattern"
}

wrong 'a command is missing'
wrong 'unknown command "frobnicate"' frobnicate
wrong 'did you mean `vhdtool info`\?' inof a.vhdx
wrong 'did you mean `vhdtool expand`\?' expnad a.vhdx
wrong 'did you mean `vhdtool create`\?' help crate
wrong 'unknown option --jsn' info --jsn a.vhdx
wrong 'did you mean --json\?' info --jsn a.vhdx
wrong 'did you mean --dry-run\?' create --dryrun a.vhdx 1G
wrong 'unknown option --dry-run' info --dry-run a.vhdx
wrong 'unknown option -x' info -x a.vhdx
wrong 'usage: vhdtool info \[OPTIONS\] IMAGE\.\.\.' info
wrong 'too many' create a.vhdx 1G 2G
wrong 'progress' info --progress=often a.vhdx
wrong 'needs an argument' create a.vhdx 1G --label

wrong 'is no size' create a.vhdx lots
wrong 'relative' create a.vhdx +1G
wrong 'relative' create a.vhdx -1G
wrong 'no size' create a.vhdx 0
wrong '64 TiB' create a.vhdx 65T
wrong 'is no size' create a.vhdx 1G --block-size=big
wrong 'power of two' create a.vhdx 1G --block-size=3M
wrong '1 MiB to 256 MiB' create a.vhdx 1G --block-size=512M
wrong '512 or 4096' create a.vhdx 1G --sector-size=1024
wrong 'format' create a 1G
wrong 'no known format' create a.iso 1G
wrong 'no known format' create a.vhdx 1G --format=iso
wrong 'ext4' create a.vhdx 1G --label=x
wrong 'ext4' create a.vhdx 1G --uuid=86539e70-49fc-4927-8000-52eeb7eb6fa1
wrong 'too long' create a.vhdx 1G --ext4 --label=12345678901234567
wrong 'no UUID' create a.vhdx 1G --ext4 --uuid=1234
SOURCE_DATE_EPOCH=yesterday wrong 'SOURCE_DATE_EPOCH' create a.vhdx 1G
[ "$(ls)" = "stderr
stdout" ] || fail "something was made: $(ls)"
