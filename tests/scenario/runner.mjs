// The scenario in JavaScript: reads a call per line, fields separated by tabs, and answers in one line.
import { createInterface } from 'node:readline';
import { createRequire } from 'node:module';

const ESCAPES = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };
const PLAIN = { t: '\t', n: '\n', r: '\r', '\\': '\\' };
const unescaped = (field) => (field === '\\N' ? null : field.replace(/\\(.)/g, (_, sign) => PLAIN[sign]));
const escaped = (value) => String(value).replace(/[\\\t\n\r]/g, (sign) => ESCAPES[sign]);
const answer = (...fields) => process.stdout.write(fields.map(escaped).join('\t') + '\n');

// The two ways of importing are the same package.
const taskbell = await import('taskbell');
const required = createRequire(import.meta.url)('taskbell');
if (required.Bell !== taskbell.Bell || required.TaskbellError !== taskbell.TaskbellError) {
  throw new Error('require and import give two packages');
}
try {
  answer('ready', taskbell.version());
} catch (fault) {
  answer('unusable', fault.message);
  process.exit(0);
}

const bells = new Map();
let logged = [];
const keep = (level, line) => logged.push(`${level} ${line}`);
const shown = (value) => (typeof value === 'object' && value !== null ? JSON.stringify(value) : (value ?? ''));

function setLog(name, log) {
  logged = [];
  bells.get(name).setLog(log);
}

async function wrong(name) {
  const bell = bells.get(name);
  const calls = [
    () => bell.emit(7, '{}'),
    () => bell.emit('test.event', 7),
    () => bell.emit(null, '{}'),
    () => bell.emit('test\0event', '{}'),
    () => bell.metric('a', '1'),
    () => bell.wait('first'),
    () => bell.setLog('log'),
    () => new taskbell.Bell(7),
  ];
  for (const call of calls) {
    try {
      await call();
    } catch (fault) {
      if (fault instanceof TypeError) continue;
    }
    return `${call} was taken`;
  }
  return 'each was a wrong type';
}

const calls = {
  version: () => taskbell.version(),
  abi: () => taskbell.abiVersion(),
  init: (config) => taskbell.init(config),
  shutdown: (ms) => taskbell.shutdown(Number(ms)),
  task: (task) => taskbell.onTaskComplete(task),
  queue: (queue) => taskbell.onQueueEnd(queue),
  open: (name, config) => void bells.set(name, new taskbell.Bell(config)),
  close: (name, ms) => bells.get(name).close(Number(ms)),
  reload: (name, config) => bells.get(name).reload(config),
  emit: (name, type, payload) => bells.get(name).emit(type, payload),
  metric: (name, metric, value) => bells.get(name).metric(metric, Number(value)),
  wait: (name, ticket, ms) => bells.get(name).wait(BigInt(ticket), Number(ms)),
  sync: (name, ms) => bells.get(name).sync(Number(ms)),
  flush: (name, ms) => bells.get(name).flush(Number(ms)),
  poll: (name) => bells.get(name).poll() ?? 'none',
  stats: (name) => bells.get(name).stats(),
  log: (name) => setLog(name, keep),
  throw: (name) =>
    setLog(name, (level, line) => {
      keep(level, line);
      throw new Error('a log function that fails');
    }),
  logged: () => logged.join('\n'),
  check: (config) => taskbell.check(config),
  preview: (config, type, payload) => taskbell.preview(config, type, payload),
  verify: (scheme, headers, body, now) => taskbell.verify(scheme, headers, body, Number(now)),
  wrong,
};

for await (const line of createInterface({ input: process.stdin })) {
  const [name, ...fields] = line.split('\t').map(unescaped);
  try {
    answer('ok', shown(await calls[name](...fields)));
  } catch (fault) {
    answer('error', fault.status ?? fault.name, fault.message);
  }
}
