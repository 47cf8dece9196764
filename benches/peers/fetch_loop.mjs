// Sends with Node's fetch: as many loops as requests in flight.
import { readFileSync } from "node:fs";

const [url, events, inFlight, calls, path] = process.argv.slice(2);
const body = readFileSync(path);
const options = { method: "POST", headers: { "content-type": "application/json" }, body };

async function taken(answer) {
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  await answer.arrayBuffer();
}

async function loop(count) {
  for (let number = 0; number < count; number++) await taken(await fetch(url, options));
}

const start = process.hrtime.bigint();
const used = process.cpuUsage();
const share = Math.floor(events / inFlight);
const rest = events % inFlight;
await Promise.all(Array.from({ length: +inFlight }, (_, number) => loop(share + (number < rest ? 1 : 0))));
const { user, system } = process.cpuUsage(used);
const figures = [Number(process.hrtime.bigint() - start) / 1e9, (user + system) / 1e6];

// What the host's code waits for until it has its promise.
const times = [];
for (let number = 0; number < calls; number++) {
  const before = process.hrtime.bigint();
  const answer = fetch(url, options);
  times.push(Number(process.hrtime.bigint() - before));
  await taken(await answer);
}
times.sort((one, other) => one - other);
console.log(...figures, times[Math.floor(calls / 2)], times[Math.floor((calls * 99) / 100)]);
