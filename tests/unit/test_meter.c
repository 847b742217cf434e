/* SPDX-License-Identifier: MIT */
#include "meter.h"

#include <string.h>

#include "paper_meter.h"
#include "unit.h"

static void identify(struct meter *m, const char *maker)
{
	assert_true(asking_begin_identify(&m->asking, 1));
	for (size_t i = 0; i < 2; i++)
		m->asking.words[i] = (uint16_t)(maker[2 * i] << 8 | maker[2 * i + 1]);
	paper_answer(&m->asking, LINK_OK, 0);
	identity_accept(&m->identity, &m->asking, 1000);
}

TEST(the_text_of_the_state_follows_the_health)
{
	struct meter *m = meter_new(&paper_conf, 7, 0);

	assert_string_equal(meter_state_text(m), "never");
	health_answered(&m->health);
	assert_string_equal(meter_state_text(m), "up");
	health_failed(&m->health, false, 2000);
	assert_string_equal(meter_state_text(m), "suspect");
	health_failed(&m->health, false, 3000);
	health_failed(&m->health, false, 4000);
	assert_string_equal(meter_state_text(m), "never");
	health_count(&m->health, &(struct link_reply){.status = LINK_OK}, 1, 5000);
	assert_string_equal(meter_state_text(m), "down");
	meter_free(m);
}

TEST(a_meter_of_another_model_is_suspect)
{
	struct meter *m = meter_new(&paper_conf, 7, 0);

	identify(m, "ABCD");
	assert_string_equal(meter_state_text(m), "never");
	health_answered(&m->health);
	assert_string_equal(meter_state_text(m), "suspect");
	identify(m, "SOCO");
	assert_string_equal(meter_state_text(m), "up");
	meter_free(m);
}

TEST(a_meter_inherits_the_known_facts)
{
	struct meter *old = meter_new(&paper_conf, 7, 0), *m = meter_new(&paper_conf, 7, 0);

	identify(old, "ABCD");
	health_answered(&old->health);
	meter_inherit(m, old);
	meter_free(old);
	assert_string_equal(meter_state_text(m), "suspect");
	assert_string_equal(m->identity.texts.mismatch, "maker is \"ABCD\", expected \"SOCO\"");
	assert_int_equal(m->asking.task, ASKING_NOTHING);
	assert_true(asking_begin_read(&m->asking, DRIVER_ENERGY, 1));
	assert_ptr_equal(m->asking.job.owner, m);
	meter_free(m);
}

UNIT_MAIN(paper_meter_set_up, paper_meter_tear_down)
