"""The Python twin of ``tests/c/crash_host.c``: ``crash_host.py CONFIG LOG RUN THREADS``."""

from __future__ import annotations

import os
import sys
import threading
import time

import taskbell


def emit_until_killed(bell: taskbell.Bell, first: int, log: int) -> None:
    count = 0
    while True:
        number = first + count
        kind = "task.complete" if count % 16 == 0 else "test.quiet"
        task = {"id": str(number), "name": "x" * (count * 7 % 200)}
        while True:
            try:
                bell.emit(kind, task)
                break
            except taskbell.TaskbellError as refusal:
                if refusal.name != "QUEUE_FULL":
                    raise
                time.sleep(0)
        os.write(log, number.to_bytes(8, sys.byteorder))
        count += 1


def main() -> None:
    config, name, run, threads = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    bell = taskbell.Bell(config)
    os.write(1, b"open\n")
    for at in range(threads):
        log = os.open(f"{name}.{at}", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        arguments = (bell, run << 40 | at << 32, log)
        threading.Thread(target=emit_until_killed, args=arguments, daemon=True).start()
    while True:
        time.sleep(60)


if __name__ == "__main__":
    main()
