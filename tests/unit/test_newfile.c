/* SPDX-License-Identifier: MIT */
#include "newfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "unit.h"

struct folder {
	char dir[64], path[96];
	struct newfile_place place;
	struct newfile file;
	struct err e;
};

static int setup(void **state)
{
	struct folder *f = calloc(1, sizeof(*f));

	strcpy(f->dir, "/tmp/test_newfile.XXXXXX");
	if (mkdtemp(f->dir) == NULL)
		return -1;
	snprintf(f->path, sizeof(f->path), "%s/out", f->dir);
	f->place.folder_fd = f->file.fd = -1;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct folder *f = *state;
	DIR *dir = opendir(f->dir);
	struct dirent *d;

	newfile_drop(&f->file);
	newfile_leave(&f->place);
	err_fini(&f->e);
	while ((d = readdir(dir)) != NULL)
		unlinkat(dirfd(dir), d->d_name, 0);
	closedir(dir);
	rmdir(f->dir);
	free(f);
	return 0;
}

static void begin(struct folder *f)
{
	assert_int_equal(newfile_find(&f->place, f->path, &f->e), 0);
	assert_int_equal(newfile_open(&f->file, &f->place, f->path, 0640, false, &f->e), 0);
	assert_int_equal(write(f->file.fd, "new", 3), 3);
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void assert_holds(const char *path, const char *text)
{
	char got[64] = "";
	int fd = open(path, O_RDONLY);

	assert_true(fd >= 0);
	assert_int_equal(read(fd, got, sizeof(got) - 1), strlen(text));
	assert_string_equal(got, text);
	close(fd);
}

static size_t count(const struct folder *f)
{
	DIR *dir = opendir(f->dir);
	size_t n = 0;

	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n - 2;
}

static void assert_refused(struct folder *f, const char *text)
{
	assert_int_equal(f->e.n_errors, 1);
	if (strstr(f->e.items[0].text, text) == NULL)
		fail_msg("%s: lacks: %s", f->e.items[0].text, text);
}

TEST_WITH(what_was_there_stays_until_the_new_file_is_kept, setup, teardown)
{
	struct folder *f = *state;

	put(f->path, "old");
	begin(f);
	assert_holds(f->path, "old");
	assert_int_equal(newfile_keep(&f->file, &f->e), 0);
	newfile_drop(&f->file);
	assert_holds(f->path, "new");
	assert_int_equal(count(f), 1);
}

TEST_WITH(a_file_that_is_not_kept_leaves_nothing, setup, teardown)
{
	struct folder *f = *state;

	begin(f);
	newfile_drop(&f->file);
	assert_int_equal(count(f), 0);
}

TEST_WITH(what_a_killed_run_has_left_is_removed_and_what_is_being_written_stays, setup, teardown)
{
	struct folder *f = *state;
	struct newfile other;
	char left[200];

	snprintf(left, sizeof(left), "%s/.out.part-0123456789abcdef", f->dir);
	put(left, "left");
	begin(f);
	assert_int_equal(count(f), 1);
	assert_int_equal(newfile_open(&other, &f->place, f->path, 0640, false, &f->e), 0);
	assert_int_equal(count(f), 2);
	newfile_drop(&other);
}

TEST_WITH(a_link_in_the_place_of_the_file_is_refused, setup, teardown)
{
	struct folder *f = *state;

	assert_int_equal(symlink("elsewhere", f->path), 0);
	assert_int_equal(newfile_find(&f->place, f->path, &f->e), 0);
	assert_int_equal(newfile_open(&f->file, &f->place, f->path, 0640, false, &f->e), -EEXIST);
	assert_refused(f, "/out: already exists and is not a plain file; name another file");
}

TEST_WITH(a_link_that_appears_meanwhile_is_replaced_and_not_followed, setup, teardown)
{
	struct folder *f = *state;
	char elsewhere[200];

	snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", f->dir);
	put(elsewhere, "not mine");
	begin(f);
	assert_int_equal(symlink(elsewhere, f->path), 0);
	assert_int_equal(newfile_keep(&f->file, &f->e), 0);
	assert_holds(elsewhere, "not mine");
	assert_holds(f->path, "new");
}

TEST_WITH(a_part_that_somebody_has_replaced_is_reported, setup, teardown)
{
	struct folder *f = *state;
	char part[400];

	begin(f);
	snprintf(part, sizeof(part), "%s/%s", f->dir, f->file.part);
	assert_int_equal(unlink(part), 0);
	put(part, "planted");
	assert_int_equal(newfile_keep(&f->file, &f->e), -EEXIST);
	assert_refused(f, "/out: somebody else put another file in its place meanwhile");
}

TEST_WITH(root_does_not_follow_the_link_of_a_user, setup, teardown)
{
	struct folder *f = *state;
	char link[200];

	if (geteuid() != 0)
		skip();
	snprintf(link, sizeof(link), "%s/link", f->dir);
	assert_int_equal(symlink("/tmp", link), 0);
	snprintf(f->path, sizeof(f->path), "%s/link/out", f->dir);
	/* of root it is followed */
	assert_int_equal(newfile_find(&f->place, f->path, &f->e), 0);
	newfile_leave(&f->place);
	assert_int_equal(lchown(link, 65534, 65534), 0);
	assert_int_equal(newfile_find(&f->place, f->path, &f->e), -ELOOP);
	assert_refused(f, "/link/out: its folder cannot be opened: a link of another user leads there");
}

TEST_WITH(links_that_lead_in_a_circle_are_refused, setup, teardown)
{
	struct folder *f = *state;
	char link[200];

	snprintf(link, sizeof(link), "%s/link", f->dir);
	assert_int_equal(symlink("link", link), 0);
	snprintf(f->path, sizeof(f->path), "%s/link/out", f->dir);
	assert_int_equal(newfile_find(&f->place, f->path, &f->e), -ELOOP);
}

TEST_WITH(a_folder_or_no_name_is_refused, setup, teardown)
{
	struct folder *f = *state;

	assert_int_equal(newfile_find(&f->place, "/tmp/", &f->e), -EISDIR);
	assert_refused(f, "/tmp/: is not the name of a file");
	newfile_leave(&f->place);
	assert_int_equal(newfile_find(&f->place, "/nowhere/at/all/x", &f->e), -ENOENT);
	assert_int_equal(newfile_find(&f->place, f->dir, &f->e), 0);
	assert_int_equal(newfile_open(&f->file, &f->place, f->dir, 0640, true, &f->e), -EEXIST);
}

TEST_WITH(a_device_is_written_to_where_that_is_allowed, setup, teardown)
{
	struct folder *f = *state;

	assert_int_equal(newfile_find(&f->place, "/dev/null", &f->e), 0);
	assert_int_equal(newfile_open(&f->file, &f->place, "/dev/null", 0640, false, &f->e), -EEXIST);
	newfile_drop(&f->file);
	assert_int_equal(newfile_open(&f->file, &f->place, "/dev/null", 0640, true, &f->e), 0);
	assert_int_equal(write(f->file.fd, "x", 1), 1);
	assert_int_equal(newfile_keep(&f->file, &f->e), 0);
}

UNIT_MAIN(NULL, NULL)
