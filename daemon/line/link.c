/* SPDX-License-Identifier: MIT */
/* libmodbus opens a serial port, sets its line and sends the requests of both RTU transports. Receiving is ours:
 * modbus_read_registers() reports a wrong function, length and transaction by one code, waits with select()
 * (descriptors below 1024), knows no echo and no noise, and after a wrong frame gives up instead of waiting for the
 * right one. On TCP sending is ours too, since modbus_send_raw_request() always sends transaction 0. Raw requests also
 * carry unit addresses above 247, which modbus_set_slave() of 3.1.6 refuses.
 *
 * A read goes like this. If its answer could be mistaken for another that the unit may still send (owed.h), ask for a
 * few words more, or read something else first. Wait until the line has been silent for t3.5 (after a fault: SETTLE_US)
 * and drop what comes. Send. Read bytes until the answer is whole by its own length, the deadline is reached, or what
 * came cannot be an answer and the line fell silent. A sound frame that is not the answer is noted as refused, and the
 * wait for the right one continues.
 *
 * Inside an exchange LINK_TIMEOUT means "no answer so far" from each step, so that LINK_OK and every other status end
 * it.
 *
 * Too fast: on a real serial line, an answer that ends before request and answer can have passed the wire at the line's
 * speed is left over from before. This is not judged on pseudo-terminals and gateways, where the speed of the bytes is
 * unknown. */
#include "link.h"

#include <assert.h>
#include <errno.h>
#include <modbus/modbus.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conf.h"
#include "frame.h"
#include "mono.h"
#include "owed.h"
#include "plan.h"
#include "port.h"
#include "stopper.h"
#include "tcp.h"

enum {
	/* Silence that ends what can be no answer and follows every fault: longer than the 16 ms for which a USB
	 * adapter, or the packet timer of a gateway, holds bytes back in the middle of a frame. */
	SETTLE_US = 50000,
	/* A gateway that is connected but mute is connected again after so many timeouts in a row, or when a unit is
	 * silent for the second time and nobody else was heard in between. Not after each: behind a gateway that passes
	 * bytes on, a dead meter is no fault of the connection. */
	MUTE_TIMES = 5,
	/* So many connections in a row that ended after one answer: the gateway ends each so, and a request that is
	 * sent on one that has brought an answer is lost. Each gets a connection of its own then. */
	SINGLE_TIMES = 2,
	RX_MAX = 2 * FRAME_MAX,
	WORTH_SLEEPING_US = 3000,
	RTS_DRAIN_US = 20000,
	UNITS = 256,
};

struct link {
	const struct conf_bus *conf;
	modbus_t *ctx; /* NULL for tcp */
	int fd;	       /* ctx's own on a serial port; -1 = closed */
	struct stopper stopper;
	int claim_fd; /* holds the lock of a serial port, or -1 */
	bool is_real; /* a serial line, where the times of bytes mean something */
	bool use_rts;
	int64_t before_us, after_us; /* pauses around a request while the line is turned; 0 where the adapter does it */
	int64_t char_ns;	     /* one character on the wire; 0 for tcp */
	int64_t gap_us;		     /* t3.5; 0 for tcp */
	int64_t silent_us;	     /* silence wanted before the next request */
	int64_t last_us;	     /* last byte on the line, ours or theirs */
	unsigned n_mute;	     /* timeouts in a row without a byte received */
	uint8_t mute_unit;	     /* the unit of the first of them */
	unsigned n_answers;	     /* on this connection */
	unsigned n_single;	     /* connections in a row that the gateway ended after one answer */
	uint16_t transaction;
	size_t n_rx;
	uint8_t rx[RX_MAX];
	char error[256];
	const struct plan_request *offered; /* for fences */
	size_t n_offered;
	struct owed owed[UNITS];
};

/* One request under way. */
struct exchange {
	struct frame_query query;
	struct owed *owed; /* of its unit */
	struct link_reply reply;
	int64_t silence_end_us; /* an answer has begun by then */
	int64_t deadline_us;	/* and has ended by then */
	bool has_begun;		/* at least one byte came after the request */
	uint8_t doubted;	/* exception code of a refusal that may be one to an earlier request; 0 = none came */
	bool is_in_doubt;	/* and nothing else came */
	uint16_t *words;
	uint16_t n_wanted; /* of them; what the answer has more is dropped */
};

static bool is_tcp(const struct link *l)
{
	return l->conf->transport == CONF_TCP;
}

static int64_t wire_us(const struct link *l, size_t n_chars)
{
	return ((int64_t)n_chars * l->char_ns + 999) / 1000;
}

static void set_timing(struct link *l)
{
	unsigned baud = l->conf->baud != 0 ? l->conf->baud : 9600;

	if (is_tcp(l))
		return;
	l->char_ns = (int64_t)conf_bits_per_char(l->conf) * 1000000000 / baud;
	l->gap_us = frame_gap_us(baud, conf_bits_per_char(l->conf));
}

struct link *link_new(const struct conf_bus *conf)
{
	struct link *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->conf = conf;
	l->fd = l->claim_fd = -1;
	if (stopper_init(&l->stopper) < 0) {
		free(l);
		return NULL;
	}
	l->transaction = (uint16_t)mono_us();
	set_timing(l);
	return l;
}

void link_free(struct link *l)
{
	if (l == NULL)
		return;
	link_close(l);
	stopper_fini(&l->stopper);
	free(l);
}

void link_stop_at(struct link *l, int64_t until_us)
{
	stopper_stop_at(&l->stopper, until_us);
}

bool link_is_open(const struct link *l)
{
	return l->fd >= 0;
}

const char *link_error(const struct link *l)
{
	return l->error;
}

__attribute__((format(printf, 3, 4))) static int set_error(struct link *l, int code, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(l->error, sizeof(l->error), fmt, args);
	va_end(args);
	return code;
}

static int new_context(struct link *l, const char *device)
{
	const struct conf_bus *c = l->conf;

	l->ctx = modbus_new_rtu(device, (int)c->baud, (char)c->parity, 8, c->stop_bits);
	return l->ctx != NULL ? 0 : set_error(l, -errno, "%s: %s", device, modbus_strerror(errno));
}

/* Choose the side that turns the line round. */
static int set_direction(struct link *l)
{
	enum conf_rs485 mode = l->conf->rs485;
	int rc;

	l->use_rts = false;
	l->before_us = l->after_us = 0;
	if (mode == CONF_RS485_AUTO || mode == CONF_RS485_KERNEL) {
		rc = port_use_kernel_rs485(l->fd, l->conf);
		if (rc == -ERANGE)
			return set_error(l, rc,
					 "port %s: its driver rejects rs485_delay_before = %ums and "
					 "rs485_delay_after = %ums; use shorter delays",
					 l->conf->device, l->conf->rs485_delay_before_ms,
					 l->conf->rs485_delay_after_ms);
		if (rc < 0 && mode == CONF_RS485_KERNEL)
			return set_error(l, rc, "port %s: its driver has no RS485 mode (%s); set rs485 = auto",
					 l->conf->device, strerror(-rc));
	} else if (mode == CONF_RS485_RTS) {
		rc = port_set_rts(l->fd, false);
		if (rc < 0 && l->is_real)
			return set_error(l, rc, "port %s: RTS cannot be set (%s); set rs485 = auto", l->conf->device,
					 strerror(-rc));
		l->use_rts = rc == 0;
	} else {
		return 0;
	}
	if (rc == 0) {
		l->before_us = (int64_t)l->conf->rs485_delay_before_ms * 1000;
		l->after_us = (int64_t)l->conf->rs485_delay_after_ms * 1000;
	}
	return 0;
}

static int open_port(struct link *l)
{
	const struct conf_bus *c = l->conf;
	int rc;

	/* libmodbus would run the port at 9600 baud without a word. */
	if (!port_knows_speed(c->baud))
		return set_error(l, -EINVAL, "port %s: %u baud is not a speed of serial ports", c->device, c->baud);
	l->claim_fd = port_claim(c->device, l->error, sizeof(l->error));
	if (l->claim_fd < 0)
		return l->claim_fd;
	rc = new_context(l, c->device);
	if (rc < 0)
		return rc;
	if (modbus_connect(l->ctx) < 0)
		return set_error(l, -errno, "port %s: %s", c->device, modbus_strerror(errno));
	l->fd = modbus_get_socket(l->ctx);
	l->is_real = port_is_real(l->fd);
	port_exclude(l->fd);
	if (!port_has_speed(l->fd, c->baud))
		return set_error(l, -EINVAL, "port %s cannot run at %u baud", c->device, c->baud);
	port_lower_latency(c->device, l->fd);
	return set_direction(l);
}

static int open_socket(struct link *l)
{
	const struct conf_bus *c = l->conf;
	int rc;

	if (!is_tcp(l)) {
		rc = new_context(l, c->host);
		if (rc < 0)
			return rc;
	}
	l->fd = tcp_connect(c->host, c->port, c->response_timeout_ms, &l->stopper, l->error, sizeof(l->error));
	if (l->fd >= 0 && l->ctx != NULL)
		modbus_set_socket(l->ctx, l->fd);
	return l->fd < 0 ? l->fd : 0;
}

/* modbus_send_raw_request() writes to a socket without MSG_NOSIGNAL. */
static void block_sigpipe(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

int link_open(struct link *l)
{
	int rc;

	link_close(l);
	block_sigpipe();
	rc = l->conf->transport == CONF_RTU ? open_port(l) : open_socket(l);
	if (rc < 0) {
		l->n_single = 0;
		link_close(l);
		return rc;
	}
	l->n_answers = 0;
	l->error[0] = '\0';
	l->silent_us = l->gap_us;
	l->last_us = mono_us();
	l->n_mute = 0;
	return 0;
}

void link_close(struct link *l)
{
	if (l->fd >= 0 && l->claim_fd >= 0) {
		port_share(l->fd);
		modbus_close(l->ctx);
	} else if (l->fd >= 0) {
		close(l->fd);
	}
	modbus_free(l->ctx);
	l->ctx = NULL;
	if (l->claim_fd >= 0)
		close(l->claim_fd);
	l->fd = l->claim_fd = -1;
}

/* error 0: the other side has ended it; EAGAIN: it accepts no more bytes. */
static const char *loss_text(const struct link *l, int error)
{
	if (error == EAGAIN)
		return "accepts no more bytes";
	if (error != 0)
		return modbus_strerror(error);
	return l->conf->transport == CONF_RTU ? "hung up" : "closed by the gateway";
}

static enum link_status lose_line(struct link *l, int error)
{
	const char *text = loss_text(l, error);

	if (l->conf->transport == CONF_RTU)
		set_error(l, 0, "port %s is gone (%s)", l->conf->device, text);
	else
		set_error(l, 0, "host %s port %u: %s", l->conf->host, (unsigned)l->conf->port, text);
	if (l->n_answers > 0)
		l->n_single = l->n_answers == 1 ? l->n_single + 1 : 0;
	link_close(l);
	return LINK_CLOSED;
}

/* Wait for bytes until the given time. LINK_OK there are some, LINK_TIMEOUT, LINK_CLOSED. */
static enum link_status wait_readable(struct link *l, int64_t until_us)
{
	int rc = stopper_wait(&l->stopper, l->fd, POLLIN, until_us);

	if (rc < 0)
		return lose_line(l, -rc);
	if (rc == 0)
		return LINK_TIMEOUT;
	/* Only a serial port hangs up before it has been read empty. */
	if (l->conf->transport == CONF_RTU && (rc & (POLLHUP | POLLERR | POLLNVAL)))
		return lose_line(l, 0);
	return LINK_OK;
}

/* Read what is there, after wait_readable(). LINK_OK with *n bytes, possibly 0; LINK_CLOSED. */
static enum link_status read_bytes(struct link *l, uint8_t *bytes, size_t room, size_t *n)
{
	ssize_t rc = read(l->fd, bytes, room);

	*n = 0;
	if (rc < 0)
		return errno == EAGAIN || errno == EINTR ? LINK_OK : lose_line(l, errno);
	if (rc == 0 && l->conf->transport != CONF_RTU)
		return lose_line(l, 0);
	*n = (size_t)rc;
	if (rc > 0) {
		l->last_us = mono_us();
		l->n_mute = 0;
	}
	return LINK_OK;
}

/* How much a refused kind says about the fault, 0 = nothing was refused. */
static int weight_of(enum link_status refused)
{
	switch (refused) {
	case LINK_OK:
		return 0;
	case LINK_ECHO:
	case LINK_SURPLUS:
		return 1;
	case LINK_WRONG_UNIT:
		return 2;
	default:
		return 3;
	}
}

static void note_refused(struct exchange *x, enum link_status status)
{
	if (weight_of(status) > weight_of(x->reply.refused))
		x->reply.refused = status;
}

/* Drop what comes until the line has been silent as long as wanted: LINK_OK. A line that does not fall silent by
 * limit_us: LINK_TIMEOUT. A connection need not fall silent, only be read empty. */
static enum link_status await_silence(struct link *l, struct exchange *x, int64_t limit_us)
{
	uint8_t junk[FRAME_MAX];
	enum link_status s;
	size_t n;

	do {
		s = is_tcp(l) ? LINK_OK : wait_readable(l, l->last_us + l->silent_us);
		if (s == LINK_TIMEOUT)
			break;
		if (s == LINK_OK)
			s = read_bytes(l, junk, sizeof(junk), &n);
		if (s != LINK_OK)
			return s;
		if (mono_us() > limit_us)
			return LINK_TIMEOUT;
		if (n > 0 && is_tcp(l))
			note_refused(x, LINK_SURPLUS);
	} while (n > 0 || !is_tcp(l));
	return stopper_is_over(&l->stopper) ? LINK_TIMEOUT : LINK_OK;
}

static int send_rtu(struct link *l, const struct frame_query *q)
{
	uint8_t request[FRAME_REQUEST_TCP];
	int64_t end_us;
	int rc;

	frame_put_rtu(q, request);
	if (l->use_rts) {
		port_set_rts(l->fd, true);
		mono_sleep_until_us(mono_us() + l->before_us);
	}
	/* Without the CRC, which libmodbus adds. */
	rc = modbus_send_raw_request(l->ctx, request, FRAME_REQUEST_RTU - 2) < 0 ? -errno : 0;
	if (l->use_rts) {
		end_us = mono_us() + wire_us(l, FRAME_REQUEST_RTU);
		mono_sleep_until_us(end_us);
		port_wait_sent(l->fd, end_us + RTS_DRAIN_US);
		mono_sleep_until_us(mono_us() + l->after_us);
		port_set_rts(l->fd, false);
	}
	return rc;
}

static int send_tcp(struct link *l, const struct frame_query *q)
{
	uint8_t request[FRAME_REQUEST_TCP];
	size_t n = frame_put_tcp(q, request);
	ssize_t rc = send(l->fd, request, n, MSG_NOSIGNAL);

	if (rc < 0)
		return -errno;
	return rc == (ssize_t)n ? 0 : -EPIPE;
}

static enum link_status send_request(struct link *l, struct exchange *x, uint32_t timeout_ms)
{
	int64_t request_us = l->before_us + wire_us(l, FRAME_REQUEST_RTU);
	int rc;

	x->query.transaction = ++l->transaction;
	x->reply.sent_us = mono_us();
	rc = is_tcp(l) ? send_tcp(l, &x->query) : send_rtu(l, &x->query);
	if (rc < 0)
		return lose_line(l, -rc);
	x->silence_end_us = x->reply.sent_us + request_us + l->after_us + (int64_t)timeout_ms * 1000;
	x->deadline_us =
		is_tcp(l) ? x->silence_end_us : x->silence_end_us + wire_us(l, frame_answer_rtu(x->query.n_words));
	l->last_us = x->reply.sent_us + request_us;
	l->n_rx = 0;
	return LINK_OK;
}

static enum link_status status_of_kind(enum frame_kind kind)
{
	switch (kind) {
	case FRAME_ANSWER:
		return LINK_OK;
	case FRAME_EXCEPTION:
		return LINK_EXCEPTION;
	case FRAME_CRC:
		return LINK_CRC;
	case FRAME_WRONG_UNIT:
		return LINK_WRONG_UNIT;
	case FRAME_WRONG_FUNCTION:
		return LINK_WRONG_FUNCTION;
	case FRAME_WRONG_LENGTH:
		return LINK_WRONG_LENGTH;
	case FRAME_WRONG_TRANSACTION:
		return LINK_WRONG_TRANSACTION;
	case FRAME_ECHO:
		return LINK_ECHO;
	default:
		return LINK_TIMEOUT;
	}
}

static void drop_bytes(struct link *l, size_t n)
{
	l->n_rx -= n;
	memmove(l->rx, l->rx + n, l->n_rx);
}

static bool is_too_fast(const struct link *l, const struct exchange *x, size_t n_frame)
{
	/* A twentieth less than the wire needs: clocks of lines differ by up to some percent. */
	int64_t least_us = l->before_us + wire_us(l, FRAME_REQUEST_RTU + n_frame) * 19 / 20;

	return l->is_real && l->last_us - x->reply.sent_us < least_us;
}

/* Whether the answer may be believed with what has come right behind it. A TCP frame ends where its header puts its
 * end; an RTU frame has no such header, and only noise or the same answer once more may follow it. */
static bool is_end_right(const struct link *l, const struct frame_look *look)
{
	const uint8_t *frame = l->rx + look->used - look->n_frame, *after = l->rx + look->used;
	size_t n_after = l->n_rx - look->used;

	if (is_tcp(l))
		return frame_may_follow_tcp(after, n_after);
	return frame_is_noise(after, n_after) ||
	       memcmp(frame, after, n_after < look->n_frame ? n_after : look->n_frame) == 0;
}

/* Whether a refusal may be one to an earlier request. The second with the same code is one to this request, unless an
 * earlier request failed: an answer is sent twice at most. */
static bool is_doubtful(const struct link *l, const struct exchange *x, uint8_t exception)
{
	return !is_tcp(l) && owed_doubts_refusal(x->owed, exception) &&
	       (x->owed->has_failed || x->doubted != exception);
}

/* Wait a little longer for the answer itself, which stays owed if it does not come. */
static void doubt(struct link *l, struct exchange *x, uint8_t exception)
{
	int64_t until_us = l->last_us + SETTLE_US;

	x->doubted = exception;
	if (until_us < x->silence_end_us)
		x->silence_end_us = until_us;
	until_us += wire_us(l, frame_answer_rtu(x->query.n_words));
	if (until_us < x->deadline_us)
		x->deadline_us = until_us;
}

/* The answer or refusal has been found. LINK_TIMEOUT: not taken, wait for another. */
static enum link_status accept_answer(struct link *l, struct exchange *x, const struct frame_look *look)
{
	if (is_too_fast(l, x, look->n_frame)) {
		note_refused(x, LINK_TOO_FAST);
		drop_bytes(l, look->used);
		return LINK_TIMEOUT;
	}
	if (look->kind == FRAME_EXCEPTION && is_doubtful(l, x, look->exception)) {
		doubt(l, x, look->exception);
		drop_bytes(l, look->used);
		return LINK_TIMEOUT;
	}
	if (!is_end_right(l, look))
		return LINK_WRONG_LENGTH;
	if (!frame_is_noise(l->rx + look->used, l->n_rx - look->used))
		note_refused(x, LINK_SURPLUS);
	x->reply.exception = look->exception;
	if (look->kind == FRAME_ANSWER)
		for (size_t i = 0; i < x->n_wanted; i++)
			x->words[i] = (uint16_t)(look->data[2 * i] << 8 | look->data[2 * i + 1]);
	return status_of_kind(look->kind);
}

/* Whether nothing more can be expected after such a frame: on TCP what carries our transaction is the answer. */
static bool is_final(const struct link *l, enum frame_kind kind)
{
	return is_tcp(l) && kind != FRAME_WRONG_TRANSACTION && kind != FRAME_ECHO;
}

/* Judge the bytes received, frame by frame. LINK_TIMEOUT: more are needed; *is_hopeless: these cannot be an answer. */
static enum link_status judge_bytes(struct link *l, struct exchange *x, bool *is_hopeless)
{
	enum link_status s;
	struct frame_look look;

	for (;;) {
		look = is_tcp(l) ? frame_look_tcp(&x->query, l->rx, l->n_rx)
				 : frame_look_rtu(&x->query, l->rx, l->n_rx);
		*is_hopeless = look.kind == FRAME_UNKNOWN;
		if (look.kind == FRAME_PARTIAL)
			return LINK_TIMEOUT;
		if (look.kind == FRAME_UNKNOWN)
			return is_tcp(l) ? LINK_WRONG_LENGTH : LINK_TIMEOUT;
		if (look.kind == FRAME_ANSWER || look.kind == FRAME_EXCEPTION) {
			s = accept_answer(l, x, &look);
			if (s != LINK_TIMEOUT)
				return s;
			continue;
		}
		note_refused(x, status_of_kind(look.kind));
		if (is_final(l, look.kind))
			return status_of_kind(look.kind);
		drop_bytes(l, look.used);
	}
}

/* Judge bytes that cannot be an answer, once the line is silent. LINK_TIMEOUT: they meant nothing, wait on. */
static enum link_status judge_leftover(struct link *l, struct exchange *x)
{
	enum link_status s = status_of_kind(frame_after_silence(&x->query, l->rx, l->n_rx));

	l->n_rx = 0;
	if (s != LINK_WRONG_UNIT && s != LINK_WRONG_FUNCTION)
		return s;
	note_refused(x, s);
	return LINK_TIMEOUT;
}

/* The time is over. Bytes that came up to the end are a dribble; bytes before a silence are a frame cut short. */
static enum link_status judge_timeout(struct link *l, struct exchange *x)
{
	enum link_status s = LINK_TIMEOUT;

	if (l->n_rx > 0 && l->last_us + SETTLE_US < x->deadline_us)
		s = is_tcp(l) ? LINK_WRONG_LENGTH : judge_leftover(l, x);
	/* It was no repetition, or the answer would have come, unless that is late. */
	if (s == LINK_TIMEOUT && x->doubted != 0 && !x->owed->has_failed) {
		x->is_in_doubt = true;
		x->reply.exception = x->doubted;
		return LINK_EXCEPTION;
	}
	return s == LINK_TIMEOUT && weight_of(x->reply.refused) > weight_of(LINK_SURPLUS) ? x->reply.refused : s;
}

/* Until when to wait for the next bytes. */
static int64_t wait_until_us(const struct link *l, const struct exchange *x, bool is_hopeless)
{
	int64_t until_us = l->n_rx == 0 ? x->silence_end_us : x->deadline_us;

	if (is_hopeless && l->last_us + SETTLE_US < until_us)
		until_us = l->last_us + SETTLE_US;
	return until_us;
}

/* A serial line brings the rest of an answer at its own speed: sleep through most of it rather than wake for each
 * byte. Less a character, since the last one may have come just before it was read, and a tenth, so that the end is
 * met awake. */
static void sleep_through(const struct link *l, const struct exchange *x)
{
	size_t n_whole = FRAME_EXCEPTION_RTU;
	int64_t until_us;

	if (l->conf->transport != CONF_RTU || l->n_rx == 0)
		return;
	if (l->n_rx >= FRAME_EXCEPTION_RTU)
		n_whole = frame_answer_rtu(x->query.n_words);
	if (n_whole <= l->n_rx)
		return;
	until_us = l->last_us + wire_us(l, n_whole - l->n_rx - 1) * 9 / 10;
	if (until_us - l->last_us >= WORTH_SLEEPING_US)
		mono_sleep_until_us(until_us < x->deadline_us ? until_us : x->deadline_us);
}

static enum link_status read_and_judge(struct link *l, struct exchange *x, bool *is_hopeless)
{
	enum link_status s;
	size_t n;

	s = read_bytes(l, l->rx + l->n_rx, sizeof(l->rx) - l->n_rx, &n);
	if (s != LINK_OK)
		return s;
	l->n_rx += n;
	x->has_begun |= n > 0;
	s = judge_bytes(l, x, is_hopeless);
	if (s == LINK_TIMEOUT && l->n_rx == sizeof(l->rx)) {
		note_refused(x, LINK_CRC);
		l->n_rx = 0;
	}
	return s;
}

static enum link_status receive_answer(struct link *l, struct exchange *x)
{
	bool is_hopeless = false;
	enum link_status s;

	do {
		if (!is_hopeless)
			sleep_through(l, x);
		s = wait_readable(l, wait_until_us(l, x, is_hopeless));
		if (s == LINK_OK) {
			s = read_and_judge(l, x, &is_hopeless);
			if (s == LINK_TIMEOUT && mono_us() >= x->deadline_us)
				return judge_timeout(l, x);
		} else if (s == LINK_TIMEOUT) {
			if (!is_hopeless || mono_us() >= x->deadline_us)
				return judge_timeout(l, x);
			s = judge_leftover(l, x);
			is_hopeless = false;
		}
	} while (s == LINK_TIMEOUT);
	return s;
}

/* The request timed out. Whether the connection must be taken to be mute, whatever the reason of this silence. */
static bool is_mute(struct link *l, const struct exchange *x)
{
	bool is_second_turn = l->n_mute > 0 && l->mute_unit == x->query.unit;

	if (l->n_mute == 0)
		l->mute_unit = x->query.unit;
	if (!x->has_begun)
		l->n_mute++;
	return l->conf->transport == CONF_RTU_OVER_TCP && !x->has_begun && (is_second_turn || l->n_mute >= MUTE_TIMES);
}

/* Note what the outcome of a request means for the next one. */
static void note_outcome(struct link *l, const struct exchange *x)
{
	enum link_status s = x->reply.status;
	bool is_good = s == LINK_OK || s == LINK_EXCEPTION;

	if (!link_is_open(l))
		return;
	l->silent_us = is_good || is_tcp(l) ? l->gap_us : SETTLE_US;
	l->n_answers += is_good;
	if ((is_tcp(l) && !is_good) || (s == LINK_TIMEOUT && is_mute(l, x)))
		link_close(l);
}

static bool reopen(struct link *l)
{
	return l->conf->transport != CONF_RTU && link_open(l) == 0;
}

static void exchange(struct link *l, struct exchange *x, uint32_t timeout_ms)
{
	int64_t limit_us = mono_us() + (int64_t)timeout_ms * 1000;
	enum link_status s = LINK_CLOSED;

	if (l->n_single < SINGLE_TIMES || l->n_answers == 0 || reopen(l))
		s = await_silence(l, x, limit_us);
	/* The connection has ended since it was last used: nothing was asked on it that could have been answered. */
	if (s == LINK_CLOSED && reopen(l))
		s = await_silence(l, x, limit_us);
	if (s == LINK_OK)
		s = send_request(l, x, timeout_ms);
	if (s == LINK_OK)
		s = receive_answer(l, x);
	x->reply.status = s;
	if (x->reply.sent_us != 0)
		x->reply.latency_us = mono_us() - x->reply.sent_us;
	note_outcome(l, x);
}

/* Note what the outcome means for the answers that the unit may still send. */
static void note_owed(const struct link *l, const struct exchange *x, const struct plan_request *r, uint16_t n_words)
{
	int64_t now_us = mono_us();

	if (is_tcp(l) || x->reply.sent_us == 0)
		return;
	if (x->reply.status == LINK_OK)
		owed_note_answer(x->owed, r, n_words, now_us);
	else if (x->reply.status != LINK_EXCEPTION)
		owed_note_failure(x->owed, r, n_words, now_us);
	else if (x->is_in_doubt)
		owed_note_doubt(x->owed, r, n_words, now_us);
	else
		owed_note_refusal(x->owed, r, n_words, x->reply.exception, now_us);
}

/* Ask for n_words at the place of r, and keep the first n_wanted. */
static enum link_status ask_for(struct link *l, struct exchange *x, const struct plan_request *r, uint16_t n_words,
				uint16_t n_wanted, uint32_t timeout_ms)
{
	*x = (struct exchange){
		.query = {.unit = x->query.unit,
			  .function = r->function,
			  .address = r->address,
			  .n_words = n_words,
			  .per_count = r->per_count},
		.owed = x->owed,
		.words = x->words,
		.n_wanted = n_wanted,
	};
	exchange(l, x, timeout_ms);
	note_owed(l, x, r, n_words);
	return x->reply.status;
}

static enum link_status ask_fence(struct link *l, struct exchange *x, const struct plan_request *r, uint32_t timeout_ms)
{
	struct plan_request fence = owed_choose_fence(x->owed, r, l->offered, l->n_offered);

	if (fence.n_words != 0)
		return ask_for(l, x, &fence, fence.n_words, 0, timeout_ms);
	x->reply = (struct link_reply){.status = LINK_TIMEOUT};
	return LINK_TIMEOUT;
}

/* Ask so that the answer cannot be another's. */
static void ask_apart(struct link *l, struct exchange *x, const struct plan_request *r, uint32_t timeout_ms)
{
	uint16_t n_words = is_tcp(l) ? r->n_words : owed_choose_count(x->owed, r);
	enum link_status s;

	if (n_words == 0)
		s = ask_fence(l, x, r, timeout_ms);
	else
		s = ask_for(l, x, r, n_words, r->n_words, timeout_ms);
	/* Read the words alone after a fence, or when those behind them are refused. */
	if (n_words != r->n_words && ((n_words == 0 && s == LINK_OK) || s == LINK_EXCEPTION) &&
	    owed_may_send(x->owed, r))
		ask_for(l, x, r, r->n_words, r->n_words, timeout_ms);
}

struct link_reply link_read(struct link *l, uint8_t unit, const struct plan_request *r, uint32_t timeout_ms,
			    uint16_t *words)
{
	struct exchange x = {
		.query = {.unit = unit},
		.owed = &l->owed[unit],
		.reply = {.status = LINK_CLOSED},
		.words = words,
	};

	assert(r->n_words >= 1 && r->n_words + r->n_spare <= MODBUS_MAX_READ_REGISTERS &&
	       (r->function == 3 || r->function == 4));
	if (!link_is_open(l))
		return x.reply;
	owed_forget(x.owed, mono_us());
	ask_apart(l, &x, r, timeout_ms);
	/* Only a read may be repeated so: a gateway may have carried out what it did not answer any more. */
	if (x.reply.status == LINK_CLOSED && x.reply.sent_us != 0 && !x.has_begun && reopen(l))
		ask_apart(l, &x, r, timeout_ms);
	return x.reply;
}

void link_offer(struct link *l, const struct plan_request *requests, size_t n)
{
	l->offered = requests;
	l->n_offered = n;
}

bool link_is_refusal(const struct link_reply *r)
{
	return r->status == LINK_EXCEPTION && (r->exception == 2 || r->exception == 3);
}

bool link_is_final(const struct link_reply *r)
{
	return r->status == LINK_OK || link_is_refusal(r);
}

const char *link_status_text(enum link_status s)
{
	static const char *const texts[LINK_STATUS_COUNT] = {
		[LINK_OK] = "answered",
		[LINK_TIMEOUT] = "timeout",
		[LINK_CRC] = "bad CRC",
		[LINK_WRONG_UNIT] = "answer of another unit",
		[LINK_WRONG_FUNCTION] = "answer with another function",
		[LINK_WRONG_LENGTH] = "answer of the wrong length",
		[LINK_WRONG_TRANSACTION] = "answer to another transaction",
		[LINK_TOO_FAST] = "answer faster than the line",
		[LINK_EXCEPTION] = "exception",
		[LINK_CLOSED] = "line closed",
		[LINK_ECHO] = "echo of the request",
		[LINK_SURPLUS] = "bytes after the answer",
	};

	return (unsigned)s < LINK_STATUS_COUNT ? texts[s] : "unknown status";
}

const char *link_exception_text(uint8_t exception)
{
	static const char *const texts[] = {
		[1] = "exception 1, illegal function",
		[2] = "exception 2, illegal data address",
		[3] = "exception 3, illegal data value",
		[4] = "exception 4, device failure",
		[5] = "exception 5, acknowledge",
		[6] = "exception 6, device busy",
		[7] = "exception 7, negative acknowledge",
		[8] = "exception 8, memory parity error",
		[9] = "exception 9",
		[10] = "exception 10, gateway path unavailable",
		[11] = "exception 11, device behind the gateway does not answer",
	};

	if (exception == 0 || exception >= sizeof(texts) / sizeof(texts[0]))
		return "an undefined exception code";
	return texts[exception];
}
