'use strict';
// An open instance.

const { Log } = require('./log.cjs');
const { TaskbellError, OK, checked, configText, failure, inTime, json, milliseconds, native, text, textOut } =
  require('./native.cjs');

const CLOSED = 5;
const NOT_FOUND = 13;
const EXIT_TIMEOUT_MS = 2000;

/** In the place of a configuration: the default bell, which is open already. */
const DEFAULT = Symbol('default');

const open = new Set();

/** What is open when the program, or a worker thread, ends is closed within two seconds each. */
function closeAll() {
  for (const bell of open) {
    bell.closeNow(EXIT_TIMEOUT_MS);
  }
}
process.on('exit', closeAll);

/** A number that the library gave. */
function ticketOf(value) {
  if (typeof value !== 'bigint' && !Number.isSafeInteger(value)) {
    throw new TypeError(`a ticket must be an integer, not ${typeof value}`);
  }
  return value;
}

class Bell {
  #handle;
  #log;
  #closed = false;

  constructor(config, options = {}) {
    if (config === DEFAULT) {
      this.#handle = null;
    } else {
      const handle = [null];
      checked(native().taskbell_open(configText(config), handle));
      this.#handle = handle[0];
    }
    this.#log = new Log(this.#handle);
    open.add(this);
    if (options.log !== undefined) {
      this.setLog(options.log);
    }
  }

  get closed() {
    return this.#closed;
  }

  emit(type, payload) {
    const ticket = [0];
    const body = Buffer.from(json(payload, 'payload') ?? '{}');
    checked(native().taskbell_emit(this.#open(), text(type, 'type'), body, body.length, ticket));
    return ticket[0];
  }

  taskComplete(task) {
    return this.emit('task.complete', task);
  }

  queueEnd(queue) {
    return this.emit('queue.end', queue);
  }

  metric(name, value) {
    if (typeof value !== 'number') {
      throw new TypeError(`a metric must be a number, not ${typeof value}`);
    }
    checked(native().taskbell_metric(this.#open(), text(name, 'name'), value));
  }

  async wait(ticket, timeoutMs = 30_000) {
    const number = ticketOf(ticket);
    return inTime(() => native().taskbell_wait(this.#open(), number, 0), timeoutMs);
  }

  async sync(timeoutMs = 5_000) {
    return inTime(() => native().taskbell_sync(this.#open(), 0), timeoutMs);
  }

  async flush(timeoutMs = 5_000) {
    return inTime(() => native().taskbell_flush(this.#open(), 0), timeoutMs);
  }

  poll() {
    const { status, text } = textOut((...buffer) => native().taskbell_poll(this.#open(), ...buffer));
    if (status === NOT_FOUND) {
      return null;
    }
    checked(status);
    return JSON.parse(text);
  }

  stats() {
    const { status, text } = textOut((...buffer) => native().taskbell_stats(this.#open(), ...buffer));
    checked(status);
    return JSON.parse(text);
  }

  reload(config) {
    checked(native().taskbell_reload(this.#open(), configText(config)));
  }

  setLog(log) {
    this.#open();
    this.#log.set(log);
  }

  async close(timeoutMs = 5_000) {
    const limit = milliseconds(timeoutMs);
    if (this.#closed) {
      return 0;
    }
    this.#closed = true;
    const left = [0];
    const status = await new Promise((resolve, reject) => {
      native().taskbell_close.async(this.#handle, limit, left, (fault, given) =>
        fault ? reject(fault) : resolve(given),
      );
    });
    return this.#ended(status, left);
  }

  /** As `close`, and waits in this thread: for the end of a program. */
  closeNow(timeoutMs = EXIT_TIMEOUT_MS) {
    const limit = milliseconds(timeoutMs);
    if (this.#closed) {
      return 0;
    }
    this.#closed = true;
    const left = [0];
    return this.#ended(native().taskbell_close(this.#handle, limit, left), left);
  }

  async [Symbol.asyncDispose ?? Symbol('asyncDispose')]() {
    await this.close();
  }

  #ended(status, left) {
    open.delete(this);
    this.#log.end();
    if (status !== OK && status !== CLOSED) {
      throw failure(status);
    }
    return Number(left[0]);
  }

  #open() {
    if (this.#closed) {
      throw new TaskbellError(CLOSED, 'this bell is closed');
    }
    return this.#handle;
  }
}

module.exports = { Bell, DEFAULT };
