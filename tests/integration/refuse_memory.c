/* SPDX-License-Identifier: MIT */
/* Preloaded (LD_PRELOAD) into a program: the allocation REFUSE_AT fails, counted from 1 on since its start. Without
 * REFUSE_AT it writes the number of all allocations to the file REFUSE_COUNT when the program ends. */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t n);

static unsigned long at, n_asked;

__attribute__((constructor)) static void begin(void)
{
	const char *text = getenv("REFUSE_AT");

	if (text != NULL)
		at = strtoul(text, NULL, 10);
	__atomic_store_n(&n_asked, 0, __ATOMIC_RELAXED);
}

__attribute__((destructor)) static void end(void)
{
	unsigned long n = n_asked;
	const char *name = getenv("REFUSE_COUNT");
	FILE *f = at == 0 && name != NULL ? fopen(name, "w") : NULL;

	if (f == NULL)
		return;
	fprintf(f, "%lu\n", n);
	fclose(f);
}

static bool is_refused(void)
{
	if (__atomic_add_fetch(&n_asked, 1, __ATOMIC_RELAXED) != at)
		return false;
	errno = ENOMEM;
	return true;
}

void *malloc(size_t n)
{
	return is_refused() ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	return is_refused() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *old, size_t n)
{
	return is_refused() ? NULL : __libc_realloc(old, n);
}
