// A server that raises SwarmUI's events in SwarmUI's order, with the extension loaded. Prints its log, and "ok"
// at the end.

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Threading;
using SwarmUI.Accounts;
using SwarmUI.Core;
using SwarmUI.Media;
using SwarmUI.Text2Image;
using SwarmUI.Utils;
using TaskbellSwarm;

internal static class Server
{
    private static int Main(string[] arguments)
    {
        TaskbellExtension extension = new TaskbellExtension { FilePath = "src/Extensions/TaskbellExtension/" };
        if (arguments.Contains("impatient"))
        {
            TimeSpan brief = TimeSpan.FromSeconds(1);
            SwarmReporter.QueueStartWait = SwarmReporter.ServerStopWait = SwarmReporter.CloseTimeout = brief;
        }
        extension.OnFirstInit();
        extension.PopulateMetadata();
        extension.OnPreInit();
        T2IParamTypes.Register<string>(new T2IParamType("[Other] Strength", "", ""));
        extension.OnInit();
        extension.OnPreLaunch();
        WebServer.WebApp.Lifetime.Started.Cancel();
        Expect(T2IParamTypes.Types["webhookparams"].HideFromMetadata, "wishes stay out of images");
        Expect(T2IParamTypes.Types["webhookparams"].Permission != null, "wishes need a permission");
        if (arguments.Contains("idle"))
        {
            Expect(T2IEngine.PostGenerateEvent == null, "nothing to be subscribed without a configuration");
        }
        Stopwatch watch = Stopwatch.StartNew();
        if (!arguments.Contains("idle"))
        {
            Generate();
            // The server may go down in the middle of its work.
            if (!arguments.Contains("busy"))
            {
                Program.TickNoGenerationsEvent();
                Program.TickNoGenerationsEvent();
            }
        }
        if (Program.PreShutdownEvent != null)
        {
            Program.PreShutdownEvent();
        }
        extension.OnShutdown();
        Expect(watch.Elapsed < TimeSpan.FromSeconds(20), "generation and shutdown not to be held");
        foreach (string line in Logs.Lines.ToArray())
        {
            Console.WriteLine(line);
        }
        Console.WriteLine("ok");
        return 0;
    }

    private static void Generate()
    {
        Program.TickNoGenerationsEvent();
        Program.TickIsGeneratingEvent();
        T2IParamInput whole = Request(1, 2);
        Make(whole, 2);
        T2IParamInput partial = Request(2, 3);
        partial.Values["webhooks"] = "Manual";
        partial.RefusalReasons.Add("No backend has \"enough\" memory");
        Program.TickIsGeneratingEvent();
        Make(partial, 1);
        T2IParamInput interrupted = Request(3, 2);
        CancellationTokenSource interrupt = new CancellationTokenSource();
        interrupt.Cancel();
        interrupted.InterruptToken = interrupt.Token;
        interrupted.Values["webhookparams"] = "{\"notify\": \"none\"}";
        Make(interrupted, 0);
    }

    private static T2IParamInput Request(long number, int images)
    {
        T2IParamInput input = new T2IParamInput
        {
            UserRequestId = number,
            SourceSession = new Session { User = new User { UserID = "mira" } },
        };
        input.Values["images"] = images;
        input.Values["prompt"] = "ein \"großer\"\nHund";
        input.Values["seed"] = 7000000000L;
        input.Values["cfgscale"] = 7.5;
        input.Values["steps"] = 20;
        input.Values["model"] = new T2IModel { Name = "SDXL/base.safetensors", Title = "Base" };
        input.Values["sampler"] = "dpmpp_2m";
        input.Values["refinermodel"] = new T2IModel { Name = "SDXL/refiner.safetensors" };
        input.Values["initimage"] = new byte[] { 1, 2, 3 };
        input.Values["hiddennote"] = "marker";
        input.Values["unregistered"] = "marker";
        input.ExtraMeta["my_note"] = "for the cover";
        input.Values["loras"] = new List<string> { "film", "grain" };
        return input;
    }

    private static void Make(T2IParamInput input, int count)
    {
        MediaFile file = new MediaFile
        {
            RawData = new byte[] { 1 },
            Type = new MediaType { Extension = "png", MimeType = "image/png" },
        };
        List<T2IEngine.ImageOutput> images = new List<T2IEngine.ImageOutput>();
        for (int number = 0; number < count; number++)
        {
            foreach (bool preview in new[] { true, false })
            {
                T2IParamInput copy = input.Clone();
                copy.ExtraMeta["prep_time"] = "0.50 sec";
                copy.ExtraMeta["generation_time"] = "12.34 sec";
                if (preview)
                {
                    copy.ExtraMeta["intermediate"] = "intermediate output";
                }
                T2IEngine.PostGenerateEvent(new T2IEngine.PostGenerationEventParams(file, copy, () => { }));
            }
            images.Add(new T2IEngine.ImageOutput { File = file, GenTimeMS = 12340 });
        }
        T2IEngine.PostBatchEvent(new T2IEngine.PostBatchEventParams(input, images.ToArray()));
    }

    private static void Expect(bool condition, string what)
    {
        if (!condition)
        {
            throw new InvalidOperationException("expected " + what);
        }
    }
}
