/* SPDX-License-Identifier: MIT */
/* text.h - small jobs with text that more than one room has: UTF-8, a guess at what was meant, the name of a process.
 * Nothing is allocated; any thread. Pure except for text_process_name(), which reads /proc. */
#ifndef TALLY_TEXT_H
#define TALLY_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct nearest;

/* Bytes of the UTF-8 character that text begins with, 1 to 4, within its n bytes; 0 when there is no whole and valid
 * one (RFC 3629: no longer form than needed, no half of a surrogate pair, at most U+10FFFF). A NUL is a character of
 * one byte; of a text that ends with a NUL no byte behind it is read, so n may then be SIZE_MAX. */
size_t text_utf8_length(const char *text, size_t n);

/* Make a text that is not ours fit for people, in place: each control character (also those of U+0080 to U+009F) and
 * each byte that is no UTF-8 becomes '?'. What a process, a meter or a file calls itself may hold the escape sequences
 * of a terminal. */
void text_clean(char *text);

/* The question that follows the complaint about an unknown name: before, the nearest known name, after. It is "" when
 * no name is near, and when the nearest is the very word that was written, for then the name was not the fault.
 * out has room for n bytes with NUL; what does not fit is cut. Returns out. */
const char *text_did_you_mean(const struct nearest *near, const char *before, const char *after, char *out, size_t n);

/* The name of a running process as the kernel has it (/proc/PID/comm, at most 15 bytes), cleaned. out has room for n
 * bytes with NUL, n from 1 on. Returns false, with "" in out, when there is no such process or it may not be seen. */
bool text_process_name(long pid, char *out, size_t n);

#endif
