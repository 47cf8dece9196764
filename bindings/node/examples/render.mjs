// Reports frames and the end of the queue: node render.mjs CONFIG
import { Bell } from 'taskbell';

const bell = new Bell(process.argv[2] ?? './taskbell.toml', { log: (level, line) => console.log(level, line) });
for (let frame = 1; frame <= 3; frame++) {
  bell.taskComplete({ name: `frame ${frame}`, duration_s: 12.5 });
}
const end = bell.queueEnd();
console.log((await bell.wait(end, 20_000)) ? 'everybody knows' : 'still waiting');
console.log(`${await bell.close()} left for the next start`);
