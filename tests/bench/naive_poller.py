#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""naive_poller.py - the poller that people write in an afternoon: pymodbus, one read per value, one row per value.

tallyd is measured against it, so it stays as such programs usually are and is not improved.
Usage: naive_poller.py DATABASE VALUES PERIOD_S UNIT... (--tcp PORT | --serial DEVICE BAUD)
VALUES is a file of lines "name address type scale"."""

import sqlite3
import struct
import sys
import time

from pymodbus.client import ModbusSerialClient, ModbusTcpClient


def read_value(client, unit, address, kind):
    count = 1 if kind == "u16" else 2
    answer = client.read_holding_registers(address, count=count, slave=unit)
    if answer.isError():
        raise IOError(str(answer))
    if kind == "u16":
        return answer.registers[0]
    raw = struct.pack(">HH", *answer.registers)
    return struct.unpack(">i" if kind == "s32" else ">I", raw)[0]


def poll(client, db, units, values):
    now = int(time.time())
    for unit in units:
        try:
            for name, address, kind, scale in values:
                value = read_value(client, unit, address, kind) * scale
                db.execute("INSERT INTO readings VALUES (?, ?, ?, ?)", (now, unit, name, value))
        except Exception as error:
            print(f"unit {unit}: {error}", file=sys.stderr)
    db.commit()


def main():
    args = sys.argv[1:]
    if "--tcp" in args:
        at = args.index("--tcp")
        client = ModbusTcpClient("127.0.0.1", port=int(args[at + 1]), timeout=1)
    else:
        at = args.index("--serial")
        client = ModbusSerialClient(port=args[at + 1], baudrate=int(args[at + 2]), timeout=1)
    path, values_path, period_s, *units = args[:at]
    with open(values_path) as f:
        values = [(n, int(a), k, float(s)) for n, a, k, s in (line.split() for line in f)]
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE IF NOT EXISTS readings (ts INTEGER, meter INTEGER, name TEXT, value REAL)")
    db.execute("CREATE INDEX IF NOT EXISTS readings_by_meter ON readings (meter, name, ts)")
    client.connect()
    while True:
        start = time.time()
        poll(client, db, [int(u) for u in units], values)
        time.sleep(max(0, float(period_s) - (time.time() - start)))


if __name__ == "__main__":
    main()
