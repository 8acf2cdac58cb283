#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Every shell script of the repository, by shellcheck.
set -euo pipefail
cd "$(dirname "$0")/../.."

git ls-files -z | xargs -0 grep -lIE '^#!/bin/(ba|da)?sh' | grep -v '\.patch$' |
	xargs -r shellcheck -x -P SCRIPTDIR -S warning
