"""What both Python senders have in common: the command line, the pool of threads, the figures."""

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path


def run(sender) -> None:
    """Prints seconds, processor seconds, and p50 and p99 of what handing over a message takes, in ns."""
    url, events, in_flight, calls, path = sys.argv[1:]
    body = Path(path).read_bytes()
    send = sender(url)
    with ThreadPoolExecutor(int(in_flight)) as pool:
        start, used = time.perf_counter(), time.process_time()
        for done in [pool.submit(send, body) for _ in range(int(events))]:
            done.result()
        figures = [time.perf_counter() - start, time.process_time() - used]
        taken = []
        for _ in range(int(calls)):
            before = time.perf_counter_ns()
            last = pool.submit(send, body)
            taken.append(time.perf_counter_ns() - before)
            time.sleep(0.002)
        last.result()
    taken.sort()
    print(*figures, taken[len(taken) // 2], taken[len(taken) * 99 // 100])
