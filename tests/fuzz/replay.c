/* SPDX-License-Identifier: MIT */
/* replay.c - runs a fuzz target on every file of the named folders, for builds without libFuzzer. */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* The target gets a block of exactly the file's length, so that a sanitizer sees a read past its end. */
static int replay_file(const char *path)
{
	FILE *f = fopen(path, "re");
	uint8_t *data = NULL;
	int rc = -1;
	long n = -1;

	if (f == NULL)
		goto out;
	if (fseek(f, 0, SEEK_END) == 0)
		n = ftell(f);
	if (n < 0 || fseek(f, 0, SEEK_SET) != 0)
		goto out;
	data = malloc((size_t)n);
	if ((data == NULL && n > 0) || fread(data, 1, (size_t)n, f) != (size_t)n)
		goto out;
	LLVMFuzzerTestOneInput(data, (size_t)n);
	rc = 0;
out:
	if (rc != 0)
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
	free(data);
	if (f != NULL)
		fclose(f);
	return rc;
}

/* Returns the number of files replayed, or -1. */
static int replay_folder(const char *folder)
{
	DIR *stream = opendir(folder);
	struct dirent *entry;
	int n = 0;

	if (stream == NULL) {
		fprintf(stderr, "%s: %s\n", folder, strerror(errno));
		return -1;
	}
	while (n >= 0 && (entry = readdir(stream)) != NULL) {
		char *path;

		if (entry->d_name[0] == '.')
			continue;
		if (asprintf(&path, "%s/%s", folder, entry->d_name) < 0) {
			n = -1;
			break;
		}
		n = replay_file(path) == 0 ? n + 1 : -1;
		free(path);
	}
	closedir(stream);
	return n;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		int n = replay_folder(argv[i]);

		if (n <= 0) {
			fprintf(stderr, "%s: no file was replayed\n", argv[i]);
			return 1;
		}
		printf("%s: %d inputs\n", argv[i], n);
	}
	return argc > 1 ? 0 : 2;
}
