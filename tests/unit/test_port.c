/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <linux/serial.h>
#include <stdlib.h>
#include <unistd.h>

#include "conf.h"
#include "port.h"
#include "unit.h"

TEST(a_port_without_rs485_mode_is_switched_to_it)
{
	struct serial_rs485 r = {0};
	const struct conf_bus bus = {0};

	assert_true(port_want_rs485(&r, &bus));
	assert_int_equal(r.flags, SER_RS485_ENABLED | SER_RS485_RTS_ON_SEND);
	assert_int_equal(r.delay_rts_before_send, 0);
	assert_int_equal(r.delay_rts_after_send, 0);
	assert_false(port_want_rs485(&r, &bus));
}

TEST(the_polarity_and_delays_of_the_device_tree_are_kept)
{
	struct serial_rs485 off = {.flags = SER_RS485_RTS_AFTER_SEND, .delay_rts_before_send = 3}, on;
	const struct conf_bus bus = {0};

	assert_true(port_want_rs485(&off, &bus));
	assert_int_equal(off.flags, SER_RS485_ENABLED | SER_RS485_RTS_AFTER_SEND);
	assert_int_equal(off.delay_rts_before_send, 3);
	on = (struct serial_rs485){.flags = SER_RS485_ENABLED, .delay_rts_after_send = 4};
	assert_false(port_want_rs485(&on, &bus));
}

TEST(the_delays_of_the_bus_are_set)
{
	struct serial_rs485 r = {.flags = SER_RS485_ENABLED | SER_RS485_RTS_AFTER_SEND | SER_RS485_RX_DURING_TX,
				 .delay_rts_before_send = 3,
				 .delay_rts_after_send = 4};
	const struct conf_bus bus = {.rs485_delay_after_ms = 20};

	assert_true(port_want_rs485(&r, &bus));
	assert_int_equal(r.flags, SER_RS485_ENABLED | SER_RS485_RTS_AFTER_SEND | SER_RS485_RX_DURING_TX);
	assert_int_equal(r.delay_rts_before_send, 3);
	assert_int_equal(r.delay_rts_after_send, 20);
	assert_false(port_want_rs485(&r, &bus));
}

TEST(a_pseudo_terminal_has_no_rs485_mode)
{
	const struct conf_bus bus = {.rs485_delay_before_ms = 1};
	int fd = posix_openpt(O_RDWR | O_NOCTTY);

	assert_true(fd >= 0);
	assert_int_equal(port_use_kernel_rs485(fd, &bus), -ENOTTY);
	close(fd);
}

UNIT_MAIN(NULL, NULL)
