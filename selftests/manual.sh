#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What is written about sluice knows what sluice knows: every option and command in manual and completion, every
# metric in sluice-metrics(7), and no rule, dashboard or page that names a metric which does not exist.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
SLUICE=${SLUICE:-build/sluice}
failed=0
check() { # NAME COMMAND...: ok if the command finds nothing to say
	local name=$1 out
	shift
	out=$("$@" 2>&1)
	if [ -z "$out" ]; then echo "ok manual $name"; else
		echo "not ok manual $name: $(tail -n 3 <<<"$out" | tr '\n' ' ')"
		failed=1
	fi
}

man=build/man
commands=$("$SLUICE" help | sed -nE 's/^  ([a-z]+) .*/\1/p')
options() { "$SLUICE" help "$1" | grep -oE -- '--[a-z-]+' | sort -u; }
plain() { sed 's/\\-/-/g; s/\\(dq/"/g' "$1"; }

known_commands() {
	local c o text
	text=$(plain user/man/sluice.8)
	for c in $commands; do
		grep -qE "^\.SS $c( |\$)" user/man/sluice.8 || [ "$c" = show ] || echo "sluice(8) has no $c"
		grep -qE "words='[^']*\b$c\b" scripts/deploy/sluice.bash || echo "the completion has no $c"
		for o in $(options "$c"); do
			grep -q -- "$o" <<<"$text" || echo "sluice(8) has no $c $o"
			grep -q -- "$o" scripts/deploy/sluice.bash || echo "the completion has no $c $o"
		done
	done
}
no_more() { # options that nothing takes
	local o all
	all=$(for c in $commands; do options "$c"; done)
	for o in $(plain user/man/sluice.8 | grep -oE -- '(^|[^-[:alnum:]])--[a-z-]+' | grep -oE -- '--[a-z-]+' | sort -u) \
		$(grep -oE -- '--[a-z]+(-[a-z]+)*' scripts/deploy/sluice.bash | sort -u); do
		grep -qx -- "$o" <<<"$all" || echo "nothing takes $o"
	done
}
families() { # as the exporter's source spells them
	grep -ohE '"sluice_[a-z_]+"' user/exporter/*metrics.c | tr -d '"' | grep -vx sluice_
	sed -nE 's/^SL_STAT\([A-Z_]+, *"([a-z_]+)".*/sluice_\1_total/p' include/stats.def
	sed -nE 's/^\tX\([A-Z_]+, "([a-z_]+)".*/sluice_\1/p' maps/gauge.h | grep -vE 'plan_(hash|apply_microseconds)$'
}
# The series of a histogram go by its name.
whole() { sed -E 's/(_seconds)_(bucket|sum|count)$/\1/'; }
told() { plain $man/sluice-metrics.7 | grep -vE '^\.\\"' | grep -oE 'sluice_[a-z_]+' | whole | sort -u; }
same_families() { diff <(families | sort -u) <(told) | grep '^[<>]' | sed 's/^</not in the page:/; s/^>/not in the exporter:/'; }
no_strangers() {
	grep -ohE '\bsluice_[a-z_]+' scripts/deploy/*.yml scripts/deploy/grafana.json README.md | whole | sort -u |
		grep -vxFf <(families) | sed 's/^/no metric: /'
}
every_reason() {
	local reason
	for reason in $(sed -nE 's/^SL_REASON\([A-Z0-9_]+, *"([a-z0-9_]+)".*/\1/p' include/reasons.def); do
		grep -qx "\.B $reason" $man/sluice-metrics.7 || echo "no $reason"
	done
}

alerts() { promtool test rules selftests/alerts.yml | grep -vE '^(Unit Testing:.*|  SUCCESS|)$'; }

# A promise names tests by their text in the source; "reason NAME" stands for all tests of that reason.
promises() {
	local name
	while IFS= read -r name; do
		case $name in
		"reason "[a-z]*) grep -q "\"${name#reason }\"" include/reasons.def && continue ;;
		"agent "* | "metrics "*) name="\$me ${name#* }" ;;
		"make "*) grep -rq "^${name#make }:" selftests/*/*.mk && continue ;;
		esac
		grep -rqF --include='*.c' --include='*.sh' --include='*.py' -- "$name" selftests/[a-z]*/ || echo "no test: $name"
	done < <(awk -F'|' 'NF > 4 || /held|partly/ { print $(NF - 1) }' selftests/PROMISES.md | grep -oE '`[^`]+`' | tr -d '`' |
		grep -vE '^(matrix|flips|vlandev)$')
}

check "every command and option is in sluice(8) and the completion" known_commands
check "sluice(8) and the completion name no option that nothing takes" no_more
check "sluice-metrics(7) tells every metric and no other" same_families
check "sluice-metrics(7) tells every reason" every_reason
check "rules, dashboard and README name no metric that does not exist" no_strangers
if command -v promtool >/dev/null; then
	check "alerts fire where they should, and nowhere else" alerts
else
	echo "skip manual alerts fire where they should: promtool is not installed"
fi
check "PROMISES.md names no test that does not exist" promises
if command -v man >/dev/null && command -v groff >/dev/null; then
	for page in $man/*; do
		check "${page##*/} renders without a warning" bash -c "LC_ALL=C.UTF-8 man --warnings -l '$page' 2>&1 >/dev/null"
	done
else
	echo "skip manual pages render: man and groff are not installed"
fi
exit $failed
