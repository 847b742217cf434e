/* SPDX-License-Identifier: MIT */
#include "control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <ev.h>

#include "command.h"

enum { BACKLOG = 16 };

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

/* Answers are short compared with a socket's buffer; the rest of one that is not sent within a second is lost. */
static void send_reply(int fd, const char *text, size_t n)
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
	command_run(client->control->sim, client->control->lines, client->command, out);
	if (fclose(out) == 0)
		send_reply(client->fd, text, n);
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

/* Remove a socket file that no process listens at any more. */
static void remove_stale_socket(const struct sockaddr_un *address)
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
		goto fail;
	c->sim = sim;
	c->lines = lines;
	c->loop = loop;
	c->fd = open_address(path, &address);
	if (c->fd < 0)
		goto fail;
	remove_stale_socket(&address);
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

/* The first line is "ok" or the error; the other lines are the answer. */
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
	int code = 1;

	for (int i = 0; i < n_words && used < sizeof(command); i++)
		used += (size_t)snprintf(command + used, sizeof(command) - used, "%s%s", words[i],
					 i + 1 < n_words ? " " : "\n");
	if (used >= sizeof(command)) {
		fprintf(stderr, "the command is too long (%zu bytes); use at most %d\n", used, COMMAND_MAX - 1);
		code = 2;
		goto fail;
	}
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    send(fd, command, used, MSG_NOSIGNAL) != (ssize_t)used) {
		fprintf(stderr, "control socket %s: %s\n", path, strerror(errno));
		goto fail;
	}
	return copy_answer(fd);
fail:
	if (fd >= 0)
		close(fd);
	return code;
}
