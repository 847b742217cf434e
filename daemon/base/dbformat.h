/* SPDX-License-Identifier: MIT */
/* dbformat.h - the marks by which a file is known as a database of tallyd, for its writer and its readers alike. */
#ifndef TALLY_DBFORMAT_H
#define TALLY_DBFORMAT_H

enum {
	DBFORMAT_APPLICATION_ID = 0x74616c79, /* "taly", in the file's header (PRAGMA application_id) */
};

#endif
