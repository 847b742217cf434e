/* SPDX-License-Identifier: MIT */
#include "db_claim.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "db_folder.h"
#include "unit.h"

/* Whether another descriptor of the file holds the claim. */
static bool is_claimed(const char *path, long *pid)
{
	int fd, rc = db_claim(path, &fd, pid);

	if (rc == 0)
		close(fd);
	return rc == -EBUSY;
}

TEST_WITH(a_claim_belongs_to_one_daemon_until_it_is_released, folder_setup, folder_teardown)
{
	struct folder *f = *state;
	long pid;
	int fd;

	assert_int_equal(db_claim(f->path, &fd, &pid), -EBUSY);
	assert_int_equal(fd, -1);
	assert_int_equal(pid, getpid());
	folder_close(f);
	assert_false(is_claimed(f->path, &pid));
	assert_int_equal(db_claim(f->path, &fd, &pid), 0);
	assert_true(is_claimed(f->path, &pid));
	close(fd);
	assert_false(is_claimed(f->path, &pid));
}

TEST_WITH(a_claim_ends_with_its_process, folder_setup, folder_teardown)
{
	struct folder *f = *state;
	int ready[2], fd;
	long owner;
	pid_t pid;
	char c;

	folder_close(f);
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (db_claim(f->path, &fd, &owner) == 0 && write(ready[1], "c", 1) == 1)
			pause();
		_exit(1);
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	assert_true(is_claimed(f->path, &owner));
	assert_int_equal(owner, pid);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_false(is_claimed(f->path, &owner));
	close(ready[0]);
	close(ready[1]);
}

/* Each user who may read the database can lock any byte of it. */
TEST_WITH(a_reader_s_lock_on_the_database_is_no_claim, folder_setup, folder_teardown)
{
	struct folder *f = *state;
	struct flock all = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = INT64_C(1) << 40};
	struct stat st;
	int fd;

	folder_close(f);
	fd = open(f->path, O_RDONLY);
	assert_int_equal(fcntl(fd, F_OFD_SETLK, &all), 0);
	folder_open(f);
	close(fd);
	/* and only the daemon's user can lock the file of the claim */
	assert_int_equal(stat(folder_name(f, ".lock"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

TEST_WITH(the_file_of_a_claim_is_no_link_to_another_one, folder_setup, folder_teardown)
{
	struct folder *f = *state;
	char target[100];
	long pid;
	int fd;

	folder_close(f);
	unlink(folder_name(f, ".lock"));
	snprintf(target, sizeof(target), "%s/target", f->dir);
	assert_int_equal(symlink(target, folder_name(f, ".lock")), 0);
	assert_int_equal(db_claim(f->path, &fd, &pid), -ELOOP);
	assert_int_equal(access(target, F_OK), -1);
	unlink(folder_name(f, ".lock"));
	assert_int_equal(link(f->path, folder_name(f, ".lock")), 0);
	assert_int_equal(db_claim(f->path, &fd, &pid), -EINVAL);
	assert_true(file_size(f->path) > 0);
	unlink(folder_name(f, ".lock"));
	folder_open(f);
}

TEST_WITH(a_missing_folder_has_no_claim, folder_setup, folder_teardown)
{
	long pid;
	int fd;

	assert_int_equal(db_claim("/nowhere/at/all/t.db", &fd, &pid), -ENOENT);
	assert_int_equal(fd, -1);
}

UNIT_MAIN(NULL, NULL)
