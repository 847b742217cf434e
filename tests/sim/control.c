/* SPDX-License-Identifier: MIT */
#include "control.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <ev.h>

#include "line.h"
#include "slave.h"

enum { COMMAND_MAX = 512, WORDS_MAX = 8, BACKLOG = 16 };

struct control {
	struct sim *sim;
	struct line **lines;
	struct ev_loop *loop;
	char *path;
	int fd;
	ev_io io;
	struct client *clients;
};

struct client {
	struct control *control;
	struct client *next;
	int fd;
	ev_io io;
	size_t n;
	char command[COMMAND_MAX];
};

struct command {
	const char *name, *usage;
	int min_words, max_words;
	/* words[0] is the command; returns NULL or what is wrong */
	const char *(*run)(struct sim *sim, struct line **lines, int n, char **words, FILE *out);
};

static const char *const no_meter = "no such meter", *const no_bus = "no such bus";

static const char *do_truth(struct sim *sim, struct line **lines, int n, char **words, FILE *out)
{
	int32_t meter = site_find_meter(sim->site, words[1]);

	(void)lines;
	if (meter < 0)
		return no_meter;
	if (n == 3 && strcmp(words[2], "exact") != 0)
		return "only \"exact\" may follow the meter";
	fputs("ok\n", out);
	slave_print_all(sim_meter(sim, meter), n == 3, out);
	return NULL;
}

static const char *set_value(struct meter *m, enum quantity q, const char *text)
{
	int64_t value;

	if (q >= Q_MAKER)
		meter_set_text(m, q, text);
	else if (strcmp(text, "na") == 0)
		meter_set_absent(m, q);
	else if (strcmp(text, "auto") == 0)
		meter_release(m, q);
	else if (site_parse_value(q, text, &value))
		meter_set(m, q, value);
	else
		return "the value is neither na, auto nor a number with a unit of the quantity";
	return NULL;
}

static const char *do_set(struct sim *sim, struct line **lines, int n, char **words, FILE *out)
{
	int32_t meter = site_find_meter(sim->site, words[1]);
	int q = names_find(words[2]);
	char text[COMMAND_MAX];
	const char *wrong;

	(void)lines;
	if (meter < 0)
		return no_meter;
	if (q < 0)
		return "no such quantity in drivers/NAMES";
	snprintf(text, sizeof(text), "%s%s%s", words[3], n > 4 ? " " : "", n > 4 ? words[4] : "");
	wrong = set_value(sim_meter(sim, meter), (enum quantity)q, text);
	if (wrong == NULL)
		fputs("ok\n", out);
	return wrong;
}

static const char *do_load(struct sim *sim, struct line **lines, int n, char **words, FILE *out)
{
	int32_t meter = site_find_meter(sim->site, words[1]);
	int64_t mw[2] = {0, 0};
	struct meter *m;

	(void)lines;
	if (meter < 0)
		return no_meter;
	for (int i = 2; i < n; i++)
		if (!site_parse_value(Q_ACTIVE_POWER, words[i], &mw[i - 2]))
			return "a load is a power with its unit, as 5kW";
	m = sim_meter(sim, meter);
	m->load.base_mw = mw[0];
	m->load.peak_mw = n > 3 ? mw[1] : mw[0];
	meter_release(m, Q_ACTIVE_POWER);
	fputs("ok\n", out);
	return NULL;
}

static const char *do_swap(struct sim *sim, struct line **lines, int n, char **words, FILE *out)
{
	int32_t meter = site_find_meter(sim->site, words[1]);

	(void)lines;
	(void)n;
	if (meter < 0)
		return no_meter;
	meter_swap(sim_meter(sim, meter), words[2]);
	fputs("ok\n", out);
	return NULL;
}

/* Which meters a rule is for: one, those of a bus, all. */
static bool find_target(const struct site *s, const char *name, struct fault_rule *rule)
{
	rule->bus = rule->meter = FAULT_ANY;
	if (strcmp(name, "all") == 0)
		return true;
	rule->meter = site_find_meter(s, name);
	if (rule->meter >= 0) {
		rule->bus = (int32_t)s->meters[rule->meter].bus;
		return true;
	}
	rule->bus = site_find_bus(s, name);
	return rule->bus >= 0;
}

/* A new rule takes the place of those of the same kind and target. */
static void drop_rules(struct site *s, const struct fault_rule *like)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->n_faults; i++) {
		const struct fault_rule *f = &s->faults[i];

		if (f->kind != like->kind || f->exception != like->exception || f->bus != like->bus ||
		    f->meter != like->meter)
			s->faults[kept++] = *f;
	}
	s->n_faults = kept;
}

static const char *do_fault(struct sim *sim, struct line **lines, int n, char **words, FILE *out)
{
	struct fault_rule rule = {.left = FAULT_UNLIMITED};
	enum site_transport t;

	(void)lines;
	if (!fault_parse(words[2], &rule))
		return fault_names();
	if (!find_target(sim->site, words[1], &rule))
		return "neither a meter, a bus nor all";
	if (!site_parse_rate(words[3], &rule.rate_ppm))
		return "a rate is 0% to 100%";
	for (int i = 4; i < n; i++) {
		char *end;
		long count = strtol(words[i], &end, 10);

		if (*end == '\0' && count >= 0 && count <= INT32_MAX)
			rule.left = (int32_t)count;
		else if (!site_parse_duration(words[i], &rule.delay_ms))
			return "after the rate a count or a delay with its unit may follow";
	}
	t = rule.bus < 0 ? SITE_RTU : sim->site->buses[rule.bus].transport;
	if (rule.bus >= 0 && !fault_fits(rule.kind, t == SITE_TCP, t != SITE_RTU))
		return "there is no such fault on this transport";
	drop_rules(sim->site, &rule);
	if (rule.rate_ppm > 0 && !site_add_fault(sim->site, &rule))
		return "no memory";
	fputs("ok\n", out);
	return NULL;
}

/* unplug, reboot and mute, now and without a request. */
static const char *do_bus(struct sim *sim, struct line **lines, int n, char **words, FILE *out)
{
	int32_t bus = site_find_bus(sim->site, words[1]);
	struct fault_rule rule = {.kind = FAULT_NONE};
	enum site_transport t;

	if (bus < 0)
		return no_bus;
	if (!fault_parse(words[0], &rule))
		return "no such fault";
	t = sim->site->buses[bus].transport;
	if (!fault_fits(rule.kind, t == SITE_TCP, t != SITE_RTU))
		return "there is no such fault on this transport";
	if (n > 2 && !site_parse_duration(words[2], &rule.delay_ms))
		return "a time has a unit: ms, s, min, h";
	if (rule.kind == FAULT_MUTE)
		line_mute(lines[bus], rule.delay_ms);
	else
		line_take_away(lines[bus], rule.delay_ms);
	fputs("ok\n", out);
	return NULL;
}

static const char *do_buses(struct sim *sim, struct line **lines, int n, char **words, FILE *out)
{
	(void)n;
	(void)words;
	fputs("ok\n", out);
	for (size_t i = 0; i < sim->site->n_buses; i++) {
		fprintf(out, "%s ", sim->site->buses[i].name);
		line_print_place(lines[i], out);
		fputc('\n', out);
	}
	return NULL;
}

static void print_meter_stats(const struct sim *sim, size_t i, FILE *out)
{
	const struct meter *m = &sim->site->meters[i];

	fprintf(out, "meter %s requests=%" PRIu64 " answers=%" PRIu64 " exceptions=%" PRIu64, m->name, m->n_requests,
		m->n_answers, m->n_exceptions);
	for (int k = 0; k < FAULT_KINDS; k++)
		if (sim->n_faults[i][k] > 0)
			fprintf(out, " %s=%" PRIu64, fault_name((enum fault_kind)k), sim->n_faults[i][k]);
	fputc('\n', out);
}

static const char *do_stats(struct sim *sim, struct line **lines, int n, char **words, FILE *out)
{
	(void)n;
	(void)words;
	fputs("ok\n", out);
	for (size_t i = 0; i < sim->site->n_buses; i++) {
		const struct line_counts *c = line_counts(lines[i]);

		fprintf(out,
			"bus %s requests=%" PRIu64 " unknown=%" PRIu64 " bad=%" PRIu64 " crowded=%" PRIu64
			" collisions=%" PRIu64 " wrong_speed=%" PRIu64 " connections=%" PRIu64 " refused=%" PRIu64 "\n",
			sim->site->buses[i].name, c->requests, c->unknown, c->bad, c->crowded, c->collisions,
			c->wrong_speed, c->connections, c->refused);
	}
	for (size_t i = 0; i < sim->site->n_meters; i++)
		print_meter_stats(sim, i, out);
	return NULL;
}

static const char *do_clock(struct sim *sim, struct line **lines, int n, char **words, FILE *out)
{
	(void)lines;
	(void)n;
	(void)words;
	fprintf(out, "ok\nwall_ms=%" PRId64 "\nmeter_ms=%" PRId64 "\n", sim_wall_ms(sim), sim_meter_ms(sim));
	return NULL;
}

static const struct command commands[] = {
	{"truth", "truth METER [exact]", 2, 3, do_truth},
	{"set", "set METER QUANTITY VALUE [UNIT]", 4, 5, do_set},
	{"load", "load METER BASE [PEAK]", 3, 4, do_load},
	{"swap", "swap METER SERIAL", 3, 3, do_swap},
	{"fault", "fault METER|BUS|all KIND RATE [COUNT] [DELAY]", 4, 6, do_fault},
	{"unplug", "unplug BUS [TIME]", 2, 3, do_bus},
	{"reboot", "reboot BUS [TIME]", 2, 3, do_bus},
	{"mute", "mute BUS [TIME]", 2, 3, do_bus},
	{"buses", "buses", 1, 1, do_buses},
	{"stats", "stats", 1, 1, do_stats},
	{"clock", "clock", 1, 1, do_clock},
};

enum { N_COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static void print_usage(FILE *out)
{
	fputs("error: no such command;", out);
	for (size_t i = 0; i < N_COMMANDS; i++)
		fprintf(out, "%s %s", i == 0 ? "" : ",", commands[i].usage);
	fputc('\n', out);
}

void control_do(struct sim *sim, struct line **lines, const char *command, FILE *out)
{
	char text[COMMAND_MAX], *at = text, *word, *words[WORDS_MAX];
	const char *wrong;
	int n = 0;

	snprintf(text, sizeof(text), "%s", command);
	while (n < WORDS_MAX && (word = strsep(&at, " \t\r\n")) != NULL)
		if (*word != '\0')
			words[n++] = word;
	for (size_t i = 0; i < N_COMMANDS && n > 0; i++) {
		if (strcmp(commands[i].name, words[0]) != 0)
			continue;
		if (n < commands[i].min_words || n > commands[i].max_words) {
			fprintf(out, "error: usage: %s\n", commands[i].usage);
			return;
		}
		wrong = commands[i].run(sim, lines, n, words, out);
		if (wrong != NULL)
			fprintf(out, "error: %s: %s\n", command, wrong);
		return;
	}
	print_usage(out);
}

static void remove_client(struct client *client)
{
	struct client **at = &client->control->clients;

	while (*at != client)
		at = &(*at)->next;
	*at = client->next;
	ev_io_stop(client->control->loop, &client->io);
	close(client->fd);
	free(client);
}

/* Answers are short against a socket's buffer; what does not fit within a second is cut. */
static void reply(int fd, const char *text, size_t n)
{
	struct timeval patience = {1, 0};

	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	while (n > 0) {
		ssize_t done = send(fd, text, n, MSG_NOSIGNAL);

		if (done <= 0)
			return;
		text += done;
		n -= (size_t)done;
	}
}

static void answer_client(struct client *client)
{
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);

	if (out == NULL)
		return;
	control_do(client->control->sim, client->control->lines, client->command, out);
	if (fclose(out) == 0)
		reply(client->fd, text, n);
	free(text);
}

static void on_client(struct ev_loop *loop, ev_io *io, int events)
{
	struct client *client = io->data;
	ssize_t n = recv(client->fd, client->command + client->n, COMMAND_MAX - 1 - client->n, MSG_DONTWAIT);
	char *end;

	(void)loop;
	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	client->n += n > 0 ? (size_t)n : 0;
	client->command[client->n] = '\0';
	end = strchr(client->command, '\n');
	if (end == NULL && n > 0 && client->n < COMMAND_MAX - 1)
		return;
	if (end != NULL)
		*end = '\0';
	if (client->n > 0)
		answer_client(client);
	remove_client(client);
}

static void on_connection(struct ev_loop *loop, ev_io *io, int events)
{
	struct control *c = io->data;
	struct client *client = calloc(1, sizeof(*client));

	(void)events;
	if (client == NULL)
		return;
	client->fd = accept4(c->fd, NULL, NULL, SOCK_CLOEXEC);
	if (client->fd < 0) {
		free(client);
		return;
	}
	client->control = c;
	client->next = c->clients;
	c->clients = client;
	ev_io_init(&client->io, on_client, client->fd, EV_READ);
	client->io.data = client;
	ev_io_start(loop, &client->io);
}

static int open_address(const char *path, struct sockaddr_un *address)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(address->sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(address->sun_path, path);
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

/* A socket that nobody listens at any more is in the way and goes. */
static void remove_stale(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof(*address)) != 0 && errno == ECONNREFUSED)
		unlink(address->sun_path);
	if (fd >= 0)
		close(fd);
}

struct control *control_new(const char *path, struct sim *sim, struct line **lines, struct ev_loop *loop)
{
	struct control *c = calloc(1, sizeof(*c));
	struct sockaddr_un address;

	if (c == NULL)
		return NULL;
	c->sim = sim;
	c->lines = lines;
	c->loop = loop;
	c->fd = open_address(path, &address);
	if (c->fd < 0)
		goto fail;
	remove_stale(&address);
	if (bind(c->fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		goto fail;
	c->path = strdup(path);
	if (c->path == NULL || listen(c->fd, BACKLOG) != 0)
		goto fail;
	ev_io_init(&c->io, on_connection, c->fd, EV_READ);
	c->io.data = c;
	ev_io_start(loop, &c->io);
	return c;
fail:
	fprintf(stderr, "control socket %s: %s\n", path, strerror(errno));
	control_free(c);
	return NULL;
}

void control_free(struct control *c)
{
	if (c == NULL)
		return;
	while (c->clients != NULL)
		remove_client(c->clients);
	if (c->path != NULL) {
		ev_io_stop(c->loop, &c->io);
		unlink(c->path);
		free(c->path);
	}
	if (c->fd >= 0)
		close(c->fd);
	free(c);
}

/* The first line says how it went; the rest is what was asked for. */
static int copy_answer(int fd)
{
	FILE *in = fdopen(fd, "r");
	char *text = NULL;
	size_t room = 0;
	int code = 1;

	if (in == NULL || getline(&text, &room, in) < 0) {
		fprintf(stderr, "no answer from the simulation\n");
	} else if (strcmp(text, "ok\n") != 0) {
		fputs(text, stderr);
	} else {
		code = 0;
		while (getline(&text, &room, in) >= 0)
			fputs(text, stdout);
	}
	free(text);
	if (in != NULL)
		fclose(in);
	else
		close(fd);
	return code;
}

int control_send(const char *path, int n_words, char **words)
{
	struct sockaddr_un address;
	int fd = open_address(path, &address);
	char command[COMMAND_MAX];
	size_t used = 0;

	for (int i = 0; i < n_words && used < sizeof(command); i++)
		used += (size_t)snprintf(command + used, sizeof(command) - used, "%s%s", words[i],
					 i + 1 < n_words ? " " : "\n");
	if (used >= sizeof(command)) {
		fprintf(stderr, "command of %zu bytes, at most %d are allowed\n", used, COMMAND_MAX - 1);
		if (fd >= 0)
			close(fd);
		return 2;
	}
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    send(fd, command, used, MSG_NOSIGNAL) != (ssize_t)used) {
		fprintf(stderr, "control socket %s: %s\n", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return 1;
	}
	return copy_answer(fd);
}
