// A small host: Sample [CONFIG]. Prints the library's answers, and "ok" at the end. Without CONFIG the default
// instance opens itself, from TASKBELL_CONFIG.

using System;
using TaskbellNet;

internal static class Sample
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static int Main(string[] arguments)
    {
        if (arguments.Length > 1)
        {
            Console.Error.WriteLine("usage: Sample [CONFIG]");
            return 2;
        }
        Heard heard = new Heard();
        System.Diagnostics.Trace.Listeners.Add(heard);
        Console.WriteLine("version " + Taskbell.Version);
        if (arguments.Length == 0)
        {
            Taskbell.OnTaskComplete("{\"webhook_params\": 7}");
            Taskbell.Shutdown(Patience);
        }
        else
        {
            DefaultInstance(arguments[0]);
            OwnInstance(arguments[0]);
        }
        Expect(heard.Text.Contains("taskbell: 1 endpoint, 1 hook"), "the start to be traced");
        Expect(heard.Text.Contains("webhook_params is not an object"), "ignored parameters to be traced");
        Console.WriteLine("ok");
        return 0;
    }

    /// <summary>What the library's log wrote to Trace.</summary>
    private sealed class Heard : System.Diagnostics.TraceListener
    {
        private readonly System.Text.StringBuilder _text = new System.Text.StringBuilder();

        internal string Text
        {
            get
            {
                lock (_text)
                {
                    return _text.ToString();
                }
            }
        }

        public override void Write(string message)
        {
            lock (_text)
            {
                _text.Append(message);
            }
        }

        public override void WriteLine(string message)
        {
            Write(message + "\n");
        }
    }

    private static void DefaultInstance(string config)
    {
        Taskbell.Init(config);
        Taskbell.OnTaskComplete("{\"name\": \"Zeichnung 7, größer\", \"status\": \"success\"}");
        Taskbell.OnTaskComplete("{\"webhook_params\": 7}");
        Taskbell.OnQueueEnd();
        Taskbell.Shutdown(Patience);
    }

    private static void OwnInstance(string config)
    {
        Bell bell = new Bell(config);
        int lines = 0;
        bell.SetLog((level, message) => lines++);
        ulong ticket = bell.TaskComplete("{\"name\": \"from a bell\"}");
        Expect(bell.Sync(Patience), "sync");
        Expect(bell.Wait(ticket, Patience), "wait");
        Expect(bell.Flush(Patience), "flush");
        bell.Metric("disk.free_gb", 12.5);
        Expect(bell.Poll() != null, "a report");
        Expect(bell.Stats().StartsWith("{"), "statistics");
        try
        {
            bell.Emit("Not A Type", "{}");
            Expect(false, "a refusal");
        }
        catch (TaskbellException fault)
        {
            Console.WriteLine("refused: " + fault.Message);
            Expect(fault.Code == TaskbellCode.InvalidArgument, "the right code");
        }
        GC.Collect();
        GC.WaitForPendingFinalizers();
        bell.TaskComplete();
        Expect(bell.Close(Patience) == 0, "nothing left");
        Expect(bell.Close(Patience) == 0, "a second close");
        try
        {
            bell.TaskComplete();
            Expect(false, "an error after close");
        }
        catch (ObjectDisposedException)
        {
            Console.WriteLine("closed");
        }
    }

    private static void Expect(bool condition, string what)
    {
        if (!condition)
        {
            throw new InvalidOperationException("expected " + what);
        }
    }
}
