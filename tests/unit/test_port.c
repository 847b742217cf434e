/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/serial.h>
#include <stdlib.h>
#include <unistd.h>

#include "port.h"

static void port_without_rs485_mode_is_switched_on(void **state)
{
	struct serial_rs485 r = {0};
	const struct conf_bus bus = {0};

	(void)state;
	assert_true(port_want_rs485(&r, &bus));
	assert_int_equal(r.flags, SER_RS485_ENABLED | SER_RS485_RTS_ON_SEND);
	assert_int_equal(r.delay_rts_before_send, 0);
	assert_int_equal(r.delay_rts_after_send, 0);
	assert_false(port_want_rs485(&r, &bus));
}

static void polarity_and_delays_of_the_device_tree_are_kept(void **state)
{
	struct serial_rs485 off = {.flags = SER_RS485_RTS_AFTER_SEND, .delay_rts_before_send = 3}, on;
	const struct conf_bus bus = {0};

	(void)state;
	assert_true(port_want_rs485(&off, &bus));
	assert_int_equal(off.flags, SER_RS485_ENABLED | SER_RS485_RTS_AFTER_SEND);
	assert_int_equal(off.delay_rts_before_send, 3);
	on = (struct serial_rs485){.flags = SER_RS485_ENABLED, .delay_rts_after_send = 4};
	assert_false(port_want_rs485(&on, &bus));
}

static void delays_of_the_bus_are_set(void **state)
{
	struct serial_rs485 r = {.flags = SER_RS485_ENABLED | SER_RS485_RTS_AFTER_SEND | SER_RS485_RX_DURING_TX,
				 .delay_rts_before_send = 3,
				 .delay_rts_after_send = 4};
	const struct conf_bus bus = {.rs485_delay_after_ms = 20};

	(void)state;
	assert_true(port_want_rs485(&r, &bus));
	assert_int_equal(r.flags, SER_RS485_ENABLED | SER_RS485_RTS_AFTER_SEND | SER_RS485_RX_DURING_TX);
	assert_int_equal(r.delay_rts_before_send, 3);
	assert_int_equal(r.delay_rts_after_send, 20);
	assert_false(port_want_rs485(&r, &bus));
}

static void pseudo_terminal_has_no_rs485_mode(void **state)
{
	const struct conf_bus bus = {.rs485_delay_before_ms = 1};
	int fd = posix_openpt(O_RDWR | O_NOCTTY);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(port_use_kernel_rs485(fd, &bus), -ENOTTY);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(port_without_rs485_mode_is_switched_on),
		cmocka_unit_test(polarity_and_delays_of_the_device_tree_are_kept),
		cmocka_unit_test(delays_of_the_bus_are_set),
		cmocka_unit_test(pseudo_terminal_has_no_rs485_mode),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
