/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's side as user space sees it: programs, tables, generations, doors. Everything is found
 * through pins under one bpffs directory, so that each command works whether an agent runs or not.
 *
 * Functions return 0 or a negative errno and put one line that says what to do into `struct trouble`;
 * the caller prints it once.
 */
#ifndef SLUICE_KERNEL_H
#define SLUICE_KERNEL_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../../maps/fill.h"
#include "../../maps/tables.h"
#include "../image/image.h"

#define SLUICE_PINS "/sys/fs/bpf/sluice"

struct trouble {
	char text[512];
};
int trouble(struct trouble *t, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Opened pins. Tables of state are always open; plan tables are those of the active generation. */
struct kernel {
	const char *pins; /* directory; SLUICE_PINS unless a test says otherwise */
	int table[SL_TABLES]; /* state: the map; plan: the outer map */
	int plan[SL_TABLES]; /* inner maps of the active generation, -1 for state tables and at generation 0 */
	uint32_t generation; /* as read when opened */
	bool read_only;
	int lock; /* descriptor of kernel_lock(), -1: not held */
	struct spares *spares; /* kernel_expect()'s, NULL: none; only as long as the lock is held */
};

bool kernel_present(const char *pins);
/* Opens what an earlier `up` pinned; refuses another layout version by name. */
int kernel_open(struct kernel *k, const char *pins, bool read_only, struct trouble *t);
/* Opens the plan tables of the generation that is active now. */
int kernel_reopen_plan(struct kernel *k, struct trouble *t);
void kernel_close(struct kernel *k);
/*
 * Nobody else loads, installs, patches, attaches or unloads until kernel_unlock() or kernel_close().
 * kernel_load() takes it and keeps it; the functions below that change anything take it for their own
 * time when it is not held. Who decides from what it has read (the agent: STATE/plan.json and the
 * generation) holds it from reading to writing.
 */
int kernel_lock(struct kernel *k, struct trouble *t);
void kernel_unlock(struct kernel *k);
/* Rows a table has room for; 0: unknown. For a plan table, of the active generation. */
uint32_t kernel_room(const struct kernel *k, enum sl_table_id table);

/* Loads programs, creates or reuses tables, pins both. Twice is the same as once; a newer program replaces
 * the running one by bpf_link_update. k is open only when it returns 0. */
int kernel_load(struct kernel *k, const char *pins, const struct limits *limits, struct trouble *t);
/* An install is to come: what it has to wait for and to read goes on beside the caller from now on. Under the lock. */
void kernel_expect(struct kernel *k);
/* Fills fresh inner maps for the next generation, verifies the counts, flips. Before the flip nothing
 * that runs is touched. */
int kernel_install(struct kernel *k, const struct image *image, struct trouble *t);
/* Installs only the rows that differ from the active generation, then adds 2 to it. For links. Nothing
 * differs: nothing is written. More rows than fit: as kernel_install(). -ESTALE when the generation is no
 * longer k->generation: the image was made from an older plan; kernel_reopen_plan() and compile again. */
int kernel_patch(struct kernel *k, const struct image *image, struct trouble *t);
/* Attach. What could not be had as asked (generic instead of native, ...) is said in `notes`, one a line. */
struct notes {
	char **line;
	size_t count;
};
void note(struct notes *notes, const char *format, ...) __attribute__((format(printf, 2, 3)));
void notes_free(struct notes *notes);

/* Refuses uplinks that cannot carry the doors, by name, before anything is changed; k may be NULL when
 * nothing is loaded yet, or not all that this version knows. */
int kernel_attach_check(const struct kernel *k, const char *pins, const struct image *image,
			const struct link_facts *links, struct trouble *t);
/*
 * The qdisc fq on every uplink whose plan says "pacing": "fq", unless somebody has chosen one for it, and
 * what was there before on all others that sluice has put one on; without an image on all. `changed`: the
 * facts about links are others now. What cannot be had is in `notes`, what cannot be put back is trouble.
 */
int kernel_pace(const struct image *image, struct notes *notes, bool *changed, struct trouble *t);
/* Now, in the ticks that tables hold (limits.h). */
uint32_t kernel_tick(void);

/* Every door of the image on the interfaces present; doors on interfaces that left the plan are taken off. */
int kernel_attach(struct kernel *k, const struct image *image, const struct link_facts *links,
		  struct notes *notes, struct trouble *t);

/* Removes every program, link, qdisc of ours and pin, if it `found` any, and puts the NICs' settings back. */
int kernel_unload(const char *pins, struct notes *notes, bool *found, struct trouble *t);

/* The interfaces of this network namespace, by libmnl. */
int links_read(struct link_facts *links, struct trouble *t);
void links_free(struct link_facts *links);

#endif
