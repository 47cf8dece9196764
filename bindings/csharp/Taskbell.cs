// Taskbell for .NET: one file over the C library, C# 7.3, .NET Framework, Mono and .NET (Core) alike.
//
//     using TaskbellNet;
//     Taskbell.Init("taskbell.toml");
//     Taskbell.OnTaskComplete("{\"name\": \"render 12\", \"status\": \"success\"}");
//     Taskbell.OnQueueEnd();
//     Taskbell.Shutdown(TimeSpan.FromSeconds(5));
//
// The library (libtaskbell.so, taskbell.dll, libtaskbell.dylib) must be where the runtime looks for native
// libraries: beside the program, or on the system's library path. Every method may be called from any thread.

using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Text;

namespace TaskbellNet
{
    /// <summary>The status codes of the C functions.</summary>
    public enum TaskbellCode
    {
        Ok = 0,
        InvalidArgument = 1,
        InvalidJson = 2,
        TooLarge = 3,
        QueueFull = 4,
        Closed = 5,
        Config = 6,
        Timeout = 7,
        Spool = 8,
        Forked = 9,
        BufferTooSmall = 10,
        Signature = 11,
        Panic = 12,
        NotFound = 13,
    }

    /// <summary>A call that did not return Ok; the message is the library's own.</summary>
    public sealed class TaskbellException : Exception
    {
        /// <summary>What kind of failure it is.</summary>
        public TaskbellCode Code { get; }

        internal TaskbellException(TaskbellCode code, string message)
            : base(string.IsNullOrEmpty(message) ? code.ToString() : code + ": " + message)
        {
            Code = code;
        }
    }

    /// <summary>The process-wide default instance, and what needs no instance.</summary>
    public static class Taskbell
    {
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
        }

        /// <summary>Closes the default instance; false when the time was over first.</summary>
        public static bool Shutdown(TimeSpan timeout)
        {
            Native.RequireAbi();
            return Native.InTime(Native.taskbell_shutdown(Native.Milliseconds(timeout)));
        }

        /// <summary>One task is complete; null for a task with no details.</summary>
        public static void OnTaskComplete(string taskJson = null)
        {
            Native.RequireAbi();
            Native.Check(Native.on_task_complete(Native.Utf8(taskJson)));
        }

        /// <summary>The queue is empty. Taskbell has its own tally, so nothing need be passed.</summary>
        public static void OnQueueEnd(string queueJson = null)
        {
            Native.RequireAbi();
            Native.Check(Native.on_queue_end(Native.Utf8(queueJson)));
        }

        /// <summary>Reads a configuration without opening anything: the report as JSON.</summary>
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

        /// <summary>The requests that an event would send, as JSON, secrets taken out.</summary>
        public static string Preview(string config, string type, string json)
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

        /// <summary>For receivers: whether a received body carries a valid signature. Null: the clock.</summary>
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

    /// <summary>An instance of one's own. Dispose closes it within <see cref="DisposeTimeout"/>.</summary>
    public sealed class Bell : IDisposable
    {
        /// <summary>How long Dispose may take.</summary>
        public static readonly TimeSpan DisposeTimeout = TimeSpan.FromSeconds(2);

        // A bell with a log is held until it is closed: the library holds a pointer to its delegate,
        // which must not be collected before.
        private static readonly HashSet<Bell> Logging = new HashSet<Bell>();

        private readonly BellHandle _handle;
        private readonly object _closing = new object();
        private Native.LogFunction _log;

        /// <summary>Opens an instance from a path, or from the text of a configuration.</summary>
        public Bell(string config)
        {
            Native.RequireAbi();
            Native.Check(Native.taskbell_open(Native.Utf8(config), out _handle));
        }

        /// <summary>
        /// Refuses new events, delivers what it can within the time, and stops. Returns how many deliveries stay
        /// in the spool for the next start. Calls after it throw ObjectDisposedException.
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
                if (code == (int)TaskbellCode.Ok || code == (int)TaskbellCode.Timeout)
                {
                    _handle.SetHandleAsInvalid();
                    lock (Logging)
                    {
                        Logging.Remove(this);
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

        /// <summary>Hands over one event of any type, with a JSON object. Returns its ticket.</summary>
        public ulong Emit(string type, string json)
        {
            byte[] bytes = Native.Utf8(json);
            ulong ticket;
            UIntPtr length = bytes == null ? UIntPtr.Zero : (UIntPtr)(bytes.Length - 1);
            Native.Check(Native.taskbell_emit(_handle, Native.Utf8(type), bytes, length, out ticket));
            return ticket;
        }

        /// <summary>One task is complete.</summary>
        public ulong TaskComplete(string json = "{}")
        {
            return Emit("task.complete", json);
        }

        /// <summary>The queue is empty.</summary>
        public ulong QueueEnd(string json = "{}")
        {
            return Emit("queue.end", json);
        }

        /// <summary>Feeds [[alerts]].</summary>
        public void Metric(string name, double value)
        {
            Native.Check(Native.taskbell_metric(_handle, Native.Utf8(name), value));
        }

        /// <summary>Waits until every delivery of that event has ended; false when the time was over first.</summary>
        public bool Wait(ulong ticket, TimeSpan timeout)
        {
            return Native.InTime(Native.taskbell_wait(_handle, ticket, Native.Milliseconds(timeout)));
        }

        /// <summary>Waits until all accepted so far is on disk; false when the time was over first.</summary>
        public bool Sync(TimeSpan timeout)
        {
            return Native.InTime(Native.taskbell_sync(_handle, Native.Milliseconds(timeout)));
        }

        /// <summary>Waits until all accepted so far has been tried once; false when the time was over first.</summary>
        public bool Flush(TimeSpan timeout)
        {
            return Native.InTime(Native.taskbell_flush(_handle, Native.Milliseconds(timeout)));
        }

        /// <summary>The next report of an ended delivery, as JSON; null when there is none now.</summary>
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

        /// <summary>Takes a new configuration, whole or not at all.</summary>
        public void Reload(string config)
        {
            Native.Check(Native.taskbell_reload(_handle, Native.Utf8(config)));
        }

        /// <summary>
        /// Has the action called for each line of the log, on the library's threads; null stops it. None runs after
        /// this call or Close has returned. It must be short and not call Taskbell.
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

    /// <summary>Releases an instance that nobody closed, without waiting for anything.</summary>
    internal sealed class BellHandle : SafeHandle
    {
        private BellHandle()
            : base(IntPtr.Zero, true)
        {
        }

        public override bool IsInvalid
        {
            get { return handle == IntPtr.Zero; }
        }

        protected override bool ReleaseHandle()
        {
            return Native.taskbell_close_now(handle, 0, IntPtr.Zero) != (int)TaskbellCode.Panic;
        }
    }

    /// <summary>
    /// The C functions. Text goes in as UTF-8 bytes with a NUL, and comes back through byte buffers: that works on
    /// every runtime.
    /// </summary>
    internal static class Native
    {
        private const string Library = "taskbell";
        private const uint Abi = 1;
        private const CallingConvention C = CallingConvention.Cdecl;
        private static readonly UTF8Encoding Encoding = new UTF8Encoding(false, false);
        private static bool _abiChecked;

        [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
        internal delegate void LogFunction(IntPtr userdata, int level, IntPtr message);

        internal delegate int TextFunction(byte[] buf, UIntPtr cap, out UIntPtr needed);

        [DllImport(Library, CallingConvention = C)]
        internal static extern int on_task_complete(byte[] json);

        [DllImport(Library, CallingConvention = C)]
        internal static extern int on_queue_end(byte[] json);

        [DllImport(Library, CallingConvention = C)]
        internal static extern int taskbell_init(byte[] config);

        [DllImport(Library, CallingConvention = C)]
        internal static extern int taskbell_shutdown(uint timeoutMs);

        [DllImport(Library, CallingConvention = C)]
        internal static extern int taskbell_open(byte[] config, out BellHandle bell);

        [DllImport(Library, CallingConvention = C)]
        internal static extern int taskbell_close(BellHandle bell, uint timeoutMs, out ulong undelivered);

        [DllImport(Library, CallingConvention = C, EntryPoint = "taskbell_close")]
        internal static extern int taskbell_close_now(IntPtr bell, uint timeoutMs, IntPtr undelivered);

        [DllImport(Library, CallingConvention = C)]
        internal static extern int taskbell_reload(BellHandle bell, byte[] config);

        [DllImport(Library, CallingConvention = C)]
        internal static extern int taskbell_emit(
            BellHandle bell, byte[] type, byte[] json, UIntPtr length, out ulong ticket);

        [DllImport(Library, CallingConvention = C)]
        internal static extern int taskbell_metric(BellHandle bell, byte[] name, double value);

        [DllImport(Library, CallingConvention = C)]
        internal static extern int taskbell_wait(BellHandle bell, ulong ticket, uint timeoutMs);

        [DllImport(Library, CallingConvention = C)]
        internal static extern int taskbell_sync(BellHandle bell, uint timeoutMs);

        [DllImport(Library, CallingConvention = C)]
        internal static extern int taskbell_flush(BellHandle bell, uint timeoutMs);

        [DllImport(Library, CallingConvention = C)]
        internal static extern int taskbell_poll(BellHandle bell, byte[] buf, UIntPtr cap, out UIntPtr needed);

        [DllImport(Library, CallingConvention = C)]
        internal static extern int taskbell_stats(BellHandle bell, byte[] buf, UIntPtr cap, out UIntPtr needed);

        [DllImport(Library, CallingConvention = C)]
        internal static extern int taskbell_set_log(BellHandle bell, LogFunction function, IntPtr userdata);

        [DllImport(Library, CallingConvention = C)]
        internal static extern int taskbell_check(byte[] config, byte[] buf, UIntPtr cap, out UIntPtr needed);

        [DllImport(Library, CallingConvention = C)]
        internal static extern int taskbell_preview(
            byte[] config, byte[] type, byte[] json, byte[] buf, UIntPtr cap, out UIntPtr needed);

        [DllImport(Library, CallingConvention = C)]
        internal static extern int taskbell_verify(
            byte[] schemeJson, byte[] headersJson, byte[] body, UIntPtr length, ulong nowUnixS);

        [DllImport(Library, CallingConvention = C)]
        internal static extern int taskbell_last_error(byte[] buf, UIntPtr cap, out UIntPtr needed);

        [DllImport(Library, CallingConvention = C)]
        internal static extern uint taskbell_abi_version();

        [DllImport(Library, CallingConvention = C)]
        internal static extern IntPtr taskbell_version();

        /// <summary>Refuses a library of another ABI before anything else is called.</summary>
        internal static void RequireAbi()
        {
            if (_abiChecked)
            {
                return;
            }
            uint found = taskbell_abi_version();
            if (found != Abi)
            {
                throw new InvalidOperationException(
                    "The taskbell library has ABI version " + found + ", Taskbell.cs needs " + Abi
                    + ": use a library and a file of the same release.");
            }
            _abiChecked = true;
        }

        /// <summary>Throws for anything but Ok, with the words of the call that just failed on this thread.</summary>
        internal static void Check(int code)
        {
            if (code != 0)
            {
                string words;
                ReadText(taskbell_last_error, out words);
                throw new TaskbellException((TaskbellCode)code, words);
            }
        }

        internal static bool InTime(int code)
        {
            if (code == (int)TaskbellCode.Timeout)
            {
                return false;
            }
            Check(code);
            return true;
        }

        /// <summary>Calls with as large a buffer as the text needs; it may grow between two calls.</summary>
        internal static int ReadText(TextFunction function, out string text)
        {
            byte[] buffer = new byte[1024];
            while (true)
            {
                UIntPtr needed;
                int code = function(buffer, (UIntPtr)buffer.Length, out needed);
                if (code != (int)TaskbellCode.BufferTooSmall)
                {
                    int end = Array.IndexOf(buffer, (byte)0);
                    text = Encoding.GetString(buffer, 0, end < 0 ? buffer.Length : end);
                    return code;
                }
                buffer = new byte[Math.Max((int)needed, buffer.Length + 1)];
            }
        }

        /// <summary>UTF-8 with a NUL at the end; null stays null. Half surrogates are replaced.</summary>
        internal static byte[] Utf8(string text)
        {
            if (text == null)
            {
                return null;
            }
            byte[] bytes = new byte[Encoding.GetByteCount(text) + 1];
            Encoding.GetBytes(text, 0, text.Length, bytes, 0);
            return bytes;
        }

        internal static string FromUtf8(IntPtr text)
        {
            if (text == IntPtr.Zero)
            {
                return "";
            }
            int length = 0;
            while (Marshal.ReadByte(text, length) != 0)
            {
                length++;
            }
            byte[] bytes = new byte[length];
            Marshal.Copy(text, bytes, 0, length);
            return Encoding.GetString(bytes);
        }

        internal static uint Milliseconds(TimeSpan time)
        {
            return (uint)Math.Min(Math.Max(Math.Ceiling(time.TotalMilliseconds), 0), uint.MaxValue);
        }
    }
}
