/* SPDX-License-Identifier: GPL-2.0 */
/*
 * outside: services, EIPs, SNAT and floating IPs, in their order, and the rings that they share.
 */
#include "outside.h"

bool outside_vpc(struct compile *c, const char *name, const struct place *place, uint32_t *vpc)
{
	*vpc = vpc_number(c, name);
	if (*vpc == UINT32_MAX)
		report_error(c->r, place, "VPC \"%s\" is not in the plan", name);
	return *vpc != UINT32_MAX;
}

bool outside_build(struct compile *c, struct stands *stands)
{
	struct vips vips = { 0 };
	struct eips eips = { 0 };
	bool done = eips_collect(c, &eips) && vips_collect(c, &vips) && stands_wait(stands) &&
		    services_build(c, &vips, stands) && snat_build(c, &eips) &&
		    eips_rows(c, &eips, &vips, stands) && vips_rows(c, &vips);

	vips_free(&vips);
	return done;
}
