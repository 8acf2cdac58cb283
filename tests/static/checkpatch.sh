#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The module by the kernel's own checkpatch.pl.
set -euo pipefail
cd "$(dirname "$0")/../.."

cache=${DVP_CACHE:-$HOME/.cache/dvpnet}/checkpatch
archive=/usr/src/linux-source-6.1.tar.xz
[ -e "$archive" ] || tests/vm/deps.sh uml
if [ ! -e "$cache/scripts/checkpatch.pl" ]; then
	mkdir -p "$cache"
	tar -C "$cache" --strip-components=1 -xf "$archive" --wildcards \
		'*/scripts/checkpatch.pl' '*/scripts/spelling.txt' '*/scripts/const_structs.checkpatch'
fi
# PARENTHESIS: "!a != (b == c)" reads better with them.
# UNCOMMENTED_DEFINITION: kernel-doc above the struct says it.
# FILE_PATH_CHANGES, MAINTAINERS: there is none here.
# The shims of compat/ are macros with flow control by their nature.
git ls-files 'kmod/*.[ch]' | grep -v -e netlink_gen -e compat/ |
	xargs perl "$cache/scripts/checkpatch.pl" --no-tree --strict --max-line-length=100 \
		--terse --quiet --no-summary --ignore \
		UNNECESSARY_PARENTHESES,UNCOMMENTED_DEFINITION -f
