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

static const char service_dir[] = "/etc/tallyd", service_user[] = "tallyd", port_group[] = "dialout";

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
	if (stat(path, &st) == 0)
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

static bool check_store(const char *path)
{
	static const char remedy[] = "give the folder and the database to tallyd: chown -R tallyd:tallyd FOLDER";
	const char *slash = strrchr(path, '/');
	char *folder = strndup(path, slash == NULL || slash == path ? 1 : (size_t)(slash - path));
	bool is_good = true;

	if (folder == NULL)
		return true;
	is_good &= check_path(folder, W_OK | X_OK, "write to", remedy);
	is_good &= check_path(path, R_OK | W_OK, "write to", remedy);
	free(folder);
	return is_good;
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
	pid_t child;

	if (geteuid() != 0 || user == NULL || strcmp(dir, service_dir) != 0)
		return true;
	fflush(NULL);
	child = fork();
	if (child == 0) {
		bool is_good = become_service(user) != 0 || check_all(dir, conf);

		fflush(stderr);
		_exit(is_good ? 0 : 1);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		return true;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
