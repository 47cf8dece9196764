// The scenario in C#: reads a call per line, fields separated by tabs, and answers in one line.

using System;
using System.Collections.Generic;
using System.IO;
using System.Text;
using TaskbellNet;

internal static class Runner
{
    private static readonly Dictionary<string, Bell> Bells = new Dictionary<string, Bell>();
    private static readonly StringBuilder Logged = new StringBuilder();

    private static readonly Dictionary<string, Func<string[], string>> Calls =
        new Dictionary<string, Func<string[], string>>
        {
            { "version", field => Taskbell.Version },
            { "abi", field => "1" },
            { "init", field => Quiet(() => Taskbell.Init(field[1])) },
            { "shutdown", field => Quiet(() => Taskbell.Shutdown(Time(field[1]))) },
            { "task", field => Quiet(() => Taskbell.OnTaskComplete(field[1])) },
            { "queue", field => Quiet(() => Taskbell.OnQueueEnd(field[1])) },
            { "open", field => Quiet(() => Bells[field[1]] = new Bell(field[2])) },
            { "close", Close },
            { "reload", field => Quiet(() => Bells[field[1]].Reload(field[2])) },
            { "emit", field => Bells[field[1]].Emit(field[2], field[3]).ToString() },
            { "metric", field => Quiet(() => Bells[field[1]].Metric(field[2], double.Parse(field[3]))) },
            { "wait", field => Word(Bells[field[1]].Wait(ulong.Parse(field[2]), Time(field[3]))) },
            { "sync", field => Word(Bells[field[1]].Sync(Time(field[2]))) },
            { "flush", field => Word(Bells[field[1]].Flush(Time(field[2]))) },
            { "poll", field => Bells[field[1]].Poll() ?? "none" },
            { "stats", field => Bells[field[1]].Stats() },
            { "log", field => SetLog(field[1], false) },
            { "throw", field => SetLog(field[1], true) },
            { "logged", field => ReadLog() },
            { "check", field => Taskbell.CheckConfig(field[1]) },
            { "preview", field => Taskbell.Preview(field[1], field[2], field[3]) },
            { "verify", Verify },
        };

    private static void Main()
    {
        var utf8 = new UTF8Encoding(false);
        var input = new StreamReader(Console.OpenStandardInput(), utf8);
        var output = new StreamWriter(Console.OpenStandardOutput(), utf8) { AutoFlush = true, NewLine = "\n" };
        try
        {
            output.WriteLine("ready\t" + Taskbell.Version);
        }
        catch (Exception fault)
        {
            output.WriteLine("unusable\t" + Escaped(fault.Message));
            return;
        }
        string line;
        while ((line = input.ReadLine()) != null)
        {
            output.WriteLine(Answered(Array.ConvertAll(line.Split('\t'), Unescaped)));
        }
    }

    private static string Answered(string[] field)
    {
        try
        {
            return "ok\t" + Escaped(Calls[field[0]](field));
        }
        catch (TaskbellException fault)
        {
            return "error\t" + (int)fault.Code + "\t" + Escaped(fault.Message);
        }
        catch (ObjectDisposedException fault)
        {
            return "error\t5\tclosed: " + Escaped(fault.Message);
        }
        catch (Exception fault)
        {
            return "error\t" + fault.GetType().Name + "\t" + Escaped(fault.Message);
        }
    }

    private static string Quiet(Action call)
    {
        call();
        return "";
    }

    private static string Word(bool value)
    {
        return value ? "true" : "false";
    }

    private static TimeSpan Time(string milliseconds)
    {
        return TimeSpan.FromMilliseconds(uint.Parse(milliseconds));
    }

    private static string Close(string[] field)
    {
        return Bells[field[1]].Close(Time(field[2])).ToString();
    }

    private static string SetLog(string name, bool throws)
    {
        lock (Logged)
        {
            Logged.Clear();
        }
        Bells[name].SetLog((level, line) =>
        {
            lock (Logged)
            {
                Logged.Append(level).Append(' ').Append(line).Append('\n');
            }
            if (throws)
            {
                throw new InvalidOperationException("a log action that fails");
            }
        });
        return "";
    }

    private static string ReadLog()
    {
        lock (Logged)
        {
            return Logged.ToString();
        }
    }

    private static string Verify(string[] field)
    {
        return Word(Taskbell.Verify(field[1], field[2], Encoding.UTF8.GetBytes(field[3])));
    }

    private static string Escaped(string text)
    {
        return text.Replace("\\", "\\\\").Replace("\t", "\\t").Replace("\n", "\\n").Replace("\r", "\\r");
    }

    private static string Unescaped(string field)
    {
        if (field == "\\N")
        {
            return null;
        }
        var text = new StringBuilder();
        for (int at = 0; at < field.Length; at++)
        {
            char sign = field[at];
            if (sign == '\\')
            {
                sign = field[++at];
                sign = sign == 't' ? '\t' : sign == 'n' ? '\n' : sign == 'r' ? '\r' : sign;
            }
            text.Append(sign);
        }
        return text.ToString();
    }
}
