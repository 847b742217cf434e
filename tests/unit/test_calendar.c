/* SPDX-License-Identifier: MIT */
#include "calendar.h"
#include "unit.h"

static struct calendar in_zone(const char *zone, int64_t interval_s)
{
	struct calendar c;

	calendar_zone(zone);
	calendar_init(&c, interval_s);
	return c;
}

static int64_t hours(const struct calendar_span *s)
{
	return (s->end_s - s->start_s) / 3600;
}

TEST(an_ordinary_day_has_24_hours_from_local_midnight)
{
	struct calendar c = in_zone("Europe/Paris", 900);
	const struct calendar_span *day = calendar_day(&c, 1767268800); /* 2026-01-01T12:00Z */

	assert_string_equal(day->name, "2026-01-01");
	assert_int_equal(day->start_s, 1767222000); /* 2025-12-31T23:00Z */
	assert_int_equal(hours(day), 24);
}

TEST(the_day_of_the_spring_change_has_23_hours_and_92_quarters)
{
	struct calendar c = in_zone("Europe/Paris", 900);
	const struct calendar_span *day = calendar_day(&c, 1774785600); /* 2026-03-29T12:00Z */
	int n = 0;

	assert_string_equal(day->name, "2026-03-29");
	assert_int_equal(hours(day), 23);
	for (int64_t t = day->start_s, end = day->end_s; t < end; t = calendar_interval_end(&c, t))
		n++;
	assert_int_equal(n, 92);
}

TEST(the_day_of_the_autumn_change_has_25_hours_and_100_quarters)
{
	struct calendar c = in_zone("Europe/Paris", 900);
	const struct calendar_span *day = calendar_day(&c, 1792929600); /* 2026-10-25T12:00Z */
	int n = 0;

	assert_string_equal(day->name, "2026-10-25");
	assert_int_equal(hours(day), 25);
	for (int64_t t = day->start_s, end = day->end_s; t < end; t = calendar_interval_end(&c, t))
		n++;
	assert_int_equal(n, 100);
}

TEST(the_last_and_the_first_second_belong_to_two_days)
{
	struct calendar c = in_zone("Europe/Paris", 900);

	assert_string_equal(calendar_day(&c, 1767221999)->name, "2025-12-31");
	assert_string_equal(calendar_day(&c, 1767222000)->name, "2026-01-01");
	assert_string_equal(calendar_month(&c, 1767221999)->name, "2025-12");
	assert_string_equal(calendar_month(&c, 1767222000)->name, "2026-01");
}

TEST(a_month_follows_the_time_zone)
{
	struct calendar c = in_zone("Europe/Paris", 900);
	const struct calendar_span *month = calendar_month(&c, 1774785600);

	assert_string_equal(month->name, "2026-03");
	assert_int_equal(hours(month), 31 * 24 - 1);
}

TEST(a_day_without_a_midnight_starts_at_one)
{
	struct calendar c = in_zone("Asia/Beirut", 900); /* 2026-03-29: 00:00 becomes 01:00 */
	const struct calendar_span *day = calendar_day(&c, 1774785600);

	assert_string_equal(day->name, "2026-03-29");
	assert_int_equal(day->start_s, 1774735200); /* 2026-03-28T22:00Z */
	assert_int_equal(hours(day), 23);
}

TEST(an_interval_that_does_not_divide_the_day_is_cut_at_midnight)
{
	struct calendar c = in_zone("UTC", 5 * 3600);

	assert_int_equal(calendar_interval_start(&c, 1767225600 + 21 * 3600), 1767225600 + 20 * 3600);
	assert_int_equal(calendar_interval_end(&c, 1767225600 + 21 * 3600), 1767225600 + 24 * 3600);
}

TEST(the_hours_of_a_half_hour_zone_start_at_its_midnight)
{
	struct calendar c = in_zone("Asia/Kolkata", 3600);

	assert_int_equal(calendar_interval_start(&c, 1767225600), 1767225600 - 1800);
	assert_int_equal(calendar_interval_end(&c, 1767225600), 1767225600 + 1800);
}

TEST(days_that_are_looked_up_in_turns_keep_their_bounds)
{
	struct calendar c = in_zone("Europe/Paris", 5 * 3600);
	const int64_t new_year_s = 1767222000; /* 2025-12-31T23:00Z */

	for (int i = 0; i < 3; i++) {
		assert_int_equal(calendar_day(&c, new_year_s)->start_s, new_year_s);
		assert_int_equal(calendar_interval_end(&c, new_year_s - 1), new_year_s);
		assert_int_equal(calendar_interval_end(&c, new_year_s + 86399), new_year_s + 86400);
		assert_string_equal(calendar_day(&c, new_year_s - 86401)->name, "2025-12-30");
	}
}

/* c, and intervals of interval_s in this zone from from_s on. */
static struct calendar changed(struct calendar *c, int64_t first_s, int64_t from_s, const char *zone,
			       int64_t interval_s)
{
	struct calendar next;

	assert_int_equal(calendar_change(c, first_s, from_s, interval_s, &next), 0);
	calendar_free(c);
	calendar_zone(zone);
	return next;
}

TEST(an_interval_ends_where_the_length_changes)
{
	const int64_t day_s = 1767225600, from_s = day_s + 10 * 3600 + 600; /* 2026-01-01T10:10Z */
	struct calendar c = in_zone("UTC", 900);

	c = changed(&c, day_s, from_s, "UTC", 3600);
	assert_int_equal(calendar_interval_start(&c, from_s - 1), from_s - 600);
	assert_int_equal(calendar_interval_end(&c, from_s - 1), from_s);
	assert_int_equal(calendar_interval_start(&c, from_s), from_s);
	assert_int_equal(calendar_interval_end(&c, from_s), from_s + 50 * 60);
	assert_int_equal(calendar_interval_end(&c, from_s - 601), from_s - 600);
	assert_int_equal(calendar_interval_end(&c, from_s + 50 * 60), from_s + 110 * 60);
	assert_int_equal(calendar_interval_s(&c, from_s - 1), 900);
	assert_int_equal(calendar_interval_s(&c, from_s), 3600);
	calendar_free(&c);
}

TEST(days_and_months_before_a_change_of_the_zone_stay_those_of_the_zone_before)
{
	const int64_t paris_s = 1767222000; /* 2025-12-31T23:00Z */
	struct calendar c = in_zone("Europe/Paris", 900);

	c = changed(&c, paris_s - 40 * 86400, paris_s + 12 * 3600, "America/New_York", 900);
	assert_string_equal(calendar_day(&c, paris_s - 1)->name, "2025-12-31");
	assert_int_equal(calendar_day(&c, paris_s - 1)->end_s, paris_s);
	assert_string_equal(calendar_day(&c, paris_s)->name, "2026-01-01");
	assert_int_equal(calendar_interval_end(&c, paris_s - 1), paris_s);
	assert_string_equal(calendar_month(&c, paris_s - 1)->name, "2025-12");
	assert_int_equal(calendar_month(&c, paris_s - 1)->start_s, paris_s - 31 * 86400);
	assert_int_equal(calendar_month(&c, paris_s - 1)->end_s, paris_s);
	assert_string_equal(calendar_month(&c, paris_s - 40 * 86400)->name, "2025-11");
	assert_string_equal(calendar_day(&c, paris_s + 12 * 3600)->name, "2026-01-01");
	assert_int_equal(calendar_day(&c, paris_s + 12 * 3600)->start_s, paris_s + 6 * 3600);
	assert_int_equal(calendar_day(&c, paris_s + 12 * 3600)->end_s, paris_s + 30 * 3600);
	calendar_free(&c);
}

TEST(the_days_of_a_past_zone_follow_its_clock_changes)
{
	const int64_t spring_s = 1774785600; /* 2026-03-29T12:00Z */
	struct calendar c = in_zone("Europe/Paris", 900);

	c = changed(&c, spring_s - 90 * 86400, spring_s + 90 * 86400, "Asia/Kathmandu", 900);
	assert_string_equal(calendar_day(&c, spring_s)->name, "2026-03-29");
	assert_int_equal(hours(calendar_day(&c, spring_s)), 23);
	assert_int_equal(hours(calendar_month(&c, spring_s)), 31 * 24 - 1);
	calendar_free(&c);
}

TEST(each_of_several_changes_holds_up_to_the_next)
{
	const int64_t day_s = 1767225600; /* 2026-01-01T00:00Z */
	struct calendar c = in_zone("UTC", 900);

	c = changed(&c, day_s, day_s + 86400, "UTC", 3600);
	c = changed(&c, day_s, day_s + 2 * 86400, "Asia/Kolkata", 3600);
	c = changed(&c, day_s, day_s + 3 * 86400, "Asia/Kolkata", 300);
	assert_int_equal(calendar_interval_end(&c, day_s + 3600), day_s + 4500);
	assert_int_equal(calendar_interval_end(&c, day_s + 86400), day_s + 86400 + 3600);
	assert_int_equal(calendar_interval_end(&c, day_s + 2 * 86400), day_s + 2 * 86400 + 1800);
	assert_int_equal(calendar_interval_end(&c, day_s + 3 * 86400), day_s + 3 * 86400 + 300);
	assert_string_equal(calendar_day(&c, day_s + 3 * 86400 - 3600)->name, "2026-01-04");
	calendar_free(&c);
}

/* As where the clock was set back. */
TEST(a_change_before_an_earlier_one_takes_its_place)
{
	const int64_t day_s = 1767225600;
	struct calendar c = in_zone("UTC", 900);

	c = changed(&c, day_s, day_s + 5 * 86400, "UTC", 3600);
	c = changed(&c, day_s, day_s + 3 * 86400, "UTC", 300);
	assert_int_equal(calendar_interval_s(&c, day_s + 3 * 86400 - 1), 900);
	assert_int_equal(calendar_interval_s(&c, day_s + 3 * 86400), 300);
	assert_int_equal(calendar_interval_s(&c, day_s + 6 * 86400), 300);
	calendar_free(&c);
}

TEST(two_changes_at_the_same_time_are_the_last_one)
{
	const int64_t day_s = 1767225600;
	struct calendar c = in_zone("UTC", 900);

	c = changed(&c, day_s, day_s + 86400, "UTC", 3600);
	c = changed(&c, day_s, day_s + 86400, "UTC", 300);
	assert_int_equal(calendar_interval_s(&c, day_s + 86399), 900);
	assert_int_equal(calendar_interval_s(&c, day_s + 86400), 300);
	calendar_free(&c);
}

TEST(time_before_all_that_is_asked_for_has_the_days_of_the_zone_now)
{
	const int64_t day_s = 1767225600;
	struct calendar c = in_zone("UTC", 900);

	c = changed(&c, day_s, day_s + 86400, "Asia/Kolkata", 900);
	assert_string_equal(calendar_day(&c, day_s - 3600)->name, "2026-01-01");
	assert_int_equal(calendar_day(&c, day_s - 3600)->start_s, day_s - 19800);
	assert_int_equal(calendar_interval_end(&c, day_s - 60), day_s);
	calendar_free(&c);
}

UNIT_MAIN(NULL, NULL)
