'use strict';
// The log of a bell: asked for now and then, since no thread of the library may call a function of JavaScript.

const { debuglog } = require('node:util');
const { OK, checked, native, textOut } = require('./native.cjs');

const PAUSE_MS = 100;
const debug = debuglog('taskbell');

/** Where lines go without a function: warnings of the process, and `NODE_DEBUG=taskbell` for the rest. */
function toProcess(level, line) {
  if (level <= 2) {
    process.emitWarning(line, { type: 'TaskbellWarning' });
  } else {
    debug(line);
  }
}

/** Passes the lines of one bell to its function. */
class Log {
  #handle;
  #function = toProcess;
  #timer;

  constructor(handle) {
    this.#handle = handle;
    // It does not keep the program alive.
    this.#timer = setInterval(() => this.pass(), PAUSE_MS).unref();
    this.pass();
  }

  /** Another function, or the usual one. */
  set(log) {
    if (log !== null && log !== undefined && typeof log !== 'function') {
      throw new TypeError(`a log must be a function, not ${typeof log}`);
    }
    this.pass();
    // Turned off and on, the log begins with what is in force, so that each function gets that.
    checked(native().taskbell_set_log(this.#handle, null, null));
    this.#function = log ?? toProcess;
    this.pass();
  }

  /** Passes what waits. An error of the function stays here. */
  pass() {
    for (;;) {
      const level = [0];
      const { status, text } = textOut((...buffer) => native().taskbell_poll_log(this.#handle, level, ...buffer));
      if (status !== OK) {
        return;
      }
      try {
        this.#function(level[0], text);
      } catch {
        // The function is the host's; the bell goes on.
      }
    }
  }

  /** Passes the lines of the end, and no more. */
  end() {
    clearInterval(this.#timer);
    this.pass();
  }
}

module.exports = { Log };
