// What a host hears at its end: Missing CONFIG (stderr|silent|own|log) (close|dispose|shutdown).

using System;
using TaskbellNet;

internal static class Missing
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static void Main(string[] arguments)
    {
        string config = arguments[0], ear = arguments[1], way = arguments[2];
        if (ear == "silent")
        {
            Taskbell.OnMissing = null;
        }
        else if (ear == "own")
        {
            Taskbell.OnMissing = line => Console.WriteLine("own " + line);
        }
        if (way == "shutdown")
        {
            Taskbell.Init(config);
            Taskbell.OnTaskComplete();
            Taskbell.Shutdown(Patience);
            return;
        }
        using (Bell bell = new Bell(config))
        {
            if (ear == "log")
            {
                bell.SetLog((level, line) => Console.WriteLine("log " + line));
            }
            bell.TaskComplete();
            bell.Flush(Patience);
            if (way == "close")
            {
                bell.Close(Patience);
            }
        }
    }
}
