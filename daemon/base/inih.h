/* SPDX-License-Identifier: MIT */
/* inih.h - libinih's own header, whose name daemon/ini.h takes. Only ini.c needs it, and must include it as
 * <inih.h>: #include_next goes on from the folder in which this file was searched for. */
#ifndef TALLY_INIH_H
#define TALLY_INIH_H

#include_next <ini.h>

#endif
