/* SPDX-License-Identifier: MIT */
#include "interval_merge.h"

_Static_assert(Q_COUNT <= 256, "an index of a value is held in one byte");

static const enum quantity columns[INTERVAL_COLUMNS] = {
	Q_ACTIVE_ENERGY_IMPORT,
	Q_ACTIVE_ENERGY_EXPORT,
	Q_REACTIVE_ENERGY_IMPORT,
	Q_REACTIVE_ENERGY_EXPORT,
	Q_APPARENT_ENERGY,
	Q_VOLUME,
	Q_HEAT,
};

enum quantity interval_column_quantity(size_t i)
{
	return columns[i];
}

/* -1: it has none. */
static int find_column(enum quantity q)
{
	for (int i = 0; i < INTERVAL_COLUMNS; i++)
		if (columns[i] == q)
			return i;
	return -1;
}

/* True when a clock that was set back has brought this interval a second time. The counters of a reading come together,
 * so those without a column come again when one with a column does. */
static bool is_repeated(const struct interval_row *row, const struct account_interval *given)
{
	for (size_t i = 0; i < given->n_values; i++) {
		int column = find_column(given->values[i].quantity);

		if (column >= 0 && row->has[column] && !given->values[i].is_revised)
			return true;
	}
	return false;
}

int64_t interval_added_value(const struct account_interval *given, size_t i)
{
	return given->values[i].value - given->values[i].was_value;
}

static void set_value(struct interval_row *row, int column, const struct account_interval *given, size_t i)
{
	row->has[column] = given->values[i].quality != ACCOUNT_MISSING;
	row->is_estimated[column] = given->values[i].quality == ACCOUNT_ESTIMATED;
	row->values[column] = given->values[i].value;
}

static enum account_quality quality_of(const struct interval_row *row)
{
	enum account_quality quality = ACCOUNT_MISSING;

	for (int c = 0; c < INTERVAL_COLUMNS; c++) {
		if (row->has[c] && row->is_estimated[c])
			return ACCOUNT_ESTIMATED;
		if (row->has[c])
			quality = ACCOUNT_MEASURED;
	}
	return quality;
}

void interval_merge(struct interval_row *row, const struct account_interval *given, struct interval_change *out)
{
	bool was_measured = row->exists && row->quality == ACCOUNT_MEASURED, had_come_again = row->came_again;
	bool has_columns = false, fills_column = false;

	out->n_added = 0;
	row->came_again = row->came_again || is_repeated(row, given);
	for (size_t i = 0; i < given->n_values; i++) {
		int column = find_column(given->values[i].quantity);
		bool is_revised = given->values[i].is_revised;

		has_columns = has_columns || column >= 0;
		if (is_revised && column >= 0 &&
		    (!row->has[column] || row->values[column] != given->values[i].was_value))
			continue;
		if (column < 0 ? row->came_again : !is_revised && row->has[column])
			continue;
		out->added[out->n_added++] = (uint8_t)i;
		if (column < 0)
			continue;
		fills_column = true;
		row->exists = true;
		set_value(row, column, given, i);
	}
	if (fills_column)
		row->quality = quality_of(row);
	out->write_row = fills_column || row->came_again != had_come_again || (!row->exists && !has_columns);
	if (!row->exists && out->write_row) {
		row->exists = true;
		row->quality = ACCOUNT_MISSING;
	}
	out->coverage = INTERVAL_COVERAGE_SAME;
	if (was_measured && row->quality != ACCOUNT_MEASURED)
		out->coverage = INTERVAL_COVERAGE_TAKE_BACK;
	else if (!was_measured && fills_column && row->quality == ACCOUNT_MEASURED)
		out->coverage = INTERVAL_COVERAGE_ADD;
}
