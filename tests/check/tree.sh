# SPDX-License-Identifier: MIT
# Who may include and call what. Arrows point down only; a new folder in lib/ needs a line in the table below.
. tests/check/lib.sh
sources=$(find lib -name '*.[ch]' -o -name '*.def' | sort)

# folder: folders it may include, besides itself and the public header
cat >"$work/layers" <<'LAYERS'
base:
kernel: base
layout: base
qubo: base
presolve: base qubo
route: base kernel qubo
engine: base qubo presolve backend
backend: base kernel
LAYERS

# Every include of lib/ as "file line target".
grep -n '^ *# *include' $sources |
    sed 's/^\([^:]*\):\([0-9]*\):.*include *\([<"][^>"]*[>"]\).*/\1 \2 \3/' >"$work/includes"

nothing "includes between folders point down" "$(awk '
    NR == FNR { split($0, part, ":"); allowed[part[1]] = " " part[1] part[2] " "; next }
    {
        split($1, path, "/")
        folder = path[2]
        if (!(folder in allowed)) { print $1 ": folder lib/" folder " is not in the table of this script"; next }
        if ($3 !~ /^"/) next
        target = substr($3, 2, length($3) - 2)
        # resolve ../ against the folder of the file
        depth = split($1, path, "/") - 1
        while (target ~ /^\.\.\//) { target = substr(target, 4); depth-- }
        if (depth == 0 && target ~ /^include\/spinroute(\/(qubo|lower|backend))?\.h$/) next
        if (depth >= 2 && target !~ /\//) next
        if (depth != 1 || split(target, part, "/") != 2 || index(allowed[folder], " " part[1] " ") == 0)
            print $1 ":" $2 ": " $3
    }' "$work/layers" "$work/includes")"

nothing "headers of the system: the small list" "$(awk '
    $3 ~ /^</ {
        ok = $3 ~ /^<(assert|errno|float|inttypes|limits|math|stdarg|stddef|stdint|stdlib|string)\.h>$/ ||
             ($3 == "<stdio.h>" && $1 ~ /^lib\/base\/(error|number)\.c$/) || ($3 == "<locale.h>" && $1 == "lib/base/number.c") ||
             ($3 == "<time.h>" && $1 == "lib/base/clock.c") || ($3 == "<cpuid.h>" && $1 == "lib/base/cpu.c") ||
             ($3 == "<lapacke.h>" && $1 == "lib/presolve/spectral.c") ||
             ($3 ~ /^<(immintrin|arm_neon)\.h>$/ && $1 ~ /^lib\/kernel\//)
        if (!ok) print $1 ":" $2 ": " $3
    }' "$work/includes")"

nothing "internal headers are included once per file" "$(awk '$3 !~ /(\.def|body_[a-z_]*\.h)"$/ { print $1, $3 }' "$work/includes" | sort | uniq -d)"

# Code without comments and texts, one "file:line:code" per line.
awk '
    FNR == 1 { comment = 0 }
    {
        line = $0; code = ""
        while (line != "") {
            if (comment) {
                i = index(line, "*/")
                if (i == 0) { line = ""; continue }
                line = substr(line, i + 2); comment = 0
            } else if (match(line, /"([^"\\]|\\.)*"|\047([^\047\\]|\\.)*\047|\/\*|\/\//)) {
                code = code substr(line, 1, RSTART - 1)
                token = substr(line, RSTART, RLENGTH); line = substr(line, RSTART + RLENGTH)
                if (token == "/*") comment = 1
                else if (token == "//") line = ""
                else code = code "\"\""
            } else { code = code line; line = "" }
        }
        print FILENAME ":" FNR ":" code
    }' $sources >"$work/code"

# banned NAME PATTERN [EXCEPT]: no call of these functions, except in one file.
banned()
{
    nothing "$1" "$(grep -E "(^|[^A-Za-z0-9_.>])($2) *\(" "$work/code" | grep -v "^${3:-no file}:")"
}
banned "nothing prints" 'v?f?printf|v?dprintf|f?puts|f?putc|putchar|perror|fopen|fwrite|write|read|open'
banned "nothing ends the process" 'exit|_exit|_Exit|quick_exit|abort|raise|signal|longjmp|setjmp'
banned "no clock, no chance, no environment" 's?rand|random|drand48|time|clock|clock_gettime|gettimeofday|getenv|setlocale|system' lib/base/clock.c
banned "memory only in base/allocator.c" 'malloc|calloc|realloc|free|aligned_alloc|posix_memalign|alloca|strdup' lib/base/allocator.c
banned "no unbounded text functions" 'v?sprintf|strcpy|strcat|gets|strtok|atoi|atof|scanf|sscanf'

# One translation unit must hold all of lib/: a file-scope name belongs to one file.
nothing "no static name in two files of lib/" "$(
    sed -n 's/^\([^:]*\):[0-9]*:static [^;={(]*[ *]\([a-z][A-Za-z0-9_]*\)\(\[[^]]*\]\)* *[(=;].*/\2 \1/p' "$work/code" |
        sort -u | awk '$1 == last { print $1 ": " file ", " $2 } { last = $1; file = $2 }')"

text=$(find include lib examples tests bindings pkgconfig .ci Makefile README.md -type d \( -name __pycache__ -o -name corpus \) -prune -o \
    -type f ! -name '*.trace' ! -name '*.pyc' ! -name '*.png' -print 2>/dev/null)
nothing "all text is ASCII" "$(LC_ALL=C grep -n '[^ -~	]' $text | cut -c 1-100)"
nothing "no blanks at the end of a line" "$(grep -n '[ 	]$' $(printf '%s\n' $text | grep -v -e '\.golden$' -e '\.md$'))"
# Tests are lists of cases and may be longer.
nothing "no file over 800 lines" "$(wc -l $(printf '%s\n' $text | grep -v '\.golden$' | grep -v '^tests/unit/') |
    awk '$2 != "total" && $1 > 800 { print $2 ": " $1 " lines" }')"
nothing "sources of lib/ and include/ name their licence in the first line" \
    "$(for file in $sources include/*.h include/*/*.h; do head -n 1 "$file" | grep -q 'SPDX-License-Identifier: MIT' || echo "$file"; done)"
finish
