'use strict';
// The functions that need no bell.

const { OK, checked, configText, failure, json, native, text, textOut } = require('./native.cjs');

const CONFIG = 6;
const SIGNATURE = 11;

/** Checks a configuration: the report with `ok`, `errors` and `warnings`. */
function check(config) {
  const given = configText(config);
  const { status, text } = textOut((...buffer) => native().taskbell_check(given, ...buffer));
  if (status !== OK && (status !== CONFIG || text === '')) {
    throw failure(status);
  }
  return JSON.parse(text);
}

/** The requests that an event would cause, with secrets removed; without a payload, those of a sample event. */
function preview(config, type, payload) {
  const values = [configText(config), text(type, 'type'), json(payload, 'payload')];
  const out = textOut((...buffer) => native().taskbell_preview(...values, ...buffer));
  checked(out.status);
  return JSON.parse(out.text);
}

/** Whether a received body has a valid signature; for receivers. */
function verify(scheme, headers, body, now = 0) {
  const bytes = Buffer.from(body);
  const values = [json(scheme, 'scheme'), json(headers, 'headers'), bytes, bytes.length, now];
  const status = native().taskbell_verify(...values);
  if (status === SIGNATURE) {
    return false;
  }
  checked(status);
  return true;
}

/** The version of the loaded library. */
function version() {
  return native().taskbell_version();
}

/** The number of the ABI of the loaded library. */
function abiVersion() {
  return native().taskbell_abi_version();
}

module.exports = { abiVersion, check, preview, verify, version };
