// The C functions of taskbell.h for Taskbell.cs. Text goes in as UTF-8 bytes with a NUL, and comes back
// through byte buffers: that works on every runtime.

using System;
using System.Runtime.InteropServices;
using System.Text;

namespace TaskbellNet
{
    /// <summary>Closes an instance that was left open, without waiting.</summary>
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

    /// <summary>The C functions, and the conversion of text to and from them.</summary>
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

        [DllImport(Library, CallingConvention = C, EntryPoint = "taskbell_set_log")]
        internal static extern int taskbell_set_default_log(IntPtr none, LogFunction function, IntPtr userdata);

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

        /// <summary>Refuses a library that cannot be used, before any other call: a missing one, one for another
        /// system, one with another ABI. The exceptions are the runtime's, with what to do.</summary>
        internal static void RequireAbi()
        {
            if (_abiChecked)
            {
                return;
            }
            uint found;
            try
            {
                found = taskbell_abi_version();
            }
            catch (DllNotFoundException fault)
            {
                throw new DllNotFoundException(
                    "The taskbell library is missing or cannot be loaded (" + FirstLine(fault)
                    + "): put taskbell.dll, libtaskbell.so or libtaskbell.dylib for this system next to the program.",
                    fault);
            }
            catch (BadImageFormatException fault)
            {
                throw new BadImageFormatException(
                    "The taskbell library is for another system or processor than this process of "
                    + (8 * IntPtr.Size) + " bits (" + FirstLine(fault) + "): use the one for this system.",
                    fault);
            }
            catch (EntryPointNotFoundException fault)
            {
                throw new EntryPointNotFoundException(
                    "What is called taskbell is another library or a damaged one (" + FirstLine(fault)
                    + "): use a library and a file of the same release.",
                    fault);
            }
            if (found != Abi)
            {
                throw new InvalidOperationException(
                    "The taskbell library has ABI version " + found + ", Taskbell.cs needs " + Abi
                    + ": use a library and a file of the same release.");
            }
            _abiChecked = true;
        }

        /// <summary>Lets the program end while the library's thread that calls this is there: Mono waits for each thread
        /// that has run its code and is not in the background.</summary>
        internal static void InBackground()
        {
            System.Threading.Thread.CurrentThread.IsBackground = true;
        }

        private static string FirstLine(Exception fault)
        {
            return fault.Message.Split('\n')[0].Trim();
        }

        /// <summary>Throws unless the code is Ok, with the message of this thread's last failure.</summary>
        internal static void Check(int code)
        {
            if (code != 0)
            {
                throw new TaskbellException((TaskbellCode)code, LastError());
            }
        }

        /// <summary>This thread's last failure, or what a close has to say.</summary>
        internal static string LastError()
        {
            string words;
            ReadText(taskbell_last_error, out words);
            return words;
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

        /// <summary>Calls with a buffer of the size the text needs; it may grow between two calls.</summary>
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
