/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <linux/serial.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf.h"
#include "port.h"
#include "unit.h"

TEST(a_port_without_rs485_mode_is_switched_to_it)
{
	struct serial_rs485 r = {0};
	const struct conf_bus bus = {0};

	assert_true(port_want_rs485(&r, &bus));
	assert_int_equal(r.flags, SER_RS485_ENABLED | SER_RS485_RTS_ON_SEND);
	assert_int_equal(r.delay_rts_before_send, 0);
	assert_int_equal(r.delay_rts_after_send, 0);
	assert_false(port_want_rs485(&r, &bus));
}

TEST(the_polarity_and_delays_of_the_device_tree_are_kept)
{
	struct serial_rs485 off = {.flags = SER_RS485_RTS_AFTER_SEND, .delay_rts_before_send = 3}, on;
	const struct conf_bus bus = {0};

	assert_true(port_want_rs485(&off, &bus));
	assert_int_equal(off.flags, SER_RS485_ENABLED | SER_RS485_RTS_AFTER_SEND);
	assert_int_equal(off.delay_rts_before_send, 3);
	on = (struct serial_rs485){.flags = SER_RS485_ENABLED, .delay_rts_after_send = 4};
	assert_false(port_want_rs485(&on, &bus));
}

TEST(the_delays_of_the_bus_are_set)
{
	struct serial_rs485 r = {.flags = SER_RS485_ENABLED | SER_RS485_RTS_AFTER_SEND | SER_RS485_RX_DURING_TX,
				 .delay_rts_before_send = 3,
				 .delay_rts_after_send = 4};
	const struct conf_bus bus = {.rs485_delay_after_ms = 20};

	assert_true(port_want_rs485(&r, &bus));
	assert_int_equal(r.flags, SER_RS485_ENABLED | SER_RS485_RTS_AFTER_SEND | SER_RS485_RX_DURING_TX);
	assert_int_equal(r.delay_rts_before_send, 3);
	assert_int_equal(r.delay_rts_after_send, 20);
	assert_false(port_want_rs485(&r, &bus));
}

TEST(a_pseudo_terminal_has_no_rs485_mode)
{
	const struct conf_bus bus = {.rs485_delay_before_ms = 1};
	int fd = posix_openpt(O_RDWR | O_NOCTTY);

	assert_true(fd >= 0);
	assert_int_equal(port_use_kernel_rs485(fd, &bus), -ENOTTY);
	close(fd);
}

/* Another process that has a pseudo-terminal locked, and then sleeps. name: the one to lock; NULL: in a /dev/pts of its
 * own, as in a container, the one with this number. 0: it cannot have one. */
static pid_t start_holder(const char *name, int number)
{
	int ready[2], master = -1, port = -1;
	char path[40], c = 'n';
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		snprintf(path, sizeof(path), "/dev/pts/%d", number);
		if (name == NULL && unshare(CLONE_NEWNS) == 0 &&
		    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
		    mount("devpts", "/dev/pts", "devpts", 0, "ptmxmode=0666") == 0)
			for (int i = 0; i <= number; i++)
				master = open("/dev/pts/ptmx", O_RDWR | O_NOCTTY);
		if (master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0)
			port = open(path, O_RDWR | O_NOCTTY);
		else if (name != NULL)
			port = open(name, O_RDWR | O_NOCTTY);
		if (port >= 0 && flock(port, LOCK_EX) == 0)
			c = 'y';
		if (write(ready[1], &c, 1) == 1)
			pause();
		_exit(1);
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	close(ready[1]);
	if (c == 'y')
		return pid;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return 0;
}

static void end_holder(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

TEST(the_holder_of_a_port_is_named_and_no_process_of_a_container_with_the_same_number)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY);
	char name[40], why[300], expected[120];
	pid_t holder, other;

	assert_true(master >= 0);
	assert_int_equal(grantpt(master) | unlockpt(master), 0);
	assert_int_equal(ptsname_r(master, name, sizeof(name)), 0);
	other = start_holder(NULL, atoi(name + strlen("/dev/pts/")));
	holder = start_holder(name, 0);
	assert_true(holder > 0);
	assert_int_equal(port_claim(name, why, sizeof(why)), -EBUSY);
	snprintf(expected, sizeof(expected), "port %s is in use by test_port (pid %ld); stop it first", name,
		 (long)holder);
	assert_string_equal(why, expected);
	end_holder(holder);
	close(master);
	if (other == 0)
		skip();
	end_holder(other);
}

UNIT_MAIN(NULL, NULL)
