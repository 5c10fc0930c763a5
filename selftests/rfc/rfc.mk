# SPDX-License-Identifier: GPL-2.0
# make rfc          conformance with RFC 4787, 5382, 5508, 6888, 7857 and others, a case for each requirement (root)

.PHONY: rfc
rfc: $(B)/packet/packet
	for group in rfc4787 rfc5382 rfc5508 rfc6888 rfc7857 rfc3022; do \
		$(B)/packet/packet selftests/packet $$group || exit 1; done
