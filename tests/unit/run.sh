#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Runs the test programs given, each under $WRAPPER if that is set, and closes
# with "N passed, N failed".
passed=0
failed=0
for program; do
	echo "# $program"
	# A program that dies says nothing of the tests that it did not reach: that counts as one.
	output=$(CMOCKA_MESSAGE_OUTPUT=TAP $WRAPPER "$program" 2>&1)
	status=$?
	printf '%s\n' "$output" | grep -E '^(ok|not ok|#|ERROR|==)'
	ok=$(printf '%s\n' "$output" | grep -c '^ok ')
	bad=$(printf '%s\n' "$output" | grep -c '^not ok ')
	if [ $status -ne 0 ] && [ "$bad" -eq 0 ]; then
		printf '%s\n' "$output"
		echo "not ok - $program ended with status $status"
		bad=1
	fi
	passed=$((passed + ok))
	failed=$((failed + bad))
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
