# SPDX-License-Identifier: GPL-2.0
# The site of wan.json: two clusters, two nodes each, tunnels between w1 and e1, a second uplink on w1; sourced by
# wan.sh and qos.sh. Nothing here may know of sluice.
. "$(dirname "${BASH_SOURCE[0]}")/sites.sh"

underlay() {
	cat <<-'EOF'
		w1 eth0 west 192.0.2.10/24
		w1 eth1 spare 198.18.0.10/24
		w2 eth0 west 192.0.2.11/24
		e1 eth0 east 198.51.100.10/24
		e2 eth0 east 198.51.100.11/24
	EOF
}
ends() {
	cat <<-'EOF'
		w1 10.17.0.0/16 e1
		e1 192.168.0.0/16 w1
		e1 10.16.0.0/16 w1
	EOF
}
site_up() { # NODE...
	local node
	for node in "$@"; do lab_sluice "$node" up --plan "$PLAN" --node "$node" || return 1; done
}
site_qos() { # how this kernel paces, delays and encrypts, for qos.py and qos_full.py
	PACING=bucket DELAY=no TUNNEL=no
	! sites_has netem delay 1ms || DELAY=yes
	! sites_has fq || PACING=fq
	! sites_real || TUNNEL=real
	export PACING DELAY TUNNEL
}
