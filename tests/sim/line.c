/* SPDX-License-Identifier: MIT */
#include "line.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <ev.h>

#include "log.h"
#include "mono.h"
#include "place.h"

enum {
	RX_MAX = 600,
	UNPACED_GAP_US = 5000,	/* silence that ends a frame where the line has no speed */
	FAST_LINE_BAUD = 19200, /* above it the silence between frames is fixed */
	FAST_LINE_GAP_US = 1750,
	CHUNK_US = 500, /* fast lines: bytes that are due within this time are sent together */
};

static const int64_t never_us = INT64_MAX;

/* A client: the user of the pseudo-terminal, or one connection. */
struct peer {
	struct line *line;
	struct peer *next;
	int fd;
	ev_io io;
	size_t n_rx;
	uint8_t rx[RX_MAX];
	int64_t arrived_us; /* when the last byte of rx has arrived over the line */
	bool crowded;	    /* rx began too soon after the last frame */
};

/* Once the bytes are sent. */
enum then { THEN_NOTHING, THEN_AGAIN, THEN_CLOSE };

/* Bytes to send to a peer: byte k is complete at start_us + (k + 1) x byte_ns. Without bytes: close the connection. */
struct emission {
	struct emission *next;
	struct peer *to;
	int64_t start_us;
	int64_t byte_ns; /* 0: all at once, at start_us */
	enum then then;
	int64_t then_us; /* that long after the last byte */
	uint8_t unit;	 /* whose answer it is, with THEN_AGAIN */
	size_t n, n_sent;
	uint8_t bytes[FAULT_BYTES_MAX];
};

struct line {
	struct sim *sim;
	struct ev_loop *loop;
	size_t index;
	const struct site_bus *bus;
	int64_t char_ns;      /* 0: no speed to keep */
	int64_t gap_us;	      /* silence between two frames */
	struct place_pty pty; /* rtu */
	int timer_fd, listen_fd;
	ev_io timer_io, listen_io, watch_io;
	uint16_t port; /* in use */
	struct peer *peers;
	size_t n_peers;
	struct emission *waiting; /* by start_us */
	struct emission *sending;
	int64_t quiet_from_us;			 /* end of the last byte on the line, in either direction */
	int64_t answered_us[256];		 /* by unit: when its last answer begins */
	int64_t mute_until_us, offline_until_us; /* 0: it is not */
	bool is_speed_reported;
	struct line_counts counts;
};

static void on_peer(struct ev_loop *loop, ev_io *io, int events);
static void on_connection(struct ev_loop *loop, ev_io *io, int events);
static void on_user_closed(struct ev_loop *loop, ev_io *io, int events);
static int open_place(struct line *l);

/* A serial port of our own: its client sets a speed. */
static bool is_serial(const struct line *l)
{
	return l->bus->transport == SITE_RTU;
}

static bool is_rtu_framed(const struct line *l)
{
	return l->bus->transport != SITE_TCP;
}

static struct peer *add_peer(struct line *l, int fd)
{
	struct peer *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->line = l;
	p->fd = fd;
	p->next = l->peers;
	l->peers = p;
	l->n_peers++;
	ev_io_init(&p->io, on_peer, fd, EV_READ);
	ev_io_start(l->loop, &p->io);
	return p;
}

static void drop_emissions(struct line *l, const struct peer *p)
{
	for (struct emission **at = &l->waiting; *at != NULL;) {
		struct emission *e = *at;

		if (e->to != p) {
			at = &e->next;
			continue;
		}
		*at = e->next;
		free(e);
	}
	if (l->sending != NULL && l->sending->to == p) {
		free(l->sending);
		l->sending = NULL;
	}
}

static void remove_peer(struct peer *p)
{
	struct line *l = p->line;
	struct peer **at = &l->peers;

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	l->n_peers--;
	drop_emissions(l, p);
	ev_io_stop(l->loop, &p->io);
	if (!is_serial(l))
		close(p->fd); /* that of a pseudo-terminal is closed with it */
	free(p);
}

/* Close so that the other end sees a reset and not a normal close. */
static void reset_peer(struct peer *p)
{
	struct linger now = {1, 0};

	setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	remove_peer(p);
}

static void insert_emission(struct line *l, struct emission *e)
{
	struct emission **at = &l->waiting;

	while (*at != NULL && (*at)->start_us <= e->start_us)
		at = &(*at)->next;
	e->next = *at;
	*at = e;
}

/* Returns what was scheduled, or NULL. */
static struct emission *schedule_bytes(struct peer *to, int64_t start_us, int64_t byte_ns, const uint8_t *bytes,
				       size_t n)
{
	struct emission *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return NULL; /* the answer is lost; a client must handle that anyway */
	assert(n <= sizeof(e->bytes));
	e->to = to;
	e->start_us = start_us;
	e->byte_ns = byte_ns;
	e->n = n;
	memcpy(e->bytes, bytes, n);
	insert_emission(to->line, e);
	return e;
}

static int64_t emission_end_us(const struct emission *e)
{
	return e->start_us + ((int64_t)e->n * e->byte_ns + 999) / 1000;
}

/* The time at which byte k of the emission is complete. */
static int64_t byte_end_us(const struct emission *e, size_t k)
{
	return e->start_us + (((int64_t)k + 1) * e->byte_ns + 999) / 1000;
}

/* The time to wake up for the current emission: at its next byte, or on fast lines at the end of a chunk. */
static int64_t next_chunk_us(const struct emission *e)
{
	int64_t chunk_us = byte_end_us(e, e->n_sent) + CHUNK_US, last_us = byte_end_us(e, e->n - 1);

	if (e->byte_ns >= CHUNK_US * 1000)
		return byte_end_us(e, e->n_sent);
	return chunk_us < last_us ? chunk_us : last_us;
}

/* Bytes that a full or closed line does not take are lost, as on a wire. */
static void send_bytes(struct line *l, const struct emission *e, size_t n)
{
	ssize_t done;

	done = is_serial(l) ? write(e->to->fd, e->bytes + e->n_sent, n)
			    : send(e->to->fd, e->bytes + e->n_sent, n, MSG_NOSIGNAL);
	if (done < (ssize_t)n)
		log_debug("bus %s: sent %zd of %zu bytes, the others are lost", l->bus->name, done, n);
}

/* All bytes are sent: do what comes then. What comes later is in the queue as an emission again. */
static void finish_emission(struct line *l, struct emission *e)
{
	int64_t end_us = emission_end_us(e);

	if (end_us > l->quiet_from_us)
		l->quiet_from_us = end_us;
	if (e->then == THEN_NOTHING) {
		free(e);
		return;
	}
	e->start_us = end_us + e->then_us;
	e->n_sent = 0;
	if (e->then == THEN_CLOSE)
		e->n = 0;
	else if (is_rtu_framed(l))
		l->answered_us[e->unit] = e->start_us; /* before any later answer of the unit */
	e->then = THEN_NOTHING;
	insert_emission(l, e);
}

static void send_due_bytes(struct line *l, int64_t now_us)
{
	struct emission *e = l->sending;
	size_t n = e->n_sent;

	while (n < e->n && byte_end_us(e, n) <= now_us)
		n++;
	if (n > e->n_sent)
		send_bytes(l, e, n - e->n_sent);
	e->n_sent = n;
	if (n < e->n)
		return;
	l->sending = NULL;
	finish_emission(l, e);
}

/* Close the connection that the emission asks to close. */
static void close_peer_of(struct line *l, struct emission *e)
{
	struct peer *p = e->to;

	l->sending = NULL;
	free(e);
	remove_peer(p);
}

/* Start the next emission if it is due. Of two answers at the same time the second waits for the end of the first and
 * the silence after it. */
static void start_next_emission(struct line *l, int64_t now_us)
{
	struct emission *e = l->waiting;

	if (l->sending != NULL || e == NULL || e->start_us > now_us)
		return;
	if (e->byte_ns > 0 && e->start_us < l->quiet_from_us + l->gap_us) {
		l->waiting = e->next;
		e->start_us = l->quiet_from_us + l->gap_us;
		insert_emission(l, e);
		if (l->waiting->start_us > now_us)
			return;
		e = l->waiting;
	}
	l->waiting = e->next;
	l->sending = e;
}

static void close_place(struct line *l)
{
	while (l->peers != NULL)
		if (is_serial(l))
			remove_peer(l->peers);
		else
			reset_peer(l->peers);
	if (l->listen_fd >= 0) {
		ev_io_stop(l->loop, &l->listen_io);
		close(l->listen_fd);
		l->listen_fd = -1;
	}
	if (l->pty.path != NULL) {
		ev_io_stop(l->loop, &l->watch_io);
		place_close_pty(&l->pty);
	}
}

static void send_exception_later(struct peer *p, const struct adu *request, int64_t at_us)
{
	struct adu f = *request;
	uint8_t bytes[ADU_TCP_MAX];

	adu_make_exception(&f, ADU_GATEWAY_NO_ANSWER);
	schedule_bytes(p, at_us, 0, bytes, adu_build(&f, bytes));
}

/* Schedule n bytes of an answer whose request was complete on the line at end_us. A gateway of TCP frames forwards an
 * answer when it has arrived completely from the serial line behind it, and that line carries one request at a time. */
static void schedule_answer(struct peer *p, const struct sim_result *r, int64_t end_us, const uint8_t *bytes, size_t n)
{
	struct line *l = p->line;
	int64_t wait_us = (int64_t)r->turnaround_ms * 1000, byte_ns = l->char_ns, start_us;
	enum fault_kind fault = r->verdict == SIM_FAULT ? r->rule.kind : FAULT_NONE;
	int64_t delay_us = (int64_t)r->rule.delay_ms * 1000;
	struct emission *e;

	if (wait_us < l->gap_us && l->char_ns > 0)
		wait_us = l->gap_us;
	start_us = end_us + wait_us;
	if (fault == FAULT_LATE)
		start_us += delay_us;
	if (!is_rtu_framed(l)) {
		start_us += (int64_t)(n + 3) * l->char_ns / 1000 - ADU_TCP_HEADER * l->char_ns / 1000;
		byte_ns = 0;
		if (r->verdict == SIM_ANSWER && l->char_ns > 0)
			l->quiet_from_us = start_us;
	}
	/* A meter answers in the order of the requests, however late. */
	if (is_rtu_framed(l) && start_us <= l->answered_us[r->answer.unit])
		start_us = l->answered_us[r->answer.unit] + 1;
	l->answered_us[r->answer.unit] = start_us;
	if (fault == FAULT_DRIBBLE)
		byte_ns = delay_us * 1000;
	e = schedule_bytes(p, start_us, byte_ns, bytes, n);
	if (e == NULL || (fault != FAULT_TWICE && fault != FAULT_CLOSE_AFTER))
		return;
	e->then = fault == FAULT_TWICE ? THEN_AGAIN : THEN_CLOSE;
	e->then_us = delay_us;
	e->unit = r->answer.unit;
}

static bool sends_nothing(enum fault_kind kind)
{
	return kind == FAULT_SILENCE || kind == FAULT_RESET || kind == FAULT_CLOSE || kind == FAULT_MUTE ||
	       kind == FAULT_REBOOT || kind == FAULT_UNPLUG;
}

/* Apply a fault that sends nothing. Returns true when the peer no longer exists. */
static bool apply_line_fault(struct peer *p, const struct fault_rule *rule)
{
	struct line *l = p->line;

	switch (rule->kind) {
	case FAULT_RESET:
		reset_peer(p);
		return true;
	case FAULT_CLOSE:
		remove_peer(p);
		return true;
	case FAULT_MUTE:
		line_mute(l, rule->delay_ms);
		return false;
	case FAULT_REBOOT:
	case FAULT_UNPLUG:
		line_go_offline(l, rule->delay_ms);
		return true;
	default:
		return false;
	}
}

/* Handle one complete request, which ended on the line at end_us. Returns true when the peer no longer exists. */
static bool handle_request(struct peer *p, const struct adu *request, int64_t end_us)
{
	struct line *l = p->line;
	uint8_t bytes[FAULT_BYTES_MAX];
	struct sim_result result;
	size_t n, n_lost;

	l->counts.requests++;
	if (request->unit == 0 && is_rtu_framed(l))
		return false; /* no meter answers a broadcast */
	result = sim_request(l->sim, l->index, request);
	if (result.verdict == SIM_UNKNOWN) {
		l->counts.unknown++;
		if (!is_rtu_framed(l) && l->bus->gateway_timeout_ms > 0) {
			int64_t silent_us = end_us + (int64_t)l->bus->gateway_timeout_ms * 1000;

			send_exception_later(p, request, silent_us);
			if (l->char_ns > 0)
				l->quiet_from_us = silent_us;
		}
		return false;
	}
	if (result.verdict == SIM_FAULT && sends_nothing(result.rule.kind))
		return apply_line_fault(p, &result.rule);
	if (result.verdict == SIM_FAULT && (result.rule.kind == FAULT_ECHO || result.rule.kind == FAULT_ECHO_CUT)) {
		n_lost = result.rule.kind == FAULT_ECHO_CUT;
		n = adu_build(request, bytes);
		schedule_bytes(p, end_us, 0, bytes + n_lost, n - n_lost);
	}
	n = fault_build(result.verdict == SIM_FAULT ? &result.rule : NULL, &result.answer, &l->sim->chance, bytes);
	schedule_answer(p, &result, end_us, bytes, n);
	return false;
}

/* False when the client has set another speed than the line's. True also where that cannot be known. */
static bool is_speed_right(struct line *l)
{
	unsigned stop_bits;
	uint32_t baud;

	if (!is_serial(l) || !l->bus->pace)
		return true;
	place_get_speed(&l->pty, &baud, &stop_bits);
	if (baud == l->bus->baud && stop_bits == l->bus->stop_bits)
		return true;
	if (!l->is_speed_reported)
		log_warning(
			"bus %s: no meter understands the client, which uses %u baud and %u stop bits; the line has %u "
			"and %u",
			l->bus->name, baud, stop_bits, l->bus->baud, l->bus->stop_bits);
	l->is_speed_reported = true;
	return false;
}

/* Handle the bytes in rx once the last of them has arrived: a complete request, the start of one, or noise when the
 * line becomes silent. Returns true when the peer no longer exists. */
static bool handle_rtu(struct peer *p, int64_t now_us)
{
	struct line *l = p->line;
	size_t length = adu_rtu_request_length(p->rx, p->n_rx);
	struct adu request;
	bool whole = length == p->n_rx, silent = now_us >= p->arrived_us + l->gap_us;

	if (now_us < p->arrived_us || (!whole && !silent))
		return false;
	if (!adu_rtu_parse(p->rx, p->n_rx, &request)) {
		if (!silent)
			return false;
		l->counts.bad++;
		p->n_rx = 0;
		return false;
	}
	p->n_rx = 0;
	l->counts.crowded += p->crowded ? 1 : 0;
	if (l->mute_until_us > now_us)
		return false;
	if (!is_speed_right(l)) {
		l->counts.wrong_speed++;
		return false;
	}
	return handle_request(p, &request, p->arrived_us);
}

/* The time at which the request ends on the serial line behind the gateway, which carries one request at a time. */
static int64_t end_behind_gateway_us(struct line *l, const struct adu *request, int64_t now_us)
{
	int64_t start_us = now_us;

	if (l->char_ns == 0)
		return now_us;
	if (start_us < l->quiet_from_us + l->gap_us)
		start_us = l->quiet_from_us + l->gap_us;
	l->quiet_from_us = start_us + (int64_t)(request->n_pdu + 3) * l->char_ns / 1000;
	return l->quiet_from_us;
}

/* Handle every complete request in rx. Returns true when the peer no longer exists. */
static bool handle_tcp(struct peer *p, int64_t now_us)
{
	struct line *l = p->line;
	struct adu request;
	int used;

	while ((used = adu_tcp_parse(p->rx, p->n_rx, &request)) > 0) {
		p->n_rx -= (size_t)used;
		memmove(p->rx, p->rx + used, p->n_rx);
		if (l->mute_until_us > now_us)
			continue;
		if (handle_request(p, &request, end_behind_gateway_us(l, &request, now_us)))
			return true;
	}
	if (used < 0) {
		l->counts.bad++;
		remove_peer(p); /* the start of the next frame cannot be found */
		return true;
	}
	return false;
}

static void arm_timer(struct line *l)
{
	int64_t at_us = never_us;
	struct itimerspec spec = {{0, 0}, {0, 0}};

	if (l->sending != NULL)
		at_us = next_chunk_us(l->sending);
	else if (l->waiting != NULL)
		at_us = l->waiting->start_us;
	for (const struct peer *p = l->peers; p != NULL && is_rtu_framed(l); p = p->next) {
		int64_t then_us = p->arrived_us;

		if (p->n_rx == 0)
			continue;
		if (adu_rtu_request_length(p->rx, p->n_rx) != p->n_rx || mono_us() >= then_us)
			then_us += l->gap_us;
		at_us = then_us < at_us ? then_us : at_us;
	}
	if (l->offline_until_us > 0 && l->offline_until_us < at_us)
		at_us = l->offline_until_us;
	if (at_us != never_us) {
		at_us = at_us < 1 ? 1 : at_us; /* all zeros would disarm the timer */
		spec.it_value.tv_sec = at_us / 1000000;
		spec.it_value.tv_nsec = at_us % 1000000 * 1000;
	}
	timerfd_settime(l->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL);
}

/* Do everything that is due now and set the timer for the next event. */
static void run_line(struct line *l)
{
	int64_t now_us = mono_us();
	struct peer *next;

	if (l->offline_until_us > 0 && now_us >= l->offline_until_us)
		l->offline_until_us = open_place(l) == 0 ? 0 : now_us + 1000000;
	for (struct peer *p = l->peers; p != NULL && is_rtu_framed(l); p = next) {
		next = p->next;
		if (p->n_rx > 0 && handle_rtu(p, now_us))
			break; /* next may not exist any more either */
	}
	do {
		start_next_emission(l, now_us);
		if (l->sending != NULL && l->sending->n == 0)
			close_peer_of(l, l->sending);
		else if (l->sending != NULL)
			send_due_bytes(l, now_us);
	} while (l->sending == NULL && l->waiting != NULL && l->waiting->start_us <= now_us);
	arm_timer(l);
}

static void on_timer(struct ev_loop *loop, ev_io *io, int events)
{
	struct line *l = io->data;
	uint64_t expirations;

	(void)loop;
	(void)events;
	if (read(l->timer_fd, &expirations, sizeof(expirations)) < 0 && errno != EAGAIN)
		log_warning("bus %s: timer: %s", l->bus->name, strerror(errno));
	run_line(l);
}

/* Take n bytes that were read at once; on the line they take their time, from now or from the end of the last byte. */
static void receive_bytes(struct peer *p, const uint8_t *bytes, size_t n, int64_t now_us)
{
	struct line *l = p->line;

	if (is_serial(l) && l->sending != NULL) {
		l->counts.collisions += n;
		return;
	}
	if (p->n_rx == 0) {
		p->crowded = l->char_ns > 0 && now_us < l->quiet_from_us + l->gap_us;
		p->arrived_us = now_us;
	}
	if (n > RX_MAX - p->n_rx)
		n = RX_MAX - p->n_rx; /* it is too long for a frame anyway */
	memcpy(p->rx + p->n_rx, bytes, n);
	p->n_rx += n;
	if (!is_rtu_framed(l))
		return;
	if (p->arrived_us < now_us)
		p->arrived_us = now_us;
	p->arrived_us += (int64_t)n * l->char_ns / 1000;
	if (p->arrived_us > l->quiet_from_us)
		l->quiet_from_us = p->arrived_us;
}

static void on_peer(struct ev_loop *loop, ev_io *io, int events)
{
	struct peer *p = (struct peer *)((char *)io - offsetof(struct peer, io));
	struct line *l = p->line;
	int64_t now_us = mono_us();
	uint8_t bytes[RX_MAX];
	ssize_t n = read(p->fd, bytes, sizeof(bytes));

	(void)loop;
	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 && !is_serial(l)) {
		remove_peer(p);
	} else if (n > 0) {
		receive_bytes(p, bytes, (size_t)n, now_us);
		if (!is_rtu_framed(l))
			handle_tcp(p, now_us);
	}
	run_line(l);
}

static void on_user_closed(struct ev_loop *loop, ev_io *io, int events)
{
	struct line *l = io->data;

	(void)loop;
	(void)events;
	place_release_pty(&l->pty);
}

static void on_connection(struct ev_loop *loop, ev_io *io, int events)
{
	struct line *l = io->data;
	int fd = accept4(l->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), one = 1;

	(void)loop;
	(void)events;
	if (fd < 0)
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (l->n_peers >= l->bus->max_connections) {
		l->counts.refused++;
		close(fd);
		return;
	}
	l->counts.connections++;
	if (add_peer(l, fd) == NULL)
		close(fd);
}

static int open_pty(struct line *l)
{
	int rc = place_open_pty(l->bus->path, &l->pty);

	if (rc != 0)
		return rc;
	if (add_peer(l, l->pty.master) == NULL) {
		place_close_pty(&l->pty);
		return -ENOMEM;
	}
	ev_io_init(&l->watch_io, on_user_closed, l->pty.watch, EV_READ);
	l->watch_io.data = l;
	ev_io_start(l->loop, &l->watch_io);
	return 0;
}

static int open_socket(struct line *l)
{
	l->listen_fd = place_listen(l->bus->listen, &l->port);
	if (l->listen_fd < 0)
		return l->listen_fd;
	ev_io_init(&l->listen_io, on_connection, l->listen_fd, EV_READ);
	l->listen_io.data = l;
	ev_io_start(l->loop, &l->listen_io);
	return 0;
}

static int open_place(struct line *l)
{
	return is_serial(l) ? open_pty(l) : open_socket(l);
}

static void set_speed(struct line *l)
{
	const struct site_bus *b = l->bus;
	int bits = 1 + 8 + (b->parity == 'N' ? 0 : 1) + b->stop_bits;

	l->gap_us = UNPACED_GAP_US;
	if (!b->pace || b->baud == 0)
		return;
	l->char_ns = bits * INT64_C(1000000000) / b->baud;
	l->gap_us = b->baud > FAST_LINE_BAUD ? FAST_LINE_GAP_US : l->char_ns * 7 / 2000;
}

struct line *line_new(struct sim *sim, size_t bus, struct ev_loop *loop)
{
	struct line *l = calloc(1, sizeof(*l));
	int rc;

	if (l == NULL) {
		fprintf(stderr, "bus %s: out of memory\n", sim->site->buses[bus].name);
		return NULL;
	}
	l->sim = sim;
	l->loop = loop;
	l->index = bus;
	l->bus = &sim->site->buses[bus];
	l->port = l->bus->port;
	l->listen_fd = -1;
	set_speed(l);
	l->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	ev_io_init(&l->timer_io, on_timer, l->timer_fd, EV_READ);
	l->timer_io.data = l;
	if (l->timer_fd >= 0)
		ev_io_start(loop, &l->timer_io);
	rc = l->timer_fd < 0 ? -errno : open_place(l);
	if (rc == 0)
		return l;
	fprintf(stderr, "%s:%u: bus %s: %s: %s\n", sim->site->file, l->bus->line, l->bus->name,
		is_serial(l) ? l->bus->path : l->bus->listen, strerror(-rc));
	line_free(l);
	return NULL;
}

void line_free(struct line *l)
{
	if (l == NULL)
		return;
	close_place(l);
	if (l->timer_fd >= 0) {
		ev_io_stop(l->loop, &l->timer_io);
		close(l->timer_fd);
	}
	free(l);
}

void line_go_offline(struct line *l, uint32_t ms)
{
	close_place(l);
	l->offline_until_us = mono_us() + (int64_t)ms * 1000;
	arm_timer(l);
}

void line_mute(struct line *l, uint32_t ms)
{
	l->mute_until_us = mono_us() + (int64_t)ms * 1000;
}

void line_print_place(const struct line *l, FILE *out)
{
	fprintf(out, "%s ", site_transport_text(l->bus->transport));
	if (is_serial(l))
		fprintf(out, "%s", l->bus->path);
	else
		fprintf(out, "%s %u", l->bus->listen, l->port);
}

const struct line_counts *line_counts(const struct line *l)
{
	return &l->counts;
}
