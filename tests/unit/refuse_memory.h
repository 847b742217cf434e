/* SPDX-License-Identifier: MIT */
/* refuse_memory.h - let one allocation of this program fail, or all from one on: malloc() and its kin are defined here,
 * for the program and for every library. A sanitizer has its own, so under one nothing is refused. Any thread may
 * allocate meanwhile. */
#ifndef TALLY_REFUSE_MEMORY_H
#define TALLY_REFUSE_MEMORY_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

static struct {
	unsigned long at; /* the allocation that fails, from 1 on; 0: none */
	bool all_later;	  /* and all after it */
	unsigned long n;  /* asked for since refuse_memory() */
} refused;

static inline void refuse_memory(unsigned long at, bool all_later)
{
	refused.n = 0;
	refused.all_later = all_later;
	refused.at = at;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { CAN_REFUSE_MEMORY = false };
#else
enum { CAN_REFUSE_MEMORY = true };

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t n);

static bool is_refused(void)
{
	unsigned long n;

	if (refused.at == 0)
		return false;
	n = __atomic_add_fetch(&refused.n, 1, __ATOMIC_RELAXED);
	if (n != refused.at && !(refused.all_later && n > refused.at))
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
#endif

#endif
