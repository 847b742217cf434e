/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "driver.h"
#include "err.h"
#include "identify.h"
#include "unit.h"

#define HEAD   "[model]\nformat = 1\ntitle = T\nvendor = V\nsource = S\nprovenance = vendor table\n"
#define ENERGY "active_energy_import = 100 u32 10 Wh energy\n"
#define BLOCK  "[block i]\naddress = 500\nwords = 20\ngaps = yes\n"
#define SOCO   "maker = 500 text:2 - - identity expect=SOCO\nproduct_order = 502 u16 1 - identity expect=100\n"

/* Two models that say their names, their relative that does not, a stranger with one number, one that says nothing. */
static const char red[] = HEAD BLOCK "[registers]\n" ENERGY SOCO "serial_number = 503 hex:2 - - identity\n"
				     "product_name = 505 text:3 - - identity expect=\"Red 1\"\n";
static const char blue[] = HEAD BLOCK "[registers]\n" ENERGY SOCO "serial_number = 503 hex:2 - - identity\n"
				      "product_name = 505 text:3 - - identity expect=\"Blue\"\n";
static const char plain[] = HEAD BLOCK "[registers]\n" ENERGY SOCO;
static const char other[] = HEAD BLOCK "[registers]\n" ENERGY SOCO "firmware_version = 503 u16 1 - identity\n";
static const char stranger[] = HEAD "[registers]\n" ENERGY "product = 900 u16 1 - identity expect=16\n";
static const char mute[] = HEAD "[registers]\n" ENERGY;

struct device {
	uint16_t words[20]; /* from 500 on */
	unsigned n_words;   /* that it has */
	int product;	    /* at 900, or -1 */
	unsigned n_reads;
};

static int read_device(void *context, uint8_t function, uint16_t address, uint16_t n_words, uint16_t *words)
{
	struct device *d = context;

	assert_int_equal(function, 3);
	d->n_reads++;
	if (address == 900 && n_words == 1 && d->product >= 0) {
		words[0] = (uint16_t)d->product;
		return 0;
	}
	if (address < 500 || address + n_words > 500 + d->n_words)
		return -1;
	memcpy(words, &d->words[address - 500], n_words * sizeof(*words));
	return 0;
}

static struct driver *parse(const char *name, const char *text)
{
	struct err e = {0};
	struct driver *d = driver_parse(name, text, strlen(text), &e);

	err_print(&e, stderr);
	err_fini(&e);
	assert_non_null(d);
	return d;
}

static const struct driver *identified(struct device *device, const char *const *texts, const char *const *names,
				       size_t n, struct identity *out)
{
	static struct driver *drivers[8];
	static size_t n_before;

	for (size_t i = 0; i < n_before; i++)
		driver_free(drivers[i]);
	for (size_t i = 0; i < n; i++)
		drivers[i] = parse(names[i], texts[i]);
	n_before = n;
	if (n == 0)
		return NULL;
	assert_int_equal(identify(drivers, n, read_device, device, out), 0);
	return out->model;
}

static const char *const texts[] = {stranger, mute, blue, plain, red, other};
static const char *const names[] = {"stranger.ini", "mute.ini", "blue.ini", "plain.ini", "red.ini", "other.ini"};

static struct device red_device(void)
{
	/* "SOCO", 100, serial 00012345, "Red 1" */
	return (struct device){{0x534F, 0x434F, 100, 0x0001, 0x2345, 0x5265, 0x6420, 0x3100}, 8, -1, 0};
}

TEST(a_name_proves_the_model_in_one_read)
{
	struct device d = red_device();
	struct identity id;

	assert_string_equal(identified(&d, texts, names, 6, &id)->name, "red");
	assert_string_equal(id.maker, "SOCO");
	assert_string_equal(id.name, "Red 1");
	assert_string_equal(id.serial, "00012345");
	assert_int_equal(d.n_reads, 1);
}

TEST(a_name_with_other_blanks_and_hyphens_is_the_same_name)
{
	static const char *const spelled[] = {"Red 1", "RED-1", "red1", "R-e d1x"};
	struct identity id;

	for (size_t i = 0; i < sizeof(spelled) / sizeof(spelled[0]); i++) {
		struct device d = red_device();
		char text[7] = "";

		memcpy(text, spelled[i], strlen(spelled[i]));
		for (size_t k = 0; k < 3; k++)
			d.words[5 + k] = (uint16_t)(text[2 * k] << 8 | text[2 * k + 1]);
		assert_string_equal(identified(&d, texts, names, 6, &id)->name, "red");
	}
}

TEST(an_unknown_name_proves_nothing_but_is_reported)
{
	struct device d = red_device();
	struct identity id;

	d.words[5] = 0x4772; /* "Gr" */
	assert_null(identified(&d, texts, names, 6, &id));
	assert_string_equal(id.name, "Grd 1");
}

TEST(tables_that_expect_the_same_name_prove_nothing)
{
	struct device d = red_device();
	struct identity id;

	d.n_words = 4; /* no name */
	assert_null(identified(&d, texts, names, 6, &id));
	assert_string_equal(id.maker, "SOCO");
}

TEST(refused_words_are_not_requested_again)
{
	struct device d = {.n_words = 0, .product = -1};
	struct identity id;

	assert_null(identified(&d, texts, names, 6, &id));
	assert_string_equal(id.maker, "");
	/* 500..507 of blue, 500..502 of plain, 500..503 of other holds what plain was refused; 900 of stranger */
	assert_int_equal(d.n_reads, 3);
}

TEST(a_device_without_a_maker_is_asked_for_the_numbers_of_other_models)
{
	struct device d = {.n_words = 0, .product = 16};
	struct identity id;

	assert_string_equal(identified(&d, texts, names, 6, &id)->name, "stranger");
	assert_string_equal(id.product, "16");
	d = (struct device){.n_words = 0, .product = 17};
	assert_null(identified(&d, texts, names, 6, &id));
}

TEST(a_number_that_only_begins_like_the_expected_one_differs)
{
	struct device d = {.n_words = 0, .product = 160};
	struct identity id;

	assert_null(identified(&d, texts, names, 6, &id));
}

TEST(the_first_row_to_read_is_that_of_the_maker)
{
	struct driver *drivers[] = {parse("mute.ini", mute), parse("plain.ini", plain)};
	uint8_t function = 0;
	const struct driver_row *row = identify_first_row(drivers, 2, &function);

	assert_int_equal(function, 3);
	assert_int_equal(row->address, 500);
	assert_int_equal(row->n_words, 2);
	assert_null(identify_first_row(drivers, 1, &function));
	driver_free(drivers[0]);
	driver_free(drivers[1]);
}

static int free_drivers(void **state)
{
	(void)state;
	identified(NULL, NULL, NULL, 0, NULL);
	return 0;
}

UNIT_MAIN(NULL, free_drivers)
