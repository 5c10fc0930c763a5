# SPDX-License-Identifier: GPL-2.0
# Completion for bash; `make install` puts it below PREFIX/share/bash-completion/completions/.
_sluice() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]-} words=
	case $before in
	--plan)
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
		;;
	--proto) words='tcp udp icmp sctp' ;;
	--state) words='opening established closing closed' ;;
	--network) words=$(sluice show networks 2>/dev/null | awk 'NR > 1 { print $1 }') ;;
	--vpc) words=$(sluice show flows --json 2>/dev/null | grep -o '"vpc":"[^"]*"' | cut -d'"' -f4 | sort -u) ;;
	--eip) words=$(sluice show eips 2>/dev/null | awk 'NF == 0 { exit } NR > 1 { print $1 }') ;;
	--service) words=$(sluice show services 2>/dev/null | awk 'NF == 0 { exit } NR > 1 { print $1 }' | sort -u) ;;
	--node) words=$(hostname 2>/dev/null) ;;
	--listen) words=127.0.0.1:9477 ;;
	--address | --port | --limit | --top | --fence) return ;;
	*)
		if [ "$COMP_CWORD" = 1 ]; then
			words='up down apply state check status show run version help'
		else
			case $command in
			up) words='--plan --node --fallback' ;;
			apply) words='--plan --node' ;;
			down) words='--forget' ;;
			state) words="--fence --plan --node --json $(jq -r '.states // {} | keys[]' "${SLUICE_STATE:-/var/lib/sluice}/plan.json" 2>/dev/null) normal" ;;
			check) words='--plan --node --all-nodes --json' ;;
			status) words=--json ;;
			run) words='--plan --node --listen --no-metrics' ;;
			help) words='up down apply state check status show run version help' ;;
			show)
				case ${COMP_WORDS[2]-} in
				flows) words='--network --vpc --address --port --eip --service --proto --state --limit --json' ;;
				drops) words='--watch --json' ;;
				networks | wan | qos) words=--json ;;
				services) words="--json $(sluice show services 2>/dev/null | awk 'NF == 0 { exit } NR > 1 { print $1 }' | sort -u)" ;;
				eips) words='--top --json' ;;
				policy) words='--plan --node --matrix --json' ;;
				*) words='networks services eips wan qos drops flows policy' ;;
				esac
				;;
			esac
		fi
		;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -F _sluice sluice
