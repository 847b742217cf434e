/* SPDX-License-Identifier: MIT */
#include "db_claim.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "db_folder.h"
#include "unit.h"

/* Whether another descriptor of the file holds the claim. */
static bool is_claimed(const char *path)
{
	int fd, rc = db_claim(path, &fd);

	if (rc == 0)
		close(fd);
	return rc == -EBUSY;
}

TEST_WITH(a_claim_belongs_to_one_daemon_until_it_is_released, folder_setup, folder_teardown)
{
	struct folder *f = *state;
	int fd;

	assert_int_equal(db_claim(f->path, &fd), -EBUSY);
	assert_int_equal(fd, -1);
	folder_close(f);
	assert_false(is_claimed(f->path));
	assert_int_equal(db_claim(f->path, &fd), 0);
	assert_true(is_claimed(f->path));
	close(fd);
	assert_false(is_claimed(f->path));
}

TEST_WITH(a_claim_ends_with_its_process, folder_setup, folder_teardown)
{
	struct folder *f = *state;
	int ready[2], fd;
	pid_t pid;
	char c;

	folder_close(f);
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (db_claim(f->path, &fd) == 0 && write(ready[1], "c", 1) == 1)
			pause();
		_exit(1);
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	assert_true(is_claimed(f->path));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_false(is_claimed(f->path));
	close(ready[0]);
	close(ready[1]);
}

TEST_WITH(a_missing_file_has_no_claim, folder_setup, folder_teardown)
{
	int fd;

	assert_int_equal(db_claim("/nowhere/at/all/t.db", &fd), -ENOENT);
	assert_int_equal(fd, -1);
}

UNIT_MAIN(NULL, NULL)
