/* SPDX-License-Identifier: MIT */
#include "db_meters.h"

#include <string.h>

#include "db_folder.h"
#include "unit.h"

enum { NOW_S = 1767225600 };

/* Bus "hall": meter "press", concentrator "pulses" with the input "lighting". */
struct hall {
	struct conf conf;
	struct conf_bus bus;
	struct conf_meter meters[2];
	struct conf_input input;
	struct db_meters reg;
};

static void set_up_hall(struct hall *h)
{
	*h = (struct hall){0};
	h->meters[0] = (struct conf_meter){.name = "press", .label = "Press", .model = "countis-e43", .address = 5};
	h->meters[1] = (struct conf_meter){.name = "pulses", .model = "conto-d4cr8", .address = 12};
	h->input = (struct conf_input){.name = "lighting",
				       .concentrator = 1,
				       .input = 1,
				       .quantity = Q_ACTIVE_ENERGY_IMPORT,
				       .shown = names_shown(Q_ACTIVE_ENERGY_IMPORT),
				       .weight = 10,
				       .weight_per = 1};
	h->bus = (struct conf_bus){.name = "hall",
				   .transport = CONF_RTU,
				   .n_meters = 2,
				   .meters = h->meters,
				   .n_inputs = 1,
				   .inputs = &h->input};
	h->conf = (struct conf){.n_buses = 1, .buses = &h->bus};
}

static void write_hall(struct folder *f, struct hall *h, int64_t now_s)
{
	assert_int_equal(db_exec(&f->db, "BEGIN"), 0);
	assert_int_equal(db_meters_write(&f->db, &h->conf, now_s), 0);
	assert_int_equal(db_exec(&f->db, "COMMIT"), 0);
	assert_int_equal(db_meters_load(&h->reg, &f->db), 0);
}

/* The first column of the first row; static. */
static const char *one(struct folder *f, const char *sql)
{
	static char text[256];

	text[0] = '\0';
	db_text(&f->db, sql, text, sizeof(text));
	return text;
}

static struct hall hall;

static int setup(void **state)
{
	set_up_hall(&hall);
	return folder_setup(state);
}

static int teardown(void **state)
{
	db_meters_free(&hall.reg);
	return folder_teardown(state);
}

TEST_WITH(the_register_has_the_configured_meters, setup, teardown)
{
	struct folder *f = *state;

	write_hall(f, &hall, NOW_S);
	assert_int_equal(hall.reg.n, 3);
	assert_string_equal(hall.reg.list[0].name, "press");
	assert_true(hall.reg.list[0].configured);
	assert_false(hall.reg.list[0].is_input);
	assert_string_equal(hall.reg.list[0].serial, "");
	assert_true(hall.reg.list[2].is_input);
	assert_string_equal(one(f, "SELECT bus || label || model || address FROM meter WHERE name = 'press'"),
			    "hallPresscountis-e435");
	assert_string_equal(one(f, "SELECT name || transport || configured FROM bus"), "hallrtu1");
}

TEST_WITH(meters_are_found_by_id_and_by_name, setup, teardown)
{
	write_hall(*state, &hall, NOW_S);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(db_meters_find(&hall.reg, hall.reg.list[i].id), i);
		assert_int_equal(db_meters_find_name(&hall.reg, hall.reg.list[i].name), i);
	}
	assert_int_equal(db_meters_find(&hall.reg, 0), -1);
	assert_int_equal(db_meters_find(&hall.reg, 1000), -1);
	assert_int_equal(db_meters_find_name(&hall.reg, "oven"), -1);
}

/* Others keep arrays by the index. */
TEST_WITH(a_removed_meter_keeps_its_index_and_is_no_longer_found_by_name, setup, teardown)
{
	struct folder *f = *state;
	int64_t press, pulses;

	write_hall(f, &hall, NOW_S);
	press = hall.reg.list[0].id;
	pulses = hall.reg.list[1].id;
	strcpy(hall.meters[0].name, "oven");
	write_hall(f, &hall, NOW_S);
	assert_int_equal(hall.reg.n, 4);
	assert_int_equal(db_meters_find(&hall.reg, press), 0);
	assert_int_equal(db_meters_find(&hall.reg, pulses), 1);
	assert_false(hall.reg.list[0].configured);
	assert_int_equal(db_meters_find_name(&hall.reg, "press"), -1);
	assert_int_equal(db_meters_find_name(&hall.reg, "oven"), 3);
	strcpy(hall.meters[0].name, "press");
	write_hall(f, &hall, NOW_S);
	assert_int_equal(hall.reg.n, 4);
	assert_int_equal(db_meters_find_name(&hall.reg, "press"), 0);
}

TEST_WITH(an_input_gets_a_new_period_only_when_its_meaning_changes, setup, teardown)
{
	struct folder *f = *state;

	write_hall(f, &hall, NOW_S);
	write_hall(f, &hall, NOW_S + 10);
	assert_string_equal(one(f, "SELECT count(*) || ' ' || min(from_ts) FROM input_period"), "1 0");
	hall.input.weight = 20;
	write_hall(f, &hall, NOW_S + 20);
	assert_string_equal(one(f, "SELECT group_concat(from_ts || ' ' || weight, ', ') FROM input_period"),
			    "0 10, 1767225620 20");
	assert_int_equal(db_number(&f->db, "SELECT until_ts FROM input_period WHERE weight = 10", 0), NOW_S + 20);
	/* a clock that was set back must not make periods overlap */
	hall.input.weight = 30;
	write_hall(f, &hall, NOW_S);
	assert_int_equal(db_number(&f->db, "SELECT from_ts FROM input_period WHERE weight = 30", 0), NOW_S + 21);
	hall.bus.n_inputs = 0;
	write_hall(f, &hall, NOW_S + 100);
	assert_int_equal(db_number(&f->db, "SELECT max(until_ts) FROM input_period", 0), NOW_S + 100);
}

TEST_WITH(a_serial_number_is_known_until_a_rollback_is_loaded, setup, teardown)
{
	struct folder *f = *state;

	write_hall(f, &hall, NOW_S);
	assert_int_equal(db_meters_put_serial(&hall.reg, &f->db, 0, "A1"), 0);
	assert_int_equal(db_exec(&f->db, "BEGIN"), 0);
	assert_int_equal(db_meters_put_serial(&hall.reg, &f->db, 0, "B2"), 0);
	assert_string_equal(hall.reg.list[0].serial, "B2");
	assert_int_equal(db_exec(&f->db, "ROLLBACK"), 0);
	assert_int_equal(db_meters_load(&hall.reg, &f->db), 0);
	assert_string_equal(hall.reg.list[0].serial, "A1");
}

UNIT_MAIN(NULL, NULL)
