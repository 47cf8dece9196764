'use strict';
// Finds and loads the library, turns statuses into errors, and passes text in and out.

const fs = require('node:fs');
const path = require('node:path');
const prototypes = require('./prototypes.cjs');

const ABI_VERSION = 1;

const OK = 0;
const TIMEOUT = 7;
const BUFFER_TOO_SMALL = 10;
const CODES = {
  1: 'INVALID_ARGUMENT',
  2: 'INVALID_JSON',
  3: 'TOO_LARGE',
  4: 'QUEUE_FULL',
  5: 'CLOSED',
  6: 'CONFIG',
  7: 'TIMEOUT',
  8: 'SPOOL',
  9: 'FORKED',
  10: 'BUFFER_TOO_SMALL',
  11: 'SIGNATURE',
  12: 'PANIC',
  13: 'NOT_FOUND',
};

/** A call that failed; the message is the library's sentence. */
class TaskbellError extends Error {
  constructor(status, message) {
    super(message);
    this.name = 'TaskbellError';
    this.status = status;
    this.code = CODES[status] ?? `ERROR_${status}`;
  }
}

const FILE = { win32: 'taskbell.dll', darwin: 'libtaskbell.dylib' }[process.platform] ?? 'libtaskbell.so';

/** The folder of this system in the package. */
function system() {
  const names = { win32: 'win', darwin: 'osx' };
  const musl = process.platform === 'linux' && !process.report.getReport().header.glibcVersionRuntime;
  return `${names[process.platform] ?? process.platform}${musl ? '-musl' : ''}-${process.arch}`;
}

function place() {
  const named = process.env.TASKBELL_LIBRARY;
  if (named) {
    return path.resolve(named);
  }
  const inside = path.join(__dirname, '..', 'native', system(), FILE);
  return fs.existsSync(inside) ? inside : FILE;
}

/** What is wrong with a library that cannot be loaded, and what to do. */
function why(where, fault) {
  const words = fault.message.replace(/\s+/g, ' ').trim();
  if (/GLIBC_/.test(words)) {
    return `it needs a newer glibc than this system has (${words}): install a build for older systems`;
  }
  if (/find function|symbol/i.test(words)) {
    return `it lacks a function (${words}): use a library and a package of the same release`;
  }
  if (fs.existsSync(where)) {
    return `it is no library for this system, which is ${system()} (${words}): install the package on this system`;
  }
  return `there is no such file: set TASKBELL_LIBRARY to the path of the library, or install the package for ${system()}`;
}

function load() {
  const where = place();
  const calls = {};
  let found;
  try {
    const library = require('koffi').load(where);
    for (const prototype of prototypes) {
      calls[/(\w+)\(/.exec(prototype)[1]] = library.func(prototype);
    }
    found = calls.taskbell_abi_version();
  } catch (fault) {
    throw new Error(`cannot load the Taskbell library from ${where}: ${why(where, fault)}`, { cause: fault });
  }
  if (found !== ABI_VERSION) {
    throw new Error(
      `the Taskbell library ${where} has ABI version ${found}, this package needs ${ABI_VERSION}: ` +
        'use a library and a package of the same release',
    );
  }
  return calls;
}

let loaded;

/** The C functions; loads the library the first time. */
function native() {
  return (loaded ??= load());
}

/** Calls a function that fills a caller's buffer, with one of the size that it needs. */
function textOut(call) {
  for (let size = 4096; ; ) {
    const buffer = Buffer.alloc(size);
    const needed = [0];
    const status = call(buffer, size, needed);
    if (status !== BUFFER_TOO_SMALL) {
      const end = buffer.indexOf(0);
      return { status, text: buffer.toString('utf8', 0, end < 0 ? size : end) };
    }
    size = Math.max(Number(needed[0]), size + 1);
  }
}

/** The error for a status, with the sentence of this thread's last failure. */
function failure(status) {
  const { text } = textOut((...buffer) => native().taskbell_last_error(...buffer));
  return new TaskbellError(status, text);
}

/** Throws unless the call succeeded. */
function checked(status) {
  if (status !== OK) {
    throw failure(status);
  }
}

/** Text for a C string. A NUL would end it early. */
function text(value, name) {
  if (typeof value !== 'string') {
    throw new TypeError(`${name} must be a string, not ${value === null ? 'null' : typeof value}`);
  }
  if (value.includes('\0')) {
    throw new TypeError(`${name} must not contain a NUL`);
  }
  return value;
}

/** A payload as JSON: text is JSON already, an object is converted, nothing is null. */
function json(value, name) {
  if (value === undefined || value === null) {
    return null;
  }
  if (typeof value === 'object') {
    return JSON.stringify(value);
  }
  return text(value, name);
}

/** A configuration: a path, a URL, the text, or an object. */
function configText(config) {
  return typeof config === 'object' && config !== null ? JSON.stringify(config) : text(config, 'config');
}

/** Milliseconds for the library, rounded up. */
function milliseconds(value) {
  if (typeof value !== 'number' || Number.isNaN(value)) {
    throw new TypeError(`a timeout must be a number of milliseconds, not ${typeof value}`);
  }
  return Math.min(Math.max(Math.ceil(value), 0), 0xffffffff);
}

const FIRST_PAUSE_MS = 2;
const LAST_PAUSE_MS = 50;

/**
 * Whether something happens in time. `call` asks without waiting, so that neither the event loop nor a thread of
 * libuv's pool is held up, and the sentence of a failure is that of this thread.
 */
async function inTime(call, timeoutMs) {
  const end = performance.now() + milliseconds(timeoutMs);
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LAST_PAUSE_MS)) {
    const status = call();
    if (status === OK) {
      return true;
    }
    if (status !== TIMEOUT) {
      throw failure(status);
    }
    const left = end - performance.now();
    if (left <= 0) {
      return false;
    }
    await new Promise((resolve) => setTimeout(resolve, Math.min(pause, left)));
  }
}

module.exports = { TaskbellError, OK, checked, configText, failure, inTime, json, milliseconds, native, text, textOut };
