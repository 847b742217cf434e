/* SPDX-License-Identifier: MIT */
/* digest.h - a number by which to compare two sequences of values: equal sequences have equal digests, and
 * different ones differ, except by a chance of one in 2^64. Sequences that differ in one byte always differ.
 * It is no protection against people who make a second sequence on purpose. The same on every machine.
 * Pure; any thread. Source: FNV-1a with 64 bits, by Fowler, Noll and Vo. */
#ifndef TALLY_DIGEST_H
#define TALLY_DIGEST_H

#include <stdint.h>

/* Of nothing: where each digest begins. */
#define DIGEST_EMPTY UINT64_C(0xcbf29ce484222325)

/* Each returns the digest d with one value more behind it. A text's end counts: "ab" and "c" are not "a" and "bc". */
uint64_t digest_text(uint64_t d, const char *text);
uint64_t digest_whole(uint64_t d, int64_t value);

/* The same of a text without its blanks and tabs, for words and numbers that may be written with or without. */
uint64_t digest_unspaced(uint64_t d, const char *text);

#endif
