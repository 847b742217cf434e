/* SPDX-License-Identifier: MIT */
#include "port.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/serial.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

#include "conf.h"
#include "mono.h"
#include "text.h"

enum { PTS_MAJOR_FIRST = 136, PTS_MAJOR_LAST = 143, SENT_POLL_US = 100, HOLDERS_MAX = 3 };

static const struct {
	unsigned baud;
	speed_t speed;
} speeds[] = {
	{1200, B1200},	 {2400, B2400},	  {4800, B4800},     {9600, B9600},	{19200, B19200},
	{38400, B38400}, {57600, B57600}, {115200, B115200}, {230400, B230400}, {460800, B460800},
};

static speed_t speed_of(unsigned baud)
{
	for (size_t i = 0; i < sizeof(speeds) / sizeof(speeds[0]); i++)
		if (speeds[i].baud == baud)
			return speeds[i].speed;
	return B0;
}

bool port_knows_speed(unsigned baud)
{
	return speed_of(baud) != B0;
}

bool port_has_speed(int fd, unsigned baud)
{
	struct termios t;

	return tcgetattr(fd, &t) == 0 && port_knows_speed(baud) && cfgetospeed(&t) == speed_of(baud);
}

bool port_is_real(int fd)
{
	struct stat st;
	unsigned m;

	if (fstat(fd, &st) < 0 || !S_ISCHR(st.st_mode))
		return false;
	m = major(st.st_rdev);
	return m < PTS_MAJOR_FIRST || m > PTS_MAJOR_LAST;
}

/* The next entry of a folder of /proc whose name is a number, or -1. */
static long next_number(DIR *dir)
{
	struct dirent *entry;

	while ((entry = readdir(dir)) != NULL)
		if (isdigit((unsigned char)entry->d_name[0]))
			return strtol(entry->d_name, NULL, 10);
	return -1;
}

/* Whether descriptor fd of a process holds a lock as port_claim() takes it. */
static bool has_lock(long pid, long fd)
{
	char path[64], line[128];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%ld/fdinfo/%ld", pid, fd);
	f = fopen(path, "re");
	if (f == NULL)
		return false;
	while (!found && fgets(line, sizeof(line), f) != NULL)
		found = strstr(line, "FLOCK") != NULL;
	fclose(f);
	return found;
}

/* Is it the same port? The pseudo-terminals of each container are numbered by a file system of their own; a real port
 * is one device, wherever its nodes are. */
static bool is_same(const struct stat *a, const struct stat *b, bool is_real)
{
	return S_ISCHR(a->st_mode) && a->st_rdev == b->st_rdev && (is_real || a->st_dev == b->st_dev);
}

/* Whether the process has the port open. On a pseudo-terminal that is no fault, since the other end often holds both:
 * there it must hold the lock too. */
static bool has_open(long pid, const struct stat *port, bool is_real)
{
	char path[64], target[64];
	struct stat st;
	bool found = false;
	ssize_t length;
	long number;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%ld/fd", pid);
	dir = opendir(path);
	if (dir == NULL)
		return false;
	while (!found && (number = next_number(dir)) >= 0) {
		snprintf(path, sizeof(path), "/proc/%ld/fd/%ld", pid, number);
		/* Only what lies in /dev is looked at closer: stat() on a dead network file would hang. */
		length = readlink(path, target, sizeof(target));
		if (length > 5 && memcmp(target, "/dev/", 5) == 0)
			found = stat(path, &st) == 0 && is_same(&st, port, is_real) &&
				(is_real || has_lock(pid, number));
	}
	closedir(dir);
	return found;
}

/* The processes that have a port open, as far as they can be seen. */
struct holders {
	size_t n;
	long pids[HOLDERS_MAX];
};

/* Those other than `except`. */
static struct holders find_holders(const struct stat *port, long except, bool is_real)
{
	DIR *dir = opendir("/proc");
	struct holders h = {.n = 0};
	long pid;

	if (dir == NULL)
		return h;
	while (h.n < HOLDERS_MAX && (pid = next_number(dir)) >= 0)
		if (pid != except && has_open(pid, port, is_real))
			h.pids[h.n++] = pid;
	closedir(dir);
	return h;
}

/* All of them are named: it is not known which one is in the way, and two that share a port disturb each other. */
static int busy(const char *device, const struct holders *h, char *why, size_t n)
{
	size_t length = (size_t)snprintf(why, n, "port %s is in use by ", device);
	bool is_tallyd = false;
	char name[32];

	for (size_t i = 0; i < h->n && length < n; i++) {
		if (!text_process_name(h->pids[i], name, sizeof(name)))
			snprintf(name, sizeof(name), "a process");
		is_tallyd |= strcmp(name, "tallyd") == 0;
		length += (size_t)snprintf(why + length, n - length, "%s%s (pid %ld)",
					   i == 0	  ? ""
					   : i + 1 < h->n ? ", "
							  : " and ",
					   name, h->pids[i]);
	}
	if (length < n && h->n == 0)
		snprintf(why + length, n - length,
			 "another process, perhaps tallyd; stop it first (tally scan, run as root, names it)");
	else if (length < n)
		snprintf(why + length, n - length, "; stop %s first%s", h->n > 1 ? "them" : "it",
			 is_tallyd ? ": systemctl stop tallyd" : "");
	return -EBUSY;
}

static int open_failed(const char *device, int error, char *why, size_t n)
{
	struct holders holders = {.n = 0};
	struct stat st;

	switch (error) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		snprintf(why, n, "port %s does not exist; plug in the adapter", device);
		return -ENODEV;
	case EBUSY:
		if (stat(device, &st) == 0)
			holders = find_holders(&st, 0, true);
		return busy(device, &holders, why, n);
	case EACCES:
		snprintf(why, n, "no permission to open port %s; add the user to its group (dialout)", device);
		return -error;
	default:
		snprintf(why, n, "port %s: %s", device, strerror(error));
		return -error;
	}
}

/* The lock keeps out programs that lock too, whatever their rights; a program that does not lock is found by the port
 * it has open. On a pseudo-terminal an open port is no fault: the other end often holds both. */
static int lock(int fd, const struct stat *st, struct holders *holders)
{
	bool is_real = port_is_real(fd);

	if (flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK) {
		*holders = find_holders(st, getpid(), is_real);
		return -EBUSY;
	}
	if (!is_real)
		return 0;
	*holders = find_holders(st, getpid(), true);
	return holders->n == 0 ? 0 : -EBUSY;
}

int port_claim(const char *device, char *why, size_t n)
{
	int fd = open(device, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	struct holders holders = {.n = 0};
	struct stat st;
	bool is_real;

	if (fd < 0)
		return open_failed(device, errno, why, n);
	if (fstat(fd, &st) < 0 || !isatty(fd)) {
		snprintf(why, n, "%s is not a serial port", device);
		close(fd);
		return -ENOTTY;
	}
	if (lock(fd, &st, &holders) < 0) {
		is_real = port_is_real(fd);
		close(fd);
		if (holders.n > 0 || !has_open(getpid(), &st, is_real))
			return busy(device, &holders, why, n);
		snprintf(why, n, "port %s is in use by another bus; give each bus its own port", device);
		return -EBUSY;
	}
	return fd;
}

/* A pseudo-terminal keeps the mark as long as its other end lives: after a crash it could not be opened again. */
void port_exclude(int fd)
{
	if (port_is_real(fd))
		ioctl(fd, TIOCEXCL);
}

void port_share(int fd)
{
	if (port_is_real(fd))
		ioctl(fd, TIOCNXCL);
}

static bool has_delays(const struct serial_rs485 *r, const struct conf_bus *b)
{
	return (b->rs485_delay_before_ms == 0 || b->rs485_delay_before_ms == r->delay_rts_before_send) &&
	       (b->rs485_delay_after_ms == 0 || b->rs485_delay_after_ms == r->delay_rts_after_send);
}

bool port_want_rs485(struct serial_rs485 *r, const struct conf_bus *b)
{
	if ((r->flags & SER_RS485_ENABLED) && has_delays(r, b))
		return false;
	if ((r->flags & (SER_RS485_ENABLED | SER_RS485_RTS_ON_SEND | SER_RS485_RTS_AFTER_SEND)) == 0)
		r->flags |= SER_RS485_RTS_ON_SEND;
	r->flags |= SER_RS485_ENABLED;
	if (b->rs485_delay_before_ms != 0)
		r->delay_rts_before_send = b->rs485_delay_before_ms;
	if (b->rs485_delay_after_ms != 0)
		r->delay_rts_after_send = b->rs485_delay_after_ms;
	return true;
}

int port_use_kernel_rs485(int fd, const struct conf_bus *b)
{
	struct serial_rs485 rs485 = {0};

	if (ioctl(fd, TIOCGRS485, &rs485) < 0)
		return -errno;
	if (!port_want_rs485(&rs485, b))
		return 0;
	/* The kernel shortens delays that the driver cannot keep, and returns those in force. */
	if (ioctl(fd, TIOCSRS485, &rs485) < 0)
		return -errno;
	return has_delays(&rs485, b) ? 0 : -ERANGE;
}

int port_set_rts(int fd, bool on)
{
	int line = TIOCM_RTS;

	return ioctl(fd, on ? TIOCMBIS : TIOCMBIC, &line) < 0 ? -errno : 0;
}

void port_wait_sent(int fd, int64_t until_us)
{
	unsigned status = 0;
	int64_t now_us;

	while ((now_us = mono_us()) < until_us) {
		if (ioctl(fd, TIOCSERGETLSR, &status) < 0 || (status & TIOCSER_TEMT))
			return;
		mono_sleep_until_us(now_us + SENT_POLL_US);
	}
}

/* FTDI's driver takes the flag as "latency timer 1 ms"; where it does not, the timer is in sysfs. */
void port_lower_latency(const char *device, int fd)
{
	char real[PATH_MAX], path[PATH_MAX + 64];
	struct serial_struct serial;
	int timer;

	if (!port_is_real(fd))
		return;
	if (ioctl(fd, TIOCGSERIAL, &serial) == 0 && (serial.flags & ASYNC_LOW_LATENCY) == 0) {
		serial.flags |= ASYNC_LOW_LATENCY;
		ioctl(fd, TIOCSSERIAL, &serial);
	}
	if (realpath(device, real) == NULL)
		return;
	snprintf(path, sizeof(path), "/sys/class/tty/%s/device/latency_timer", basename(real));
	timer = open(path, O_WRONLY | O_CLOEXEC);
	if (timer < 0)
		return;
	/* Without the right to it the port still works, only slower. */
	if (write(timer, "1\n", 2) < 0)
		errno = 0;
	close(timer);
}
