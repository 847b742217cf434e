/* SPDX-License-Identifier: MIT */
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/wait.h>

/* The source is included to test functions for real serial ports, and the length of the silence. */
#include "link.c" /* NOLINT(bugprone-suspicious-include) */
#include "slave.h"
#include "unit.h"

#define REQUEST	   "05 03 c6 52 00 02"
#define ANSWER	   "05 03 04 00 01 e2 40 a7 63"
#define TCP_ANSWER "tid 00 00 00 07 05 03 04 00 01 e2 40"

enum { LONG_MS = 5000, SHORT_MS = 100, SILENCE_MS = 400 };

static const struct plan_request two = {.function = 3, .address = 0xc652, .n_words = 2};

/* The outcome of a single request. */
struct outcome {
	struct link_reply reply;
	bool is_open;
	uint16_t words[2];
};

static struct link_reply read_two(struct link *l, uint32_t timeout_ms, uint16_t *words)
{
	words[0] = words[1] = 0xdead;
	return link_read(l, 5, &two, timeout_ms, words);
}

/* request: the bytes of r, as the transport has them. */
static struct outcome ask_slave(const struct plan_request *r, enum conf_transport transport, const char *request,
				const char *script, uint32_t timeout_ms)
{
	const struct slave_step step = {request, script};
	struct outcome o = {.words = {0xdead, 0xdead}};
	struct conf_bus conf;
	struct slave slave;
	struct link *l;

	slave_init(&slave, transport);
	conf = slave_conf(&slave);
	l = link_new(&conf);
	assert_int_equal(link_open(l), 0);
	slave_start(&slave, &step, 1);
	o.reply = link_read(l, 5, r, timeout_ms, o.words);
	o.is_open = link_is_open(l);
	slave_join(&slave);
	assert_string_equal(slave.failure, "");
	link_free(l);
	slave_fini(&slave);
	return o;
}

static struct outcome ask(enum conf_transport transport, const char *script, uint32_t timeout_ms)
{
	return ask_slave(&two, transport, transport == CONF_TCP ? REQUEST : REQUEST " 58 d6", script, timeout_ms);
}

static void assert_answer(struct outcome o)
{
	assert_int_equal(o.reply.status, LINK_OK);
	assert_int_equal(o.words[0], 0x0001);
	assert_int_equal(o.words[1], 0xe240);
	assert_true(o.is_open);
	assert_true(o.reply.sent_us > 0);
	assert_true(o.reply.latency_us > 0);
}

static void assert_refused(struct outcome o, enum link_status status)
{
	assert_int_equal(o.reply.status, status);
	assert_int_equal(o.words[0], 0xdead);
	assert_int_equal(o.words[1], 0xdead);
}

/* The same on the line itself and through a gateway that passes bytes on. */
static void assert_rtu_refused(const char *script, uint32_t timeout_ms, enum link_status status)
{
	assert_refused(ask(CONF_RTU, script, timeout_ms), status);
	assert_refused(ask(CONF_RTU_OVER_TCP, script, timeout_ms), status);
}

TEST(an_answer_is_returned_as_words)
{
	assert_answer(ask(CONF_RTU, ANSWER, LONG_MS));
	assert_answer(ask(CONF_RTU_OVER_TCP, ANSWER, LONG_MS));
	assert_answer(ask(CONF_TCP, TCP_ANSWER, LONG_MS));
}

/* A register of 32 bits counts as one in the request and takes four bytes in the answer. */
TEST(registers_of_32_bits_are_counted_as_such)
{
	static const struct plan_request one = {.function = 3, .address = 0xc652, .n_words = 2, .per_count = 2};

	assert_answer(ask_slave(&one, CONF_TCP, "05 03 c6 52 00 01", TCP_ANSWER, LONG_MS));
	assert_answer(ask_slave(&one, CONF_RTU, "05 03 c6 52 00 01 18 d7", ANSWER, LONG_MS));
}

TEST(an_answer_in_pieces_is_joined)
{
	const char *pieces = "05 ~20 03 04 00 ~20 01 e2 40 ~20 a7 ~20 63";

	assert_answer(ask(CONF_RTU, pieces, LONG_MS));
	assert_answer(ask(CONF_RTU_OVER_TCP, pieces, LONG_MS));
	assert_answer(ask(CONF_TCP, "tid 00 ~20 00 00 07 05 03 04 ~20 00 01 e2 ~20 40", LONG_MS));
}

TEST(silence_is_a_timeout)
{
	struct outcome tcp;

	assert_rtu_refused(NULL, SHORT_MS, LINK_TIMEOUT);
	tcp = ask(CONF_TCP, NULL, SHORT_MS);
	assert_refused(tcp, LINK_TIMEOUT);
	assert_false(tcp.is_open);
}

TEST(the_deadline_ends_an_answer_that_dribbles)
{
	const struct plan_request most = {.function = 3, .address = 0xc652, .n_words = 125};
	char script[2048] = "05 03 fa";
	const struct slave_step step = {NULL, script};
	uint16_t words[125];
	struct conf_bus conf;
	struct slave slave;
	struct link *l;
	struct link_reply r;

	for (int i = 0; i < 200; i++)
		strcat(script, " ~10 00");
	slave_init(&slave, CONF_RTU);
	conf = slave_conf(&slave);
	conf.baud = 115200;
	l = link_new(&conf);
	assert_int_equal(link_open(l), 0);
	slave_start(&slave, &step, 1);
	r = link_read(l, 5, &most, SHORT_MS, words);
	/* WRONG_LENGTH when the slave was held up just before the deadline. */
	assert_true(r.status == LINK_TIMEOUT || r.status == LINK_WRONG_LENGTH);
	slave_join(&slave);
	link_free(l);
	slave_fini(&slave);
}

TEST(a_bad_crc_is_refused)
{
	assert_rtu_refused("05 03 04 00 01 e2 40 a7 64", LONG_MS, LINK_CRC);
	assert_rtu_refused("05 03 04 00 11 e2 40 a7 63", LONG_MS, LINK_CRC);
}

TEST(garbage_is_refused)
{
	assert_rtu_refused("7e 12 34 56 78 9a bc", LONG_MS, LINK_CRC);
}

TEST(an_answer_of_another_unit_is_refused)
{
	assert_rtu_refused("06 03 04 00 01 e2 40 94 63", SHORT_MS, LINK_WRONG_UNIT);
	assert_refused(ask(CONF_TCP, "tid 00 00 00 07 06 03 04 00 01 e2 40", LONG_MS), LINK_WRONG_UNIT);
}

TEST(an_answer_to_another_function_is_refused)
{
	assert_rtu_refused("05 04 04 00 01 e2 40 a6 d4", SHORT_MS, LINK_WRONG_FUNCTION);
	assert_rtu_refused("05 11 00 00 50 ed", SILENCE_MS, LINK_WRONG_FUNCTION);
	assert_refused(ask(CONF_TCP, "tid 00 00 00 07 05 04 04 00 01 e2 40", LONG_MS), LINK_WRONG_FUNCTION);
}

TEST(an_answer_of_another_length_is_refused)
{
	assert_rtu_refused("05 03 02 00 01 88 44", SHORT_MS, LINK_WRONG_LENGTH);
	assert_rtu_refused("05 03 06 00 01 e2 40 00 00 19 d9", SHORT_MS, LINK_WRONG_LENGTH);
	assert_refused(ask(CONF_TCP, "tid 00 00 00 05 05 03 02 00 01", LONG_MS), LINK_WRONG_LENGTH);
	assert_refused(ask(CONF_TCP, "tid 00 00 00 07 05 03 02 00 01 e2 40", LONG_MS), LINK_WRONG_LENGTH);
}

TEST(an_answer_cut_short_has_the_wrong_length)
{
	assert_rtu_refused("05 03 04 00 01 e2", SILENCE_MS, LINK_WRONG_LENGTH);
	assert_refused(ask(CONF_TCP, "tid 00 00 00 07 05 03 04 00", SILENCE_MS), LINK_WRONG_LENGTH);
}

TEST(an_answer_with_a_tail_has_the_wrong_length)
{
	assert_rtu_refused(ANSWER " 11 22", LONG_MS, LINK_WRONG_LENGTH);
}

TEST(an_answer_sent_twice_counts_once)
{
	for (enum conf_transport t = CONF_RTU; t <= CONF_RTU_OVER_TCP; t++) {
		const char *answer = t == CONF_TCP ? TCP_ANSWER : ANSWER;
		char twice[128], part[128];
		struct outcome o;

		snprintf(twice, sizeof(twice), "%s %s", answer, answer);
		snprintf(part, sizeof(part), "%s %.8s", answer, answer);
		o = ask(t, twice, LONG_MS);
		assert_answer(o);
		assert_int_equal(o.reply.refused, LINK_SURPLUS);
		o = ask(t, part, LONG_MS);
		assert_answer(o);
		assert_int_equal(o.reply.refused, LINK_SURPLUS);
	}
}

TEST(a_tcp_answer_ends_at_the_length_in_its_header)
{
	struct outcome o = ask(CONF_TCP, TCP_ANSWER " 11 22", LONG_MS);

	assert_answer(o);
	assert_int_equal(o.reply.refused, LINK_SURPLUS);
}

TEST(a_tcp_answer_cut_short_is_not_made_up_for_by_the_next_frame)
{
	assert_refused(ask(CONF_TCP, "tid 00 00 00 07 05 03 04 00 01 e2 " TCP_ANSWER, LONG_MS), LINK_WRONG_LENGTH);
	assert_refused(ask(CONF_TCP, "tid 00 00 00 07 05 03 04 00 01 ~20 " TCP_ANSWER, LONG_MS), LINK_WRONG_LENGTH);
}

TEST(bytes_left_over_on_tcp_are_dropped_before_the_next_request)
{
	static const struct slave_step steps[] = {{REQUEST, TCP_ANSWER " ~20 11 22"}, {REQUEST, TCP_ANSWER}};
	struct conf_bus conf;
	struct slave slave;
	uint16_t words[2];
	struct link_reply r;
	struct link *l;

	slave_init(&slave, CONF_TCP);
	conf = slave_conf(&slave);
	l = link_new(&conf);
	assert_int_equal(link_open(l), 0);
	slave_start(&slave, steps, 1);
	assert_int_equal(read_two(l, LONG_MS, words).refused, LINK_OK);
	slave_join(&slave);
	slave_start(&slave, steps + 1, 1);
	r = read_two(l, LONG_MS, words);
	assert_int_equal(r.status, LINK_OK);
	assert_int_equal(r.refused, LINK_SURPLUS);
	slave_join(&slave);
	link_free(l);
	slave_fini(&slave);
}

TEST(a_broken_tcp_header_closes_the_connection)
{
	struct outcome o = ask(CONF_TCP, "tid 00 00 02 07 05 03 04 00 01 e2 40", LONG_MS);

	assert_refused(o, LINK_WRONG_LENGTH);
	assert_false(o.is_open);
}

TEST(an_answer_of_another_transaction_is_refused)
{
	assert_refused(ask(CONF_TCP, "tid+1 00 00 00 07 05 03 04 00 01 e2 40", SHORT_MS), LINK_WRONG_TRANSACTION);
}

TEST(a_right_answer_after_a_wrong_one_counts)
{
	struct outcome o;

	o = ask(CONF_RTU, "06 03 04 00 00 00 00 00 00 " ANSWER, SHORT_MS);
	assert_refused(o, LINK_CRC);
	o = ask(CONF_RTU, "06 03 04 00 01 e2 40 94 63 " ANSWER, LONG_MS);
	assert_answer(o);
	assert_int_equal(o.reply.refused, LINK_WRONG_UNIT);
	o = ask(CONF_RTU_OVER_TCP, "05 03 02 00 01 88 44 ~20 " ANSWER, LONG_MS);
	assert_answer(o);
	assert_int_equal(o.reply.refused, LINK_WRONG_LENGTH);
	o = ask(CONF_TCP, "tid+1 00 00 00 07 05 03 04 00 00 00 00 " TCP_ANSWER, LONG_MS);
	assert_answer(o);
	assert_int_equal(o.reply.refused, LINK_WRONG_TRANSACTION);
}

TEST(a_wrong_answer_of_the_unit_is_reported_rather_than_a_late_one_of_another)
{
	assert_rtu_refused("06 03 04 00 01 e2 40 94 63 05 03 02 00 01 88 44", SILENCE_MS, LINK_WRONG_LENGTH);
	assert_rtu_refused("05 03 02 00 01 88 44 06 03 04 00 01 e2 40 94 63", SILENCE_MS, LINK_WRONG_LENGTH);
}

TEST(an_exception_is_reported_with_its_code)
{
	struct outcome o;

	o = ask(CONF_RTU, "05 83 02 81 30", LONG_MS);
	assert_refused(o, LINK_EXCEPTION);
	assert_int_equal(o.reply.exception, 2);
	o = ask(CONF_RTU_OVER_TCP, "05 83 06 80 f3", LONG_MS);
	assert_refused(o, LINK_EXCEPTION);
	assert_int_equal(o.reply.exception, 6);
	o = ask(CONF_TCP, "tid 00 00 00 03 05 83 0b", LONG_MS);
	assert_refused(o, LINK_EXCEPTION);
	assert_int_equal(o.reply.exception, 11);
	assert_true(o.is_open);
}

TEST(the_echo_of_the_request_is_skipped_and_named)
{
	static const struct {
		enum conf_transport transport;
		const char *script;
	} cases[] = {
		{CONF_RTU, REQUEST " 58 d6 " ANSWER},
		{CONF_RTU, "05 03 c6 52 ~20 00 02 58 d6 ~20 " ANSWER},
		{CONF_RTU, "03 c6 52 00 02 58 d6 " ANSWER},
		{CONF_RTU, "03 c6 52 00 02 58 d6 ~200 " ANSWER},
		{CONF_RTU, "fd 03 c6 52 00 02 58 d6 ~20 " ANSWER},
		{CONF_RTU_OVER_TCP, REQUEST " 58 d6 " ANSWER},
		{CONF_TCP, "tid 00 00 00 06 " REQUEST " ~20 " TCP_ANSWER},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct outcome o = ask(cases[i].transport, cases[i].script, LONG_MS);

		assert_answer(o);
		assert_int_equal(o.reply.refused, LINK_ECHO);
	}
	/* Nobody is there: an echo alone is silence, and nothing garbled. */
	assert_rtu_refused(REQUEST " 58 d6", SHORT_MS, LINK_TIMEOUT);
	assert_rtu_refused("03 c6 52 00 02 58 d6", SHORT_MS, LINK_TIMEOUT);
	assert_rtu_refused("fd 03 c6 52 00 02 58 d6", SHORT_MS, LINK_TIMEOUT);
}

TEST(the_noise_of_a_switching_line_is_skipped)
{
	assert_answer(ask(CONF_RTU, "00 ff " ANSWER, LONG_MS));
	assert_answer(ask(CONF_RTU, ANSWER " ff 00", LONG_MS));
	assert_answer(ask(CONF_RTU, "00 " REQUEST " 58 d6 ff " ANSWER, LONG_MS));
	assert_answer(ask(CONF_RTU_OVER_TCP, "ff " ANSWER, LONG_MS));
	assert_rtu_refused("00 00 ff", SHORT_MS, LINK_TIMEOUT);
}

TEST(bytes_waiting_before_a_request_are_drained)
{
	static const struct slave_step steps[] = {{REQUEST " 58 d6", ANSWER},
						  {REQUEST " 58 d6", "05 03 04 00 00 03 e8 bf 4d"}};

	for (enum conf_transport t = CONF_RTU; t <= CONF_RTU_OVER_TCP; t++) {
		static const uint8_t stale[] = {0x05, 0x03, 0x04, 0x00, 0x02, 0x00, 0x00, 0x1e, 0x33};
		struct conf_bus conf;
		struct slave slave;
		struct pollfd p = {.events = POLLIN};
		uint16_t words[2];
		struct link *l;

		if (t == CONF_TCP)
			continue;
		slave_init(&slave, t);
		conf = slave_conf(&slave);
		l = link_new(&conf);
		assert_int_equal(link_open(l), 0);
		slave_start(&slave, steps, 1);
		assert_int_equal(read_two(l, LONG_MS, words).status, LINK_OK);
		slave_join(&slave);
		assert_int_equal(write(slave.fd, stale, sizeof(stale)), sizeof(stale));
		p.fd = l->fd;
		assert_int_equal(poll(&p, 1, LONG_MS), 1);
		slave_start(&slave, steps + 1, 1);
		l->owed[5] = (struct owed){0};
		assert_int_equal(read_two(l, LONG_MS, words).status, LINK_OK);
		assert_int_equal(words[0], 0);
		assert_int_equal(words[1], 1000);
		slave_join(&slave);
		link_free(l);
		slave_fini(&slave);
	}
}

TEST(a_request_waits_for_three_and_a_half_characters_of_silence_and_longer_after_a_fault)
{
	static const struct slave_step steps[] = {{NULL, "05 03 04 00 01 e2 40 a7 64"}, {NULL, ANSWER}};

	for (enum conf_transport t = CONF_RTU; t <= CONF_RTU_OVER_TCP; t++) {
		struct conf_bus conf;
		struct slave slave;
		uint16_t words[2];
		struct link *l;

		if (t == CONF_TCP)
			continue;
		slave_init(&slave, t);
		conf = slave_conf(&slave);
		l = link_new(&conf);
		assert_int_equal(link_open(l), 0);
		/* 9600 baud, ten bits to a character. */
		assert_int_equal(l->silent_us, 3646);
		slave_start(&slave, steps, 2);
		assert_int_equal(read_two(l, LONG_MS, words).status, LINK_CRC);
		assert_int_equal(l->silent_us, 50000);
		l->owed[5] = (struct owed){0};
		assert_int_equal(read_two(l, LONG_MS, words).status, LINK_OK);
		assert_int_equal(l->silent_us, 3646);
		link_free(l);
		slave_fini(&slave);
	}
}

TEST(the_silence_between_frames_is_fixed_above_19200_baud)
{
	struct conf_bus conf = {.transport = CONF_RTU, .parity = CONF_EVEN, .stop_bits = 1, .baud = 19200};
	struct link *l = link_new(&conf);

	assert_int_equal(l->gap_us, 2006);
	link_free(l);
	conf.baud = 38400;
	l = link_new(&conf);
	assert_int_equal(l->gap_us, 1750);
	link_free(l);
}

TEST(an_answer_faster_than_the_wire_is_never_accepted)
{
	/* The answer comes at once on a line of 1200 baud, where 8 + 9 characters need 142 ms. */
	static const struct slave_step steps[] = {{NULL, ANSWER}, {NULL, ANSWER " ~150 " ANSWER}};
	struct conf_bus conf;
	struct link_reply r;
	struct slave slave;
	uint16_t words[2];
	struct link *l;

	slave_init(&slave, CONF_RTU);
	conf = slave_conf(&slave);
	conf.baud = 1200;
	l = link_new(&conf);
	assert_int_equal(link_open(l), 0);
	l->is_real = true;
	slave_start(&slave, steps, 2);
	assert_int_equal(read_two(l, SHORT_MS, words).status, LINK_TOO_FAST);
	assert_int_equal(words[0], 0xdead);
	l->owed[5] = (struct owed){0};
	r = read_two(l, LONG_MS, words);
	assert_int_equal(r.status, LINK_OK);
	assert_int_equal(r.refused, LINK_TOO_FAST);
	link_free(l);
	slave_fini(&slave);
}

TEST(an_answer_is_too_fast_by_a_twentieth_of_the_time_on_the_wire)
{
	struct conf_bus conf = {.transport = CONF_RTU, .baud = 1200, .parity = CONF_NONE, .stop_bits = 1};
	struct exchange x = {.reply = {.sent_us = 1000000}};
	struct link *l = link_new(&conf);

	l->is_real = true;
	/* 8 + 9 characters of ten bits: 141.667 ms, less a twentieth 134.583. */
	l->last_us = 1134582;
	assert_true(is_too_fast(l, &x, 9));
	l->last_us = 1134583;
	assert_false(is_too_fast(l, &x, 9));
	link_free(l);
}

TEST(a_hang_up_of_the_port_closes_the_link)
{
	struct conf_bus conf;
	struct slave slave;
	uint16_t words[2];
	char expected[128];
	struct link *l;

	slave_init(&slave, CONF_RTU);
	conf = slave_conf(&slave);
	l = link_new(&conf);
	assert_int_equal(link_open(l), 0);
	close(slave.fd);
	slave.fd = -1;
	assert_int_equal(read_two(l, LONG_MS, words).status, LINK_CLOSED);
	assert_false(link_is_open(l));
	snprintf(expected, sizeof(expected), "port %s is gone (hung up)", slave.device);
	assert_string_equal(link_error(l), expected);
	assert_int_equal(link_open(l), -ENODEV);
	snprintf(expected, sizeof(expected), "port %s does not exist; plug in the adapter", slave.device);
	assert_string_equal(link_error(l), expected);
	link_free(l);
	slave_fini(&slave);
}

TEST(a_connection_that_ends_twice_closes_the_link)
{
	static const struct slave_step closed[] = {{NULL, "close"}, {NULL, "close"}}, begun[] = {{NULL, "05 reset"}};

	for (enum conf_transport t = CONF_TCP; t <= CONF_RTU_OVER_TCP; t++) {
		for (int i = 0; i < 2; i++) {
			struct conf_bus conf;
			struct slave slave;
			uint16_t words[2];
			char expected[128];
			struct link *l;

			slave_init(&slave, t);
			conf = slave_conf(&slave);
			l = link_new(&conf);
			assert_int_equal(link_open(l), 0);
			slave_start(&slave, i == 0 ? closed : begun, i == 0 ? 2 : 1);
			assert_int_equal(read_two(l, LONG_MS, words).status, LINK_CLOSED);
			assert_false(link_is_open(l));
			snprintf(expected, sizeof(expected), "host 127.0.0.1 port %u: %s", (unsigned)slave.port,
				 i == 0 ? "closed by the gateway" : "Connection reset by peer");
			assert_string_equal(link_error(l), expected);
			slave_join(&slave);
			assert_string_equal(slave.failure, "");
			link_free(l);
			slave_fini(&slave);
		}
	}
}

static unsigned local_port(const struct link *l)
{
	struct sockaddr_in a = {0};
	socklen_t size = sizeof(a);

	assert_int_equal(getsockname(l->fd, (struct sockaddr *)&a, &size), 0);
	return a.sin_port;
}

/* A gateway that ends each connection some time after its answer would lose every second request. */
TEST(a_gateway_that_ends_each_connection_after_one_answer_gets_one_for_each_request)
{
	static const struct slave_step steps[] = {
		{NULL, TCP_ANSWER " close"}, {NULL, TCP_ANSWER " close"}, {NULL, TCP_ANSWER}, {NULL, TCP_ANSWER}};
	struct conf_bus conf;
	struct slave slave;
	uint16_t words[2];
	unsigned before = 0;
	struct link *l;

	slave_init(&slave, CONF_TCP);
	conf = slave_conf(&slave);
	l = link_new(&conf);
	assert_int_equal(link_open(l), 0);
	slave_start(&slave, steps, 4);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(read_two(l, LONG_MS, words).status, LINK_OK);
		assert_int_not_equal(local_port(l), before);
		before = local_port(l);
	}
	link_free(l);
	slave_fini(&slave);
}

TEST(a_link_after_its_deadline_sends_nothing)
{
	for (enum conf_transport t = CONF_RTU; t <= CONF_RTU_OVER_TCP; t++) {
		struct conf_bus conf;
		struct slave slave;
		uint16_t words[2];
		struct link *l;
		struct link_reply r;

		slave_init(&slave, t);
		conf = slave_conf(&slave);
		l = link_new(&conf);
		assert_int_equal(link_open(l), 0);
		link_stop_at(l, mono_us());
		r = read_two(l, LONG_MS, words);
		assert_int_equal(r.status, LINK_TIMEOUT);
		assert_int_equal(r.sent_us, 0);
		link_free(l);
		slave_fini(&slave);
	}
}

TEST(a_closed_link_reads_nothing)
{
	struct conf_bus conf;
	struct slave slave;
	uint16_t words[2];
	struct link *l;
	struct link_reply r;

	slave_init(&slave, CONF_RTU);
	conf = slave_conf(&slave);
	l = link_new(&conf);
	r = read_two(l, LONG_MS, words);
	assert_int_equal(r.status, LINK_CLOSED);
	assert_int_equal(r.sent_us, 0);
	assert_string_equal(link_error(l), "");
	link_free(l);
	slave_fini(&slave);
}

/* Units in the order they are asked, up to the one after which the connection is closed. All are silent but unit 9. */
static void assert_mute_after(const uint8_t *units, size_t n)
{
	static const char other[] = "09 03 04 00 01 e2 40 6b 63";
	struct slave_step steps[8] = {{NULL, NULL}};
	struct conf_bus conf;
	struct slave slave;
	uint16_t words[2];
	struct link *l;

	for (size_t i = 0; i < n; i++)
		steps[i].script = units[i] == 9 ? other : NULL;
	slave_init(&slave, CONF_RTU_OVER_TCP);
	conf = slave_conf(&slave);
	l = link_new(&conf);
	assert_int_equal(link_open(l), 0);
	slave_start(&slave, steps, n);
	for (size_t i = 0; i < n; i++) {
		assert_true(link_is_open(l));
		link_read(l, units[i], &two, 20, words);
	}
	assert_false(link_is_open(l));
	link_free(l);
	slave_fini(&slave);
}

TEST(a_mute_gateway_is_connected_again_before_a_unit_is_silent_for_the_third_time)
{
	assert_mute_after((const uint8_t[]){5, 5}, 2);
	assert_mute_after((const uint8_t[]){5, 6, 5}, 3);
	assert_mute_after((const uint8_t[]){5, 6, 9, 5, 6, 5}, 6);
	assert_mute_after((const uint8_t[]){5, 6, 7, 8, 4}, 5);
}

TEST(the_error_of_a_port_that_this_process_uses_names_the_other_bus)
{
	char expected[192];
	struct conf_bus conf;
	struct slave slave;
	struct link *l;

	slave_init(&slave, CONF_RTU);
	conf = slave_conf(&slave);
	assert_int_equal(flock(slave.hold, LOCK_EX), 0);
	l = link_new(&conf);
	assert_int_equal(link_open(l), -EBUSY);
	snprintf(expected, sizeof(expected), "port %s is in use by another bus; give each bus its own port",
		 slave.device);
	assert_string_equal(link_error(l), expected);
	assert_int_equal(flock(slave.hold, LOCK_UN), 0);
	assert_int_equal(link_open(l), 0);
	assert_string_equal(link_error(l), "");
	link_free(l);
	slave_fini(&slave);
}

/* A process of this name that holds the port and a lock of it until it is killed. */
static pid_t start_holder(const char *device, const char *name)
{
	int ready[2], fd;
	pid_t pid;
	char byte;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, name);
		fd = open(device, O_RDWR | O_NOCTTY);
		if (fd < 0 || flock(fd, LOCK_SH) != 0 || write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

TEST(the_error_of_a_port_in_use_names_every_process_that_has_it_and_no_escape_sequence)
{
	static const char *const names[] = {"tallyd", "\x1b[2Jmodem"};
	struct conf_bus conf;
	struct slave slave;
	char expected[256];
	pid_t pids[2];
	struct link *l;

	slave_init(&slave, CONF_RTU);
	conf = slave_conf(&slave);
	for (size_t i = 0; i < 2; i++)
		pids[i] = start_holder(slave.device, names[i]);
	l = link_new(&conf);
	assert_int_equal(link_open(l), -EBUSY);
	snprintf(expected, sizeof(expected),
		 "port %s is in use by tallyd (pid %d) and ?[2Jmodem (pid %d); stop them first: systemctl stop tallyd",
		 slave.device, pids[0], pids[1]);
	assert_string_equal(link_error(l), expected);
	for (size_t i = 0; i < 2; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
	link_free(l);
	slave_fini(&slave);
}

TEST(an_open_port_is_locked_until_it_is_closed)
{
	struct conf_bus conf;
	struct slave slave;
	struct link *l;

	slave_init(&slave, CONF_RTU);
	conf = slave_conf(&slave);
	l = link_new(&conf);
	assert_int_equal(link_open(l), 0);
	assert_int_equal(flock(slave.hold, LOCK_EX | LOCK_NB), -1);
	link_close(l);
	assert_int_equal(flock(slave.hold, LOCK_EX | LOCK_NB), 0);
	link_free(l);
	slave_fini(&slave);
}

TEST(an_unknown_speed_is_refused_and_not_replaced)
{
	char expected[128];
	struct conf_bus conf;
	struct slave slave;
	struct link *l;

	slave_init(&slave, CONF_RTU);
	conf = slave_conf(&slave);
	conf.baud = 14400;
	l = link_new(&conf);
	assert_int_equal(link_open(l), -EINVAL);
	snprintf(expected, sizeof(expected), "port %s: 14400 baud is not a speed of serial ports", slave.device);
	assert_string_equal(link_error(l), expected);
	link_free(l);
	slave_fini(&slave);
}

TEST(a_file_that_is_not_a_port_is_refused)
{
	static char file[] = "/dev/null", missing[] = "/dev/no-such-port";
	struct conf_bus conf = {.transport = CONF_RTU, .baud = 9600, .parity = CONF_EVEN, .stop_bits = 1};
	struct link *l;

	conf.device = file;
	l = link_new(&conf);
	assert_int_equal(link_open(l), -ENOTTY);
	assert_string_equal(link_error(l), "/dev/null is not a serial port");
	conf.device = missing;
	assert_int_equal(link_open(l), -ENODEV);
	assert_string_equal(link_error(l), "port /dev/no-such-port does not exist; plug in the adapter");
	link_free(l);
}

TEST(the_rs485_mode_of_the_kernel_is_required_only_when_configured)
{
	struct conf_bus conf;
	struct slave slave;
	struct link *l;

	slave_init(&slave, CONF_RTU);
	conf = slave_conf(&slave);
	for (enum conf_rs485 mode = CONF_RS485_AUTO; mode <= CONF_RS485_OFF; mode++) {
		conf.rs485 = mode;
		l = link_new(&conf);
		assert_int_equal(link_open(l) == 0, mode != CONF_RS485_KERNEL);
		assert_int_equal(strstr(link_error(l), "set rs485 = auto") != NULL, mode == CONF_RS485_KERNEL);
		link_free(l);
	}
	slave_fini(&slave);
}

TEST(a_refused_connection_is_reported_as_refused)
{
	char expected[128];
	struct conf_bus conf;
	struct slave slave;
	struct link *l;

	slave_init(&slave, CONF_TCP);
	conf = slave_conf(&slave);
	close(slave.listener);
	slave.listener = -1;
	l = link_new(&conf);
	assert_int_equal(link_open(l), -ECONNREFUSED);
	snprintf(expected, sizeof(expected), "host 127.0.0.1 port %u: Connection refused", (unsigned)slave.port);
	assert_string_equal(link_error(l), expected);
	link_free(l);
	slave_fini(&slave);
}

TEST(a_gateway_that_accepts_no_connection_is_given_up)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fillers[8];
	char expected[128];
	struct conf_bus conf;
	struct slave slave;
	struct link *l;

	slave_init(&slave, CONF_TCP);
	conf = slave_conf(&slave);
	conf.response_timeout_ms = 300;
	a.sin_port = htons(slave.port);
	/* The backlog is full: further connections are not even refused. */
	assert_int_equal(listen(slave.listener, 0), 0);
	for (int i = 0; i < 8; i++) {
		fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		assert_true(connect(fillers[i], (struct sockaddr *)&a, sizeof(a)) == 0 || errno == EINPROGRESS);
	}
	l = link_new(&conf);
	assert_int_equal(link_open(l), -ETIMEDOUT);
	snprintf(expected, sizeof(expected), "host 127.0.0.1 port %u: Connection timed out", (unsigned)slave.port);
	assert_string_equal(link_error(l), expected);
	link_free(l);
	for (int i = 0; i < 8; i++)
		close(fillers[i]);
	slave_fini(&slave);
}

TEST(a_host_may_be_a_name_or_an_ipv6_address)
{
	static char six[] = "::1", name[] = "localhost";
	static const struct slave_step steps[] = {{REQUEST, TCP_ANSWER}, {REQUEST, TCP_ANSWER}};
	int probe = socket(AF_INET6, SOCK_STREAM, 0);
	struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	bool has_six = probe >= 0 && bind(probe, (struct sockaddr *)&any, sizeof(any)) == 0;

	if (probe >= 0)
		close(probe);
	for (int i = has_six ? 0 : 1; i < 2; i++) {
		struct conf_bus conf;
		struct slave slave = {.transport = CONF_TCP, .fd = -1, .hold = -1};
		uint16_t words[2];
		struct link *l;

		slave_listen(&slave, i == 0 ? AF_INET6 : AF_INET);
		conf = slave_conf(&slave);
		conf.host = i == 0 ? six : name;
		l = link_new(&conf);
		assert_int_equal(link_open(l), 0);
		slave_start(&slave, steps + i, 1);
		assert_int_equal(read_two(l, LONG_MS, words).status, LINK_OK);
		slave_join(&slave);
		link_free(l);
		slave_fini(&slave);
	}
}

TEST(an_unknown_host_is_reported_as_unknown)
{
	static char name[] = "no-such-gateway.invalid";
	struct conf_bus conf = {.transport = CONF_TCP, .host = name, .port = 502, .response_timeout_ms = 2000};
	struct link *l = link_new(&conf);

	assert_true(link_open(l) < 0);
	assert_memory_equal(link_error(l), "host no-such-gateway.invalid: ", 30);
	link_free(l);
}

TEST(the_highest_addresses_can_be_read)
{
	static const struct slave_step step = {"fa 03 c6 52 00 02 4c d9", "fa 03 04 00 01 e2 40 a8 6c"};
	struct conf_bus conf;
	struct slave slave;
	uint16_t words[2];
	struct link *l;

	slave_init(&slave, CONF_RTU);
	conf = slave_conf(&slave);
	l = link_new(&conf);
	assert_int_equal(link_open(l), 0);
	slave_start(&slave, &step, 1);
	assert_int_equal(link_read(l, 250, &two, LONG_MS, words).status, LINK_OK);
	slave_join(&slave);
	assert_string_equal(slave.failure, "");
	link_free(l);
	slave_fini(&slave);
}

TEST(every_status_and_exception_has_a_text)
{
	for (int s = 0; s < LINK_STATUS_COUNT; s++)
		assert_string_not_equal(link_status_text((enum link_status)s), "unknown status");
	assert_string_equal(link_exception_text(1), "exception 1, illegal function");
	assert_string_equal(link_exception_text(11), "exception 11, device behind the gateway does not answer");
	assert_string_equal(link_exception_text(12), "an undefined exception code");
	assert_string_equal(link_exception_text(0), "an undefined exception code");
}

UNIT_MAIN(NULL, NULL)
