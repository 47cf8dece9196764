/** A JSON object, or its text. Nothing means no details. */
export type Payload = object | string | null | undefined;

/** A path of a `.toml` or `.json` file, the URL of a receiver, the text of a configuration, or an object. */
export type Config = string | object;

/** Takes a line of the log: 1 error, 2 warning, 3 information, 4 every attempt. It runs on the event loop. */
export type LogFunction = (level: 1 | 2 | 3 | 4, line: string) => void;

/** The number of one accepted event, for `wait`. */
export type Ticket = number | bigint;

export interface Options {
  /** Takes the log in place of warnings of the process and `NODE_DEBUG=taskbell`. */
  log?: LogFunction;
}

/** The end of one delivery. */
export interface Report {
  event: string;
  type: string;
  endpoint: string;
  hook: number | string | null;
  state: 'delivered' | 'dead';
  attempts: number;
  status: number | null;
  reason: string | null;
  ticket: Ticket;
}

/** A finding of `check`. */
export interface Finding {
  file: string | null;
  line: number | null;
  column: number | null;
  key: string | null;
  message: string;
}

/** A call that failed. `message` is the library's sentence, `status` its number, `code` the name of the number. */
export class TaskbellError extends Error {
  readonly status: number;
  readonly code: string;
}

/** An open instance: a configuration, a spool and threads of the library's own. */
export class Bell {
  /** Opens an instance. Throws `TaskbellError` when the configuration or the spool cannot be used. */
  constructor(config: Config, options?: Options);
  readonly closed: boolean;
  /** Reports an event of any type, without waiting. Gives its ticket. */
  emit(type: string, payload?: Payload): Ticket;
  /** Reports a completed task. */
  taskComplete(task?: Payload): Ticket;
  /** Reports that the queue is empty; the library counts it itself. */
  queueEnd(queue?: Payload): Ticket;
  /** Reports the value of a metric, for `[[alerts]]`. */
  metric(name: string, value: number): void;
  /** Whether every delivery of that event has ended within the time. */
  wait(ticket: Ticket, timeoutMs?: number): Promise<boolean>;
  /** Whether all accepted events are on the disk within the time. */
  sync(timeoutMs?: number): Promise<boolean>;
  /** Whether all accepted events have been tried once within the time. */
  flush(timeoutMs?: number): Promise<boolean>;
  /** The next report of an ended delivery; null when none is available. */
  poll(): Report | null;
  /** Counters and gauges. */
  stats(): Record<string, unknown>;
  /** Applies another configuration, as a whole or not at all. */
  reload(config: Config): void;
  /** Another function for the log; null for the usual way. */
  setLog(log: LogFunction | null): void;
  /** Delivers what it can within the time, and stops. Gives the number of deliveries left for the next start. */
  close(timeoutMs?: number): Promise<number>;
  /** As `close`, and waits in this thread. */
  closeNow(timeoutMs?: number): number;
}

/** Opens the default bell, which the next functions use. */
export function init(config: Config, options?: Options): void;
/** Closes the default bell. */
export function shutdown(timeoutMs?: number): Promise<number>;
/** Reports a completed task. Opens the default bell from `$TASKBELL_CONFIG`, else `./taskbell.toml`, the first time. */
export function onTaskComplete(task?: Payload): void;
/** Reports that the queue is empty. */
export function onQueueEnd(queue?: Payload): void;
/** Checks a configuration without opening anything. */
export function check(config: Config): { ok: boolean; errors: Finding[]; warnings: Finding[] };
/** The requests that an event would cause, with secrets removed. */
export function preview(config: Config, type: string, payload?: Payload): unknown;
/** For receivers: whether a received body has a valid signature. `now` is a Unix time in seconds; 0 is the clock. */
export function verify(
  scheme: object | string,
  headers: object | string,
  body: string | Uint8Array,
  now?: number,
): boolean;
/** The version of the loaded library. */
export function version(): string;
/** The number of the ABI of the loaded library. */
export function abiVersion(): number;
