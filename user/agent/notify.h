/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Telling systemd how we are: the datagram protocol of sd_notify(3). Does nothing where nobody listens.
 */
#ifndef SLUICE_NOTIFY_H
#define SLUICE_NOTIFY_H
#include <stdint.h>

/* One message, as "READY=1\nSTATUS=…". */
void notify_send(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* How often WATCHDOG=1 has to be sent, in ms; 0: never. */
uint64_t notify_watchdog_ms(void);

#endif
