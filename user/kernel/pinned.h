/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A pinned BPF link: made, brought up to date, taken away. The same for XDP and tcx.
 */
#ifndef SLUICE_PINNED_H
#define SLUICE_PINNED_H
#include "kernel.h"

/* 1: the link is pinned, alive on this interface and runs `program` now; 0: there is none. A dead one is
 * removed. */
int pinned_update(const char *path, uint32_t ifindex, int program, struct trouble *t);
/* A new link, pinned. -EINVAL and the like are the kernel's answer; t is filled only for pin trouble. */
int pinned_create(const char *path, uint32_t ifindex, int program, int attach_type, uint32_t flags,
		  struct trouble *t);
/* Detached at once, not when the last reference goes. */
void pinned_remove(const char *path);
/* The program that the pinned link runs; 0: none. */
uint32_t pinned_program(const char *path, uint32_t ifindex);

uint32_t program_id(int program);
/* "NAME (id N)", or "id N" where finding by id is not permitted. */
struct program_text {
	char text[64];
};
struct program_text program_text(uint32_t id);

#endif
