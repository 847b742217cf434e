/* SPDX-License-Identifier: MIT */
/* /etc/localtime and /etc/timezone in a folder of the test. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"
#include "zone.h"

static char dir[64], localtime_path[96], timezone_path[96], other_path[96];

static int set_up(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/test_zone.XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(localtime_path, sizeof(localtime_path), "%s/localtime", dir);
	snprintf(timezone_path, sizeof(timezone_path), "%s/timezone", dir);
	snprintf(other_path, sizeof(other_path), "%s/other", dir);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(localtime_path);
	unlink(timezone_path);
	unlink(other_path);
	return rmdir(dir);
}

static void put(const char *path, const char *text, size_t n)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, n, f), n);
	fclose(f);
}

static void put_timezone(const char *text)
{
	put(timezone_path, text, strlen(text));
}

/* A plain file with what Europe/Berlin has in it. */
static void copy_berlin(void)
{
	char text[8192];
	FILE *f = fopen("/usr/share/zoneinfo/Europe/Berlin", "r");
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, sizeof(text), f);
	fclose(f);
	put(localtime_path, text, n);
}

static void assert_zone(const char *name, enum zone_source expected)
{
	enum zone_source source;
	char *zone = zone_of_system(localtime_path, timezone_path, &source);

	assert_string_equal(zone, name);
	assert_int_equal(source, expected);
	free(zone);
}

TEST_WITH(localtime_is_a_link, set_up, tear_down)
{
	assert_int_equal(symlink("/usr/share/zoneinfo/Europe/Paris", localtime_path), 0);
	assert_zone("Europe/Paris", ZONE_LOCALTIME);
}

TEST_WITH(localtime_is_a_relative_link, set_up, tear_down)
{
	assert_int_equal(symlink("../usr/share/zoneinfo/Europe/Paris", localtime_path), 0);
	assert_zone("Europe/Paris", ZONE_LOCALTIME);
}

TEST_WITH(localtime_links_by_way_of_another_file, set_up, tear_down)
{
	assert_int_equal(symlink("other", localtime_path), 0);
	assert_int_equal(symlink("/usr/share/zoneinfo/Europe/Paris", other_path), 0);
	assert_zone("Europe/Paris", ZONE_LOCALTIME);
}

TEST_WITH(localtime_wins_where_the_files_differ, set_up, tear_down)
{
	assert_int_equal(symlink("/usr/share/zoneinfo/Europe/Paris", localtime_path), 0);
	put_timezone("Asia/Tokyo\n");
	assert_zone("Europe/Paris", ZONE_LOCALTIME);
}

TEST_WITH(a_plain_copy_has_no_name, set_up, tear_down)
{
	copy_berlin();
	assert_zone("UTC", ZONE_NONE);
	put_timezone("Europe/Berlin\n");
	assert_zone("Europe/Berlin", ZONE_TIMEZONE);
}

TEST_WITH(localtime_is_missing, set_up, tear_down)
{
	put_timezone("Asia/Tokyo\n");
	assert_zone("Asia/Tokyo", ZONE_TIMEZONE);
}

TEST_WITH(localtime_links_outside_the_zone_directory, set_up, tear_down)
{
	assert_int_equal(symlink("/etc/hostname", localtime_path), 0);
	assert_zone("UTC", ZONE_NONE);
	put_timezone("Asia/Tokyo\n");
	assert_zone("Asia/Tokyo", ZONE_TIMEZONE);
}

TEST_WITH(localtime_links_to_no_zone, set_up, tear_down)
{
	assert_int_equal(symlink("/usr/share/zoneinfo/Europe/Atlantis", localtime_path), 0);
	put_timezone("Asia/Tokyo\n");
	assert_zone("Asia/Tokyo", ZONE_TIMEZONE);
}

TEST_WITH(links_in_a_circle_end, set_up, tear_down)
{
	assert_int_equal(symlink(other_path, localtime_path), 0);
	assert_int_equal(symlink(localtime_path, other_path), 0);
	assert_zone("UTC", ZONE_NONE);
}

TEST_WITH(no_file_names_a_zone, set_up, tear_down)
{
	assert_zone("UTC", ZONE_NONE);
	put_timezone("\n");
	assert_zone("UTC", ZONE_NONE);
	put_timezone("Europe/Atlantis\n");
	assert_zone("UTC", ZONE_NONE);
}

TEST_WITH(utc_in_a_file_is_a_zone, set_up, tear_down)
{
	put_timezone("UTC\n");
	assert_zone("UTC", ZONE_TIMEZONE);
}

TEST(a_zone_is_described_with_its_source)
{
	static const char *const expected[] = {
		[ZONE_CONFIGURED] = "UTC (from tallyd.ini)",
		[ZONE_LOCALTIME] = "UTC (from /etc/localtime)",
		[ZONE_TIMEZONE] = "UTC (from /etc/timezone)",
		[ZONE_NONE] = "UTC (no zone was found)",
	};
	char text[ZONE_TEXT_MAX];

	for (int i = ZONE_CONFIGURED; i <= ZONE_NONE; i++) {
		zone_describe("UTC", (enum zone_source)i, text);
		assert_string_equal(text, expected[i]);
	}
}

UNIT_MAIN(NULL, NULL)
