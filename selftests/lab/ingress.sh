# SPDX-License-Identifier: GPL-2.0
# The kube-dc site around a lab: what lies between the nodes and their clients; sourced by services.sh.
#
#   client  88.99.218.47, .48 and 203.0.113.10-25, behind
#   router  88.99.29.193 on the nodes' segment; nothing lies behind it but the client
#   ext     100.65.0.1, a host with a real stack on VLAN 4013, by an access port of the switch
#
# The pods of ingress and envoy run nginx, servers.py answers on the other ports of all. kube_proxy_up gives the nodes what kube-proxy's
# nft mode makes of the five ports as externalIPs, and counters that tell whether netfilter saw any of it. It must
# never be needed for sluice to work: with sluice up nothing of this reaches a VIP's packets.

VIP=88.99.29.250
CLIENT=88.99.218.47
FABRIC=$LAB_DIR/servers
uplink=enp0s31f6
web_pods='web-1 web-2 envoy-1 envoy-2'

ingress_up() {
	local node address i addresses=()
	lab_netns router client ext || return 1
	lab_port router eth0 router && lab_port ext eth0 ext || return 1
	lab_access ext 4013 || return 1
	ip -n "$LAB-router" link add eth1 up type veth peer name eth0 netns "$LAB-client" || return 1
	printf '%s\n' 'address add 88.99.29.193/26 dev eth0' 'address add 88.99.218.1/24 dev eth1' \
		"route add 203.0.113.0/24 via $CLIENT" 'route add blackhole default' | ip -n "$LAB-router" -batch - || return 1
	sysctls router ipv4/ip_forward=1 || return 1
	for i in {10..25}; do addresses+=("address add 203.0.113.$i/32 dev lo"); done
	printf '%s\n' 'link set eth0 up' "address add $CLIENT/24 dev eth0" 'address add 88.99.218.48/24 dev eth0' \
		'route add default via 88.99.218.1' "${addresses[@]}" | ip -n "$LAB-client" -batch - || return 1
	# The ports above are for connections that are made again from the same ones.
	sysctls client 'ipv4/ip_local_port_range=1024 9999' || return 1
	ip -n "$LAB-ext" address add 100.65.0.1/16 dev eth0 || return 1
	for node in $(lab_nodes); do
		address=$(lab_node_addresses "$node")
		printf '%s\n' "address del $address/32 dev lo" "address add $address/26 dev $uplink" \
			'route add default via 88.99.29.193' | ip -n "$LAB-$node" -batch - || return 1
		sysctls "$node" ipv4/ip_forward=1 || return 1
	done
	# Pods know nobody but their gateway, and take as many connections as come.
	lab_workloads | while read -r name node iface address length gateway mac; do
		printf '%s\n' "route add $gateway dev eth0" "route replace default via $gateway dev eth0" |
			ip -n "$LAB-$name" -batch - &&
			ip -n "$LAB-$name" route del "$(ip -n "$LAB-$name" route show proto kernel | cut -d' ' -f1)" &&
			sysctls "$name" core/somaxconn=65535 ipv4/tcp_max_syn_backlog=16384 || exit 1
	done || return 1
	lab_wire_ready
}

servers_up() {
	local name
	mkdir -p "$FABRIC"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=lab \
		-keyout "$FABRIC/key.pem" -out "$FABRIC/cert.pem" 2>/dev/null || return 1
	for name in $web_pods; do
		cat >"$FABRIC/$name.conf" <<-EOF
			daemon off; master_process off; pid $FABRIC/$name.pid; error_log $FABRIC/$name.error.log;
			events { worker_connections 8192; }
			http {
			  log_format seen '\$remote_addr \$server_port';
			  access_log $FABRIC/$name.access.log seen;
			  client_body_temp_path $FABRIC; proxy_temp_path $FABRIC; fastcgi_temp_path $FABRIC;
			  uwsgi_temp_path $FABRIC; scgi_temp_path $FABRIC;
			  server {
			    listen 80 backlog=4096; listen 8080; listen 443 ssl; listen 6443 ssl;
			    ssl_certificate $FABRIC/cert.pem; ssl_certificate_key $FABRIC/key.pem;
			    return 200 "$name\n";
			  }
			}
		EOF
		lab_in "$name" nginx -c "$FABRIC/$name.conf" -e "$FABRIC/$name.error.log" >/dev/null 2>&1 &
	done
	"$PYTHON" "$here/selftests/lab/servers.py" "$LAB" "$PLAN" "$FABRIC" >"$FABRIC/ready" 2>"$FABRIC/errors" &
	lab_listening() { [ -s "$FABRIC/ready" ] && [ "$(ls "$FABRIC"/*.pid 2>/dev/null | wc -l)" = "$(wc -w <<<"$web_pods")" ]; }
	until_true 120 lab_listening || { cat "$FABRIC/errors" "$FABRIC"/*.error.log && return 1; }
}

# --- kube-proxy's way
kube_proxy_up() {
	local n=1 node name home iface address rest other
	for node in $(lab_nodes); do
		n=$((n + 1))
		{
			# The gateway of the pods, the node's address in "join" towards them, and the way to the other node's.
			echo "address add 10.100.0.1/32 dev lo"
			while read -r name home iface address rest; do
				[[ $address = 10.100.* ]] || continue
				other=$(jq -r --arg n "$home" '.clusters[].nodes[$n].addresses[0]' "$PLAN")
				if [ "$home" = "$node" ]; then echo "address add 172.30.0.$n/32 dev $iface"; else
					echo "route add $address/32 via $other dev $uplink"
				fi
			done < <(lab_workloads)
		} | ip -n "$LAB-$node" -batch - || return 1
		lab_in "$node" nft -f - <<-EOF || return 1
			table ip kube-proxy {
				counter vip { }
				counter answers { }
				counter marked { }
				counter arrived { }
				chain look {
					type filter hook prerouting priority raw;
					counter name arrived
					ip daddr { $VIP, 88.99.29.240, 100.65.0.0/16 } tcp dport { 80, 443, 6443, 7443, 8080, 9000 } counter name vip
					ip saddr { 10.100.0.0/16, 10.0.10.0/24 } counter name answers
					meta mark & 0x0000cf00 != 0 counter name marked
				}
				chain services {
					type nat hook prerouting priority dstnat;
					ip daddr $VIP tcp dport { 80, 443, 6443 } meta mark set mark or 0x4000 dnat to numgen random mod 2 map { 0 : 10.100.0.153, 1 : 10.100.0.154 }
					ip daddr $VIP tcp dport { 7443, 8080 } meta mark set mark or 0x4000 dnat to numgen random mod 2 map { 0 : 10.100.0.250, 1 : 10.100.0.251 }
				}
				chain postrouting {
					type nat hook postrouting priority srcnat;
					meta mark & 0x4000 == 0x4000 masquerade fully-random
				}
			}
		EOF
	done
}
# What only kube-proxy's way needs goes, its rules stay: the pods' gateway is sluice's from now on.
kube_proxy_only_rules() {
	local node name
	for node in $(lab_nodes); do
		ip -n "$LAB-$node" address del 10.100.0.1/32 dev lo || return 1
		lab_in "$node" nft reset counters table ip kube-proxy >/dev/null || return 1
	done
	lab_workloads | while read -r name _; do ip -n "$LAB-$name" neigh flush all; done
}
netfilter_saw() { # COUNTER: packets, on both nodes
	local node
	for node in $(lab_nodes); do lab_in "$node" nft -j list counter ip kube-proxy "$1"; done |
		jq -s '[.[].nftables[] | .counter? // empty | .packets] | add'
}

# --- requests by a real client, a connection each
web_ports='http:80 https:443 https:6443 https:7443 http:8080'
web_requests() { # COUNT for each port: how many were answered with 200; what became of the others is for web_unanswered
	local each
	: >"$FABRIC/requests"
	for each in $web_ports; do
		lab_in client curl -sk --no-progress-meter -Z --parallel-max 20 --connect-timeout 60 -m 60 -H 'Connection: close' -o /dev/null \
			-w "%{http_code} port ${each#*:} after %{time_total} s: %{errormsg}\n" "${each%:*}://$VIP:${each#*:}/[1-$1]" >>"$FABRIC/requests"
	done
	grep -c '^200 ' "$FABRIC/requests"
}
web_unanswered() { grep -v '^200 ' "$FABRIC/requests" | head -n 3 | tr '\n' ';'; }
web_logs_empty() { local log; for log in "$FABRIC"/*.access.log "$FABRIC"/*.tls.log; do : >"$log"; done; }
web_seen() { # "CLIENT COUNT" of every client in any access log
	sort "$FABRIC"/*.access.log "$FABRIC"/*.tls.log | awk '{ print $1 }' | uniq -c | awk '{ print $2, $1 }'
}
web_backends() { # "NAME COUNT" of every backend that served some
	local log
	for log in "$FABRIC"/*.access.log "$FABRIC"/*.tls.log; do
		[ -s "$log" ] && echo "$(basename "$log" | cut -d. -f1) $(wc -l <"$log")"
	done | awk '{ n[$1] += $2 } END { for (b in n) print b, n[b] }' | sort
}
