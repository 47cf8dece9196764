// Taskbell for .NET: this file and Native.cs over the C library; C# 7.3, .NET Framework, Mono and .NET alike.
//
//     using TaskbellNet;
//     Taskbell.Init("taskbell.toml");
//     Taskbell.OnTaskComplete("{\"name\": \"render 12\", \"status\": \"success\"}");
//     Taskbell.OnQueueEnd();
//     Taskbell.Shutdown(TimeSpan.FromSeconds(5));
//
// The library (libtaskbell.so, taskbell.dll, libtaskbell.dylib) must be where the runtime looks for native
// libraries: next to the program, or on the system's library path. Every method may be called from any thread.

// Calls of Trace are left out without it.
#define TRACE

using System;
using System.Collections.Generic;

namespace TaskbellNet
{
    /// <summary>The status codes of the C functions.</summary>
    public enum TaskbellCode
    {
        /// <summary>Success. An event is accepted and will be delivered.</summary>
        Ok = 0,
        /// <summary>NULL for a required value, invalid UTF-8, an invalid name, a number out of range.</summary>
        InvalidArgument = 1,
        /// <summary>The event is not one JSON object.</summary>
        InvalidJson = 2,
        /// <summary>The event is larger than <c>queue.max_event_bytes</c>.</summary>
        TooLarge = 3,
        /// <summary>Events come faster than the spool takes them; try again in a few milliseconds.</summary>
        QueueFull = 4,
        /// <summary>The bell is closed.</summary>
        Closed = 5,
        /// <summary>The configuration has an error.</summary>
        Config = 6,
        /// <summary>The timeout passed.</summary>
        Timeout = 7,
        /// <summary>The spool cannot be opened or written.</summary>
        Spool = 8,
        /// <summary>This process was forked from the one that opened the bell; <see cref="Taskbell.Init(string)"/> opens its own.</summary>
        Forked = 9,
        /// <summary>The buffer is too small; this class asks again with a larger one.</summary>
        BufferTooSmall = 10,
        /// <summary>The signature is invalid or too old.</summary>
        Signature = 11,
        /// <summary>Taskbell caught a defect of its own; the message of the exception has it.</summary>
        Panic = 12,
        /// <summary>No report is available, or the ticket was never returned.</summary>
        NotFound = 13,
    }

    /// <summary>A call that failed; the message comes from the library.</summary>
    public sealed class TaskbellException : Exception
    {
        /// <summary>The status code of the failure.</summary>
        public TaskbellCode Code { get; }

        internal TaskbellException(TaskbellCode code, string message)
            : base(string.IsNullOrEmpty(message) ? code.ToString() : code + ": " + message)
        {
            Code = code;
        }
    }

    /// <summary>The process-wide default instance, and functions that need no instance.</summary>
    public static class Taskbell
    {
        /// <summary>
        /// Takes the line about messages that did not arrive, when an instance without a log action was closed:
        /// "3 messages did not arrive: …; see `taskbell list`". Writes to standard error unless another action is
        /// assigned; null is silence.
        /// </summary>
        public static Action<string> OnMissing { get; set; } = line => Console.Error.WriteLine("taskbell: " + line);

        /// <summary>
        /// Takes the log of every instance that has no log action of its own: what is in force at the start, messages
        /// that are given up, endpoints that are gone, and parts of events that are ignored. Writes to
        /// System.Diagnostics.Trace unless another action is assigned; null is silence. The levels are those of
        /// <see cref="Bell.SetLog"/>; it is called on a thread of the library, and must not call Taskbell.
        /// </summary>
        public static Action<int, string> OnLog { get; set; } = Trace;

        // Held for the process: the library keeps a pointer to it.
        internal static readonly Native.LogFunction DefaultLog = (userdata, level, message) =>
        {
            try
            {
                Native.InBackground();
                Action<int, string> log = OnLog;
                if (log != null)
                {
                    log(level, Native.FromUtf8(message));
                }
            }
            catch (Exception)
            {
                // Nothing may be thrown into the library's thread: that would end the process.
            }
        };

        private static int _hasDefaultLog;

        /// <summary>The default instance may have opened itself. One without a log still works.</summary>
        private static void LogDefault()
        {
            if (System.Threading.Interlocked.Exchange(ref _hasDefaultLog, 1) == 0)
            {
                Native.taskbell_set_default_log(IntPtr.Zero, DefaultLog, IntPtr.Zero);
            }
        }

        private static void Trace(int level, string message)
        {
            string line = "taskbell: " + message;
            if (level == 1)
            {
                System.Diagnostics.Trace.TraceError("{0}", line);
            }
            else if (level == 2)
            {
                System.Diagnostics.Trace.TraceWarning("{0}", line);
            }
            else if (level == 3)
            {
                System.Diagnostics.Trace.TraceInformation("{0}", line);
            }
        }

        internal static void TellMissing()
        {
            Action<string> tell = OnMissing;
            string line = tell == null ? "" : Native.LastError();
            if (line.Length == 0)
            {
                return;
            }
            try
            {
                tell(line);
            }
            catch (Exception)
            {
                // The instance is closed, whoever cannot hear of it.
            }
        }

        /// <summary>The version of the loaded library.</summary>
        public static string Version
        {
            get
            {
                Native.RequireAbi();
                return Native.FromUtf8(Native.taskbell_version());
            }
        }

        /// <summary>Opens the default instance from a path, or from the text of a configuration.</summary>
        public static void Init(string config)
        {
            Native.RequireAbi();
            Native.Check(Native.taskbell_init(Native.Utf8(config)));
            _hasDefaultLog = 0;
            LogDefault();
        }

        /// <summary>Closes the default instance. Undelivered messages stay in the spool for the next start.</summary>
        public static void Shutdown(TimeSpan timeout)
        {
            Native.RequireAbi();
            _hasDefaultLog = 0;
            if (Native.InTime(Native.taskbell_shutdown(Native.Milliseconds(timeout))))
            {
                TellMissing();
            }
        }

        /// <summary>Reports a completed task; null for a task without details.</summary>
        public static void OnTaskComplete(string taskJson = null)
        {
            Native.RequireAbi();
            Native.Check(Native.on_task_complete(Native.Utf8(taskJson)));
            LogDefault();
        }

        /// <summary>Reports that the queue is empty. Taskbell counts the queue itself.</summary>
        public static void OnQueueEnd(string queueJson = null)
        {
            Native.RequireAbi();
            Native.Check(Native.on_queue_end(Native.Utf8(queueJson)));
            LogDefault();
        }

        /// <summary>Checks a configuration without opening anything: the report as JSON.</summary>
        public static string CheckConfig(string config)
        {
            Native.RequireAbi();
            byte[] bytes = Native.Utf8(config);
            string report;
            int code = Native.ReadText(
                (byte[] buf, UIntPtr cap, out UIntPtr needed) => Native.taskbell_check(bytes, buf, cap, out needed),
                out report);
            if (code != (int)TaskbellCode.Config || report.Length == 0)
            {
                Native.Check(code);
            }
            return report;
        }

        /// <summary>The requests an event would cause, as JSON, with secrets removed; null: a sample event.</summary>
        public static string Preview(string config, string type, string json = null)
        {
            Native.RequireAbi();
            byte[] configBytes = Native.Utf8(config), typeBytes = Native.Utf8(type), jsonBytes = Native.Utf8(json);
            string requests;
            Native.Check(Native.ReadText(
                (byte[] buf, UIntPtr cap, out UIntPtr needed) =>
                    Native.taskbell_preview(configBytes, typeBytes, jsonBytes, buf, cap, out needed),
                out requests));
            return requests;
        }

        /// <summary>For receivers: whether a received body has a valid signature. Null: now.</summary>
        public static bool Verify(string schemeJson, string headersJson, byte[] body, DateTimeOffset? now = null)
        {
            Native.RequireAbi();
            ulong seconds = now.HasValue ? (ulong)Math.Max(0, now.Value.ToUnixTimeSeconds()) : 0;
            int code = Native.taskbell_verify(
                Native.Utf8(schemeJson), Native.Utf8(headersJson), body, (UIntPtr)body.Length, seconds);
            if (code == (int)TaskbellCode.Signature)
            {
                return false;
            }
            Native.Check(code);
            return true;
        }
    }

    /// <summary>An instance with its own configuration. Dispose closes it within <see cref="DisposeTimeout"/>.</summary>
    public sealed class Bell : IDisposable
    {
        /// <summary>The longest time Dispose takes.</summary>
        public static readonly TimeSpan DisposeTimeout = TimeSpan.FromSeconds(2);

        // A bell with a log is held until it is closed: the library holds a pointer to its delegate,
        // which must not be collected before.
        private static readonly HashSet<Bell> Logging = new HashSet<Bell>();

        private readonly BellHandle _handle;
        private readonly object _closing = new object();
        private readonly EventHandler _atExit;
        private Native.LogFunction _log;

        /// <summary>
        /// Opens an instance from a path, or from the text of a configuration. The log is that of
        /// <see cref="SetLog"/>, from its first line on; null: <see cref="Taskbell.OnLog"/>.
        /// </summary>
        public Bell(string config, Action<int, string> log = null)
        {
            Native.RequireAbi();
            Native.Check(Native.taskbell_open(Native.Utf8(config), out _handle));
            _atExit = CloseAtExit(new WeakReference<Bell>(this));
            AppDomain.CurrentDomain.ProcessExit += _atExit;
            if (log != null)
            {
                SetLog(log);
                return;
            }
            // An instance without a log still works.
            Native.taskbell_set_log(_handle, Taskbell.DefaultLog, IntPtr.Zero);
        }

        /// <summary>Closes a bell that is left open when the program ends, and does not keep it until then.</summary>
        private static EventHandler CloseAtExit(WeakReference<Bell> left)
        {
            return (sender, arguments) =>
            {
                Bell bell;
                if (left.TryGetTarget(out bell))
                {
                    bell.Dispose();
                }
            };
        }

        /// <summary>
        /// Refuses new events, delivers what it can within the time, and stops. Returns the number of deliveries
        /// left in the spool for the next start. Later calls throw ObjectDisposedException. When a call of the log
        /// action has not returned by then, the next Close waits for it.
        /// </summary>
        public ulong Close(TimeSpan timeout)
        {
            lock (_closing)
            {
                if (_handle.IsClosed || _handle.IsInvalid)
                {
                    return 0;
                }
                ulong undelivered;
                int code = Native.taskbell_close(_handle, Native.Milliseconds(timeout), out undelivered);
                if (code == (int)TaskbellCode.Ok)
                {
                    _handle.SetHandleAsInvalid();
                    AppDomain.CurrentDomain.ProcessExit -= _atExit;
                    lock (Logging)
                    {
                        Logging.Remove(this);
                    }
                    if (_log == null)
                    {
                        Taskbell.TellMissing();
                    }
                }
                Native.InTime(code);
                return undelivered;
            }
        }

        /// <summary>The same as Close(DisposeTimeout), and never throws.</summary>
        public void Dispose()
        {
            try
            {
                Close(DisposeTimeout);
            }
            catch (TaskbellException)
            {
                _handle.Dispose();
            }
        }

        /// <summary>Reports one event of any type, with a JSON object. Returns its ticket.</summary>
        public ulong Emit(string type, string json)
        {
            byte[] bytes = Native.Utf8(json);
            ulong ticket;
            UIntPtr length = bytes == null ? UIntPtr.Zero : (UIntPtr)(bytes.Length - 1);
            Native.Check(Native.taskbell_emit(_handle, Native.Utf8(type), bytes, length, out ticket));
            return ticket;
        }

        /// <summary>Reports a completed task.</summary>
        public ulong TaskComplete(string json = "{}")
        {
            return Emit("task.complete", json);
        }

        /// <summary>Reports that the queue is empty.</summary>
        public ulong QueueEnd(string json = "{}")
        {
            return Emit("queue.end", json);
        }

        /// <summary>Reports the value of a metric, for [[alerts]].</summary>
        public void Metric(string name, double value)
        {
            Native.Check(Native.taskbell_metric(_handle, Native.Utf8(name), value));
        }

        /// <summary>Waits until every delivery of that event has ended; false after the timeout.</summary>
        public bool Wait(ulong ticket, TimeSpan timeout)
        {
            return Native.InTime(Native.taskbell_wait(_handle, ticket, Native.Milliseconds(timeout)));
        }

        /// <summary>Waits until all accepted events are on disk; false after the timeout.</summary>
        public bool Sync(TimeSpan timeout)
        {
            return Native.InTime(Native.taskbell_sync(_handle, Native.Milliseconds(timeout)));
        }

        /// <summary>Waits until all accepted events have been tried once; false after the timeout.</summary>
        public bool Flush(TimeSpan timeout)
        {
            return Native.InTime(Native.taskbell_flush(_handle, Native.Milliseconds(timeout)));
        }

        /// <summary>The next report of an ended delivery, as JSON; null when none is available.</summary>
        public string Poll()
        {
            string report;
            int code = Native.ReadText(
                (byte[] buf, UIntPtr cap, out UIntPtr needed) => Native.taskbell_poll(_handle, buf, cap, out needed),
                out report);
            if (code == (int)TaskbellCode.NotFound)
            {
                return null;
            }
            Native.Check(code);
            return report;
        }

        /// <summary>Counters and gauges, as JSON.</summary>
        public string Stats()
        {
            string numbers;
            Native.Check(Native.ReadText(
                (byte[] buf, UIntPtr cap, out UIntPtr needed) => Native.taskbell_stats(_handle, buf, cap, out needed),
                out numbers));
            return numbers;
        }

        /// <summary>Applies a new configuration, as a whole or not at all.</summary>
        public void Reload(string config)
        {
            Native.Check(Native.taskbell_reload(_handle, Native.Utf8(config)));
        }

        /// <summary>
        /// Calls the action for each line of the log in place of <see cref="Taskbell.OnLog"/>, on a thread of the
        /// library; null stops it. The level is 1 for
        /// errors, 2 for warnings, 3 for information and 4 for details. The former action never runs after this call
        /// or Close has returned. It must not call Taskbell.
        /// </summary>
        public void SetLog(Action<int, string> log)
        {
            Native.LogFunction function = null;
            if (log != null)
            {
                function = (userdata, level, message) =>
                {
                    try
                    {
                        Native.InBackground();
                        log(level, Native.FromUtf8(message));
                    }
                    catch (Exception)
                    {
                        // Nothing may be thrown into the library's thread: that would end the process.
                    }
                };
            }
            Native.Check(Native.taskbell_set_log(_handle, function, IntPtr.Zero));
            _log = function;
            lock (Logging)
            {
                if (function == null)
                {
                    Logging.Remove(this);
                }
                else
                {
                    Logging.Add(this);
                }
            }
            GC.KeepAlive(_log);
        }
    }
}
