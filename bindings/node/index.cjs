'use strict';

const { Bell } = require('./lib/bell.cjs');
const { TaskbellError } = require('./lib/native.cjs');
const defaultBell = require('./lib/default.cjs');
const tools = require('./lib/tools.cjs');

module.exports = { Bell, TaskbellError, ...defaultBell, ...tools };
