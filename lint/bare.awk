# C without its comments and the contents of its strings, each line after "FILE:LINE: ".
FNR == 1 { in_comment = 0 }
{
    rest = $0
    bare = ""
    while (rest != "") {
        if (in_comment) {
            end = index(rest, "*/")
            if (!end)
                break
            rest = substr(rest, end + 2)
            in_comment = 0
        } else if (match(rest, /\/\*|\/\/|"([^"\\]|\\.)*"|'([^'\\]|\\.)*'/)) {
            word = substr(rest, RSTART, RLENGTH)
            bare = bare substr(rest, 1, RSTART - 1)
            rest = substr(rest, RSTART + RLENGTH)
            if (word == "/*")
                in_comment = 1
            else if (word == "//")
                break
            else
                bare = bare substr(word, 1, 1) substr(word, 1, 1)
        } else {
            bare = bare rest
            break
        }
    }
    print FILENAME ":" FNR ": " bare
}
