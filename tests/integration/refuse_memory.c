/* SPDX-License-Identifier: MIT */
/* Preloaded (LD_PRELOAD) into a program: the allocation REFUSE_AT fails, counted from 1 on since its start. Without
 * REFUSE_AT it writes the number of all allocations to the file REFUSE_COUNT when the program ends. */
#include "refuse_memory.h"

#include <limits.h>
#include <stdio.h>

__attribute__((constructor)) static void begin(void)
{
	const char *text = getenv("REFUSE_AT");

	refuse_memory(text != NULL ? strtoul(text, NULL, 10) : ULONG_MAX, false);
}

__attribute__((destructor)) static void end(void)
{
	unsigned long n = refused.n;
	const char *name = getenv("REFUSE_COUNT");
	FILE *f = getenv("REFUSE_AT") == NULL && name != NULL ? fopen(name, "w") : NULL;

	if (f == NULL)
		return;
	fprintf(f, "%lu\n", n);
	fclose(f);
}
