/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The note stands in a segment of the program, which is the first object that is listed.
 */
#include <elf.h>
#include <link.h>
#include <string.h>
#include "build_id.h"

#define ALIGNED(n) (((size_t)(n) + 3) & ~(size_t)3)

struct search {
	struct digest digest;
	bool found;
};

static void look_through(struct search *s, const unsigned char *at, size_t length)
{
	while (length > sizeof(ElfW(Nhdr))) {
		ElfW(Nhdr) note;
		size_t size;

		memcpy(&note, at, sizeof(note));
		size = sizeof(note) + ALIGNED(note.n_namesz) + ALIGNED(note.n_descsz);
		if (size > length)
			return;
		if (note.n_type == NT_GNU_BUILD_ID && note.n_descsz &&
		    note.n_namesz == sizeof(ELF_NOTE_GNU) &&
		    !memcmp(at + sizeof(note), ELF_NOTE_GNU, sizeof(ELF_NOTE_GNU))) {
			s->digest =
				digest_rows(at + sizeof(note) + ALIGNED(note.n_namesz), 1, note.n_descsz, 0);
			s->found = true;
			return;
		}
		at += size;
		length -= size;
	}
}

static int visit(struct dl_phdr_info *object, size_t size, void *closure)
{
	struct search *s = closure;

	(void)size;
	for (ElfW(Half) i = 0; !s->found && i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &object->dlpi_phdr[i];

		if (segment->p_type == PT_NOTE)
			look_through(s, (const unsigned char *)(object->dlpi_addr + segment->p_vaddr),
				     segment->p_memsz);
	}
	return 1; /* libraries have notes of their own */
}

bool build_id(struct digest *digest)
{
	struct search s = { .found = false };

	dl_iterate_phdr(visit, &s);
	*digest = s.digest;
	return s.found;
}
