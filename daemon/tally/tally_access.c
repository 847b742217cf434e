/* SPDX-License-Identifier: MIT */
#include "tally_access.h"

#include <errno.h>
#include <glob.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf.h"
#include "db_file.h"

static const char service_dir[] = "/etc/tallyd", service_user[] = "tallyd", port_group[] = "dialout";

/* Where the service may write whatever its drop-ins say (StateDirectory=). */
static const char state_dir[] = "/var/lib/tallyd";

/* Become the user of the service, as the unit does. 0 or -1. */
static int become_service(const struct passwd *user)
{
	const struct group *ports = getgrnam(port_group);
	gid_t groups[64];
	int n = 60;

	if (getgrouplist(user->pw_name, user->pw_gid, groups, &n) < 0)
		n = 0;
	if (ports != NULL)
		groups[n++] = ports->gr_gid;
	if (setgroups((size_t)n, groups) != 0 || setgid(user->pw_gid) != 0)
		return -1;
	return setuid(user->pw_uid);
}

static const char *name_of_owner(uid_t uid)
{
	const struct passwd *owner = getpwuid(uid);

	return owner != NULL ? owner->pw_name : "unknown";
}

static const char *name_of_group(gid_t gid)
{
	const struct group *group = getgrgid(gid);

	return group != NULL ? group->gr_name : "unknown";
}

/* Whether a path may be used in this way (R_OK ...). what: "read" ...; remedy: what to do. */
static bool check_path(const char *path, int how, const char *what, const char *remedy)
{
	struct stat st;

	if (access(path, how) == 0 || (errno != EACCES && errno != EROFS))
		return true;
	if (errno == EROFS)
		fprintf(stderr, "%s: cannot be written: %s; %s\n", path, strerror(EROFS), db_file_remedy(EROFS));
	else if (stat(path, &st) == 0)
		fprintf(stderr, "%s: user %s cannot %s it (mode %04o, owner %s, group %s); %s\n", path, service_user,
			what, st.st_mode & 07777, name_of_owner(st.st_uid), name_of_group(st.st_gid), remedy);
	else
		fprintf(stderr, "%s: user %s cannot %s it, since a folder above it is closed to others; open that\n",
			path, service_user, what);
	return false;
}

static bool check_pattern(const char *dir, const char *pattern, int how, const char *remedy)
{
	char *whole = NULL;
	glob_t found = {.gl_pathc = 0};
	bool is_good = true;

	if (asprintf(&whole, "%s/%s", dir, pattern) < 0)
		return true;
	if (glob(whole, 0, NULL, &found) == 0)
		for (size_t i = 0; i < found.gl_pathc; i++)
			is_good &= check_path(found.gl_pathv[i], how, "read", remedy);
	globfree(&found);
	free(whole);
	return is_good;
}

/* Whether path is folder or lies below it. */
static bool is_below(const char *path, const char *folder)
{
	size_t n = strlen(folder);

	while (n > 1 && folder[n - 1] == '/')
		n--;
	return strncmp(path, folder, n) == 0 && (path[n] == '/' || path[n] == '\0' || n == 1);
}

/* Whether one of the paths of a line "ReadWritePaths=PATH ..." leads to folder. A path may begin with signs. */
static bool has_path(char *line, const char *folder)
{
	char *rest = strchr(line, '=') + 1, *path;

	while ((path = strsep(&rest, " \n")) != NULL) {
		path += strspn(path, "-+");
		if (*path == '/' && is_below(folder, path))
			return true;
	}
	return false;
}

/* Whether the sandbox of the service lets it write to folder, as systemd has its unit and drop-ins. True also where
 * there is no systemd to be asked, or it does not know the unit. */
static bool is_folder_open(const char *folder)
{
	FILE *units;
	bool is_loaded = false, is_open = is_below(folder, state_dir);
	char *line = NULL;
	size_t n = 0;

	if (is_open)
		return true;
	units = popen("systemctl show --property=LoadState,ReadWritePaths,ProtectSystem tallyd.service 2>/dev/null",
		      "re");
	if (units == NULL)
		return true;
	while (getline(&line, &n, units) > 0) {
		is_loaded |= strcmp(line, "LoadState=loaded\n") == 0;
		is_open |= strncmp(line, "ProtectSystem=", 14) == 0 && strcmp(line, "ProtectSystem=strict\n") != 0;
		is_open |= strncmp(line, "ReadWritePaths=", 15) == 0 && has_path(line, folder);
	}
	free(line);
	pclose(units);
	return is_open || !is_loaded;
}

/* The folder of path; the caller's to free, NULL when out of memory. */
static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return strndup(path, slash == NULL || slash == path ? 1 : (size_t)(slash - path));
}

static bool check_store(const char *path)
{
	static const char remedy[] = "give the folder and the database to tallyd: chown -R tallyd:tallyd FOLDER";
	char *folder = folder_of(path);
	bool is_good = true;

	if (folder == NULL)
		return true;
	is_good &= check_path(folder, W_OK | X_OK, "write to", remedy);
	is_good &= check_path(path, R_OK | W_OK, "write to", remedy);
	free(folder);
	return is_good;
}

/* Without D-Bus only root gets an answer of systemd, so this is asked before the user is changed. */
static bool check_sandbox(const char *path)
{
	char *folder = folder_of(path);
	bool is_good = folder == NULL || is_folder_open(folder);

	if (!is_good)
		fprintf(stderr, "%s: the service cannot write to %s; %s\n", path, folder, db_file_remedy(EROFS));
	free(folder);
	return is_good;
}

bool tally_access_has_folder(const struct conf *c)
{
	char *folder = folder_of(c->store_path);
	const char *problem = NULL;
	bool is_missing;
	struct stat st;

	if (folder == NULL)
		return true;
	is_missing = stat(folder, &st) != 0 && errno == ENOENT && strcmp(folder, state_dir) != 0;
	if (is_missing)
		problem = "is not there; make it: install -d -o tallyd -g tallyd ";
	else if (stat(folder, &st) == 0)
		problem = S_ISDIR(st.st_mode) ? NULL : "is no folder; use the path of a file in a folder";
	else if (errno == ENOTDIR)
		problem = "is below a file; use the path of a file in a folder";
	if (problem != NULL)
		fprintf(stderr, "%s/tallyd.ini: path = %s cannot be used: folder %s %s%s\n", c->dir, c->store_path,
			folder, problem, is_missing ? folder : "");
	free(folder);
	return problem == NULL;
}

static bool check_all(const char *dir, const struct conf *conf)
{
	static const char readable[] = "make it readable: chmod a+r FILE";
	bool is_good = check_path(dir, R_OK | X_OK, "read", "open it: chmod a+rx FOLDER");

	is_good &= check_pattern(dir, "tallyd.ini", R_OK, readable);
	is_good &= check_pattern(dir, "bus.d", R_OK | X_OK, "open it: chmod a+rx FOLDER");
	is_good &= check_pattern(dir, "bus.d/*.ini", R_OK, readable);
	is_good &= check_pattern(dir, "drivers/*.ini", R_OK, readable);
	if (conf == NULL)
		return is_good;
	for (size_t i = 0; i < conf->n_buses; i++)
		if (conf->buses[i].device != NULL)
			is_good &= check_path(conf->buses[i].device, R_OK | W_OK, "use",
					      "give it to group dialout: chgrp dialout PORT; chmod g+rw PORT");
	return check_store(conf->store_path) && is_good;
}

bool tally_access_check(const char *dir, const struct conf *conf)
{
	const struct passwd *user = getpwnam(service_user);
	int status = 0;
	bool is_good;
	pid_t child;

	if (geteuid() != 0 || user == NULL || strcmp(dir, service_dir) != 0)
		return true;
	is_good = conf == NULL || check_sandbox(conf->store_path);
	fflush(NULL);
	child = fork();
	if (child == 0) {
		is_good = become_service(user) != 0 || check_all(dir, conf);
		fflush(stderr);
		_exit(is_good ? 0 : 1);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		return is_good;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 && is_good;
}
