/* SPDX-License-Identifier: GPL-2.0 */
/*
 * As the plan writes them, separated by commas.
 */
#include <stdio.h>
#include "../image/reach.h"
#include "../image/selector.h"
#include "phrase.h"

void phrase_selectors(const struct selectors *list, char *text, size_t size)
{
	char one[256];
	size_t used = 0;

	snprintf(text, size, "-");
	for (size_t i = 0; i < list->count && used < size; i++)
		used += (size_t)snprintf(text + used, size - used, "%s%s", i ? "," : "",
					 selector_text(&list->item[i], one, sizeof(one)));
}

void phrase_ports(const struct ports *list, char *text, size_t size)
{
	char one[40];
	size_t used = 0;

	snprintf(text, size, "any");
	for (size_t i = 0; i < list->count && used < size; i++) {
		port_text(&list->item[i], one, sizeof(one));
		used += (size_t)snprintf(text + used, size - used, "%s%s", i ? "," : "", one);
	}
}
