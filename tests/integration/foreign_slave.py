#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A foreign Modbus slave: pymodbus with the registers of an image file.

usage: foreign_slave.py IMAGE UNIT rtu DEVICE BAUD | foreign_slave.py IMAGE UNIT tcp PORT

IMAGE has lines "ADDRESS WORD WORD ...": a decimal address, then hexadecimal words; "#" begins a comment. They are holding
registers (function 3), or input registers (function 4) after the word "input". A request for any other address gets exception
2."""

import sys

from pymodbus.datastore import ModbusServerContext, ModbusSlaveContext, ModbusSparseDataBlock
from pymodbus.server import StartSerialServer, StartTcpServer

try:
    from pymodbus import FramerType
    RTU, REUSE = FramerType.RTU, {}
except ImportError:  # before 3.7
    from pymodbus.transaction import ModbusRtuFramer as RTU
    REUSE = {"allow_reuse_address": True}  # the newer ones always do

# A slave context adds one to the address of a request, as in the numbers that people give to registers.
FIRST = 1


def read_image(path):
    """The holding registers and the input registers."""
    holding, inputs = {}, {}
    for line in open(path):
        fields = line.split("#")[0].split()
        registers = inputs if fields[:1] == ["input"] else holding
        fields = fields[registers is inputs:]
        for i, word in enumerate(fields[1:]):
            registers[int(fields[0]) + FIRST + i] = int(word, 16)
    return holding, inputs


image, unit, transport, place = sys.argv[1:5]
holding, inputs = (ModbusSparseDataBlock(registers or {0: 0}) for registers in read_image(image))
slave = ModbusSlaveContext(hr=holding, ir=inputs)
context = ModbusServerContext(slaves={int(unit): slave}, single=False)
if transport == "rtu":
    StartSerialServer(context=context, framer=RTU, port=place, baudrate=int(sys.argv[5]), timeout=0.005,
                      ignore_missing_slaves=True)
else:
    StartTcpServer(context=context, address=("127.0.0.1", int(place)), ignore_missing_slaves=True, **REUSE)
