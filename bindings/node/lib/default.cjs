'use strict';
// The process-wide default bell, and the two calls of the plug-in.

const { Bell, DEFAULT } = require('./bell.cjs');
const { checked, configText, json, native } = require('./native.cjs');

let current = null;

/** The object for the default bell, which an event may have opened. */
function attach(options = {}) {
  if (current === null || current.closed) {
    current = new Bell(DEFAULT, options);
  }
  return current;
}

/** Opens the default bell. */
function init(config, options = {}) {
  checked(native().taskbell_init(configText(config)));
  attach(options);
}

/** Closes the default bell. Gives the number of deliveries that are left for the next start. */
async function shutdown(timeoutMs = 5_000) {
  return current === null ? 0 : current.close(timeoutMs);
}

/** Reports a completed task. Opens the default bell the first time. */
function onTaskComplete(task) {
  checked(native().on_task_complete(json(task, 'task')));
  attach();
}

/** Reports that the queue is empty. */
function onQueueEnd(queue) {
  checked(native().on_queue_end(json(queue, 'queue')));
  attach();
}

module.exports = { init, onQueueEnd, onTaskComplete, shutdown };
