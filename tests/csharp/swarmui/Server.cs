// A server that raises SwarmUI's events in SwarmUI's order, with the extension loaded. Prints its log, and "ok"
// at the end.

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Threading;
using Microsoft.AspNetCore.Http;
using SwarmUI.Accounts;
using SwarmUI.Backends;
using SwarmUI.Core;
using SwarmUI.Media;
using SwarmUI.Text2Image;
using SwarmUI.Utils;
using SwarmUI.WebAPI;
using TaskbellSwarm;

internal static class Server
{
    private static int Main(string[] arguments)
    {
        TaskbellExtension extension = new TaskbellExtension { FilePath = "src/Extensions/TaskbellExtension/" };
        if (arguments.Contains("idle"))
        {
            Stamp();
        }
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
        foreach (string wish in new[] { "webhookparams", "notify", "whom" })
        {
            Expect(T2IParamTypes.Types[wish].HideFromMetadata, "wishes stay out of images");
            Expect(T2IParamTypes.Types[wish].Permission != null, "wishes need a permission");
        }
        Expect(BasicAPIFeatures.AcceptedAPIKeyTypes.Contains("taskbell_webhook"), "users to have webhooks of their own");
        if (arguments.Contains("idle"))
        {
            Expect(T2IEngine.PostGenerateEvent == null, "nothing to be subscribed without a configuration");
        }
        if (arguments.Contains("page"))
        {
            Page();
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
        if (arguments.Contains("keep"))
        {
            Pictures();
        }
        foreach (string line in Logs.Lines.ToArray())
        {
            Console.WriteLine(line);
        }
        Console.WriteLine("ok");
        return 0;
    }

    private static void Stamp()
    {
        const string folder = "bin/extensions/SwarmExtensionTaskbellExtension";
        const string built = folder + "/SwarmExtensionTaskbellExtension-unknown.dll";
        const string objects = "obj/extensions/SwarmExtensionTaskbellExtension";
        foreach (string made in new[] { folder, objects, "source" })
        {
            System.IO.Directory.CreateDirectory(made);
        }
        System.IO.File.WriteAllText(built, "built from one");
        System.IO.File.WriteAllText("source/A.cs", "one");
        Expect(!SourceStamp.IsStale(built, "source") && !SourceStamp.IsStale(built, "source"), "the build to be used");
        System.IO.File.WriteAllText("source/A.cs", "two");
        System.IO.File.SetLastWriteTimeUtc("source/A.cs", new DateTime(2020, 1, 1));
        Expect(SourceStamp.IsStale(built, "source"), "a newer version to be noticed");
        Expect(!System.IO.File.Exists(built) && !System.IO.Directory.Exists(objects), "SwarmUI to build anew");
        System.IO.File.WriteAllText(built, "built from two");
        Expect(!SourceStamp.IsStale(built, "source"), "the new build to be used");
    }

    private static void Generate()
    {
        Program.TickNoGenerationsEvent();
        Program.TickIsGeneratingEvent();
        T2IParamInput whole = Request(1, 2);
        Make(whole, 2);
        // One backend was passed over, and another has failed.
        T2IParamInput partial = Request(2, 3);
        partial.InternalSet.ValuesInput["notify"] = "Each image";
        partial.RefusalReasons.Add("Specific backend type requested in advanced parameters did not match");
        Backend small = new Backend { Status = BackendStatus.RUNNING };
        Backend large = new Backend { Status = BackendStatus.RUNNING, SupportedFeatures = { "room" } };
        Program.Backends.AllBackends.Add(new BackendHandler.T2IBackendData { Backend = small });
        Program.Backends.AllBackends.Add(new BackendHandler.T2IBackendData { Backend = large });
        Program.TickIsGeneratingEvent();
        Make(partial, 1);
        T2IParamInput interrupted = Request(3, 2);
        CancellationTokenSource interrupt = new CancellationTokenSource();
        interrupt.Cancel();
        interrupted.InterruptToken = interrupt.Token;
        interrupted.InternalSet.ValuesInput["webhookparams"] = "{\"notify\": \"none\"}";
        Make(interrupted, 0);
        // No backend takes it.
        large.Status = BackendStatus.ERRORED;
        T2IParamInput refused = Request(4, 1);
        refused.InternalSet.ValuesInput["whom"] = "asked";
        refused.RefusalReasons.Add("No backend has \"enough\" memory");
        Make(refused, 0);
        Expect(refused.RefusalReasons.Count == 1, "the reasons to stay as they are");
        Grid();
    }

    /// <summary>The Grid Generator: each image is a request for one, all under one number, and no batch ends.</summary>
    private static void Grid()
    {
        T2IParamInput grid = Request(5, 1);
        grid.SourceSession.WaitingGenerations = 3;
        Program.Sessions.Sessions["grid"] = grid.SourceSession;
        grid.InternalSet.ValuesInput["webhooks"] = "Manual At End";
        for (int cell = 0; cell < 3; cell++)
        {
            Finish(grid.Clone());
            grid.SourceSession.WaitingGenerations--;
        }
    }

    private sealed class Backend : AbstractT2IBackend
    {
    }

    /// <summary>The tab asks, sends a test, and has a changed configuration read.</summary>
    private static void Page()
    {
        string status = Call("TaskbellStatus");
        Expect(status.Contains("\"endpoints\":[\"all\",\"asked\"]") && status.Contains("\\\"accepted\\\":"), "numbers");
        List<string> whom = T2IParamTypes.Types["whom"].GetValues(null);
        Expect(whom.SequenceEqual(new[] { "As configured", "all", "asked" }), "a choice of endpoints");
        Expect(SpinWait.SpinUntil(() => Deliveries() == 1, TimeSpan.FromSeconds(30)), "the start of the server");
        Expect(Call("TaskbellTest", "asked") == "{\"success\":true}", "a test to be sent");
        Expect(SpinWait.SpinUntil(() => Deliveries() == 2, TimeSpan.FromSeconds(30)), "a delivery");
        Expect(Call("TaskbellTest", "nobody").Contains("There is no endpoint nobody."), "a refusal");
        const string path = "Data/Taskbell/taskbell.toml";
        string good = System.IO.File.ReadAllText(path);
        System.IO.File.WriteAllText(path, good.Replace("task.note", "task.other"));
        Expect(Call("TaskbellReload") == "{\"success\":true}", "a reload");
        Expect(Call("TaskbellTest", "asked").Contains("No hook listens to task.note"), "a test that nobody hears");
        System.IO.File.WriteAllText(path, "nonsense = ");
        Expect(Call("TaskbellReload").StartsWith("{\"error\":"), "a bad configuration to be refused");
        Expect(Call("TaskbellStatus").Contains("\"asked\""), "the former one to stay in force");
    }

    private static int Deliveries()
    {
        string status = Call("TaskbellStatus");
        return int.Parse(System.Text.RegularExpressions.Regex.Match(status, "deliveries[^0-9]+([0-9]+)").Groups[1].Value);
    }

    private static string Call(string name, params object[] arguments)
    {
        object[] all = new object[] { null }.Concat(arguments).ToArray();
        object answer = API.APIHandlers[name.ToLowerInvariant()].DynamicInvoke(all);
        return ((System.Threading.Tasks.Task<Newtonsoft.Json.Linq.JObject>)answer).Result.ToString();
    }

    private static void Pictures()
    {
        RequestDelegate serve = WebServer.WebApp.Routes["/TaskbellPictures/{name}"];
        string[] kept = System.IO.Directory.GetFiles("Data/Taskbell/pictures", "*.png");
        Expect(kept.Length == 6, "every picture to be kept");
        HttpContext asked = new HttpContext();
        string name = System.IO.Path.GetFileName(kept[0]);
        asked.Request.Path = new PathString { Value = "/TaskbellPictures/" + name };
        serve(asked).Wait();
        Expect(asked.Response.ContentType == "image/png" && asked.Response.Body.Length == 1, "a picture to be served");
        HttpContext outside = new HttpContext();
        outside.Request.Path = new PathString { Value = "/TaskbellPictures/../taskbell.toml" };
        serve(outside).Wait();
        Expect(outside.Response.StatusCode == 404, "nothing else to be served");
        PictureStore.Room = 3;
        System.IO.File.WriteAllText("Data/Taskbell/pictures/mine.png", "not Taskbell's");
        new PictureStore("Data/Taskbell/pictures").CleanUp();
        Expect(System.IO.Directory.GetFiles("Data/Taskbell/pictures").Length == 4, "the folder to be bounded");
    }

    private static T2IParamInput Request(long number, int images)
    {
        T2IParamInput input = new T2IParamInput
        {
            UserRequestId = number,
            SourceSession = new Session { User = new User { UserID = "mira" } },
        };
        // A webhook of her own, at an address that the configuration does not allow.
        input.SourceSession.User.Data["taskbell_webhook///key"] = number == 2 ? "https://elsewhere.example.com/x" : null;
        if (images > 1)
        {
            // SwarmUI removes a number of one.
            input.InternalSet.ValuesInput["images"] = images;
        }
        input.InternalSet.ValuesInput["prompt"] = "ein \"großer\"\nHund";
        input.InternalSet.ValuesInput["seed"] = 7000000000L;
        input.InternalSet.ValuesInput["cfgscale"] = 7.5;
        input.InternalSet.ValuesInput["steps"] = 20;
        input.InternalSet.ValuesInput["model"] = new T2IModel { Name = "SDXL/base.safetensors", Title = "Base" };
        input.InternalSet.ValuesInput["sampler"] = "dpmpp_2m";
        input.InternalSet.ValuesInput["refinermodel"] = new T2IModel { Name = "SDXL/refiner.safetensors" };
        input.InternalSet.ValuesInput["initimage"] = new byte[] { 1, 2, 3 };
        input.InternalSet.ValuesInput["hiddennote"] = "marker";
        input.InternalSet.ValuesInput["unregistered"] = "marker";
        input.ExtraMeta["my_note"] = "for the cover";
        input.InternalSet.ValuesInput["loras"] = new List<string> { "film", "grain" };
        return input;
    }

    private static void Make(T2IParamInput input, int count)
    {
        List<T2IEngine.ImageOutput> images = new List<T2IEngine.ImageOutput>();
        for (int number = 0; number < count; number++)
        {
            Finish(input);
            images.Add(new T2IEngine.ImageOutput { GenTimeMS = 12340 });
        }
        T2IEngine.PostBatchEvent(new T2IEngine.PostBatchEventParams(input, images.ToArray()));
    }

    /// <summary>An image and its preview; then SwarmUI writes into the image which parameters nobody used.</summary>
    private static void Finish(T2IParamInput input)
    {
        MediaFile file = new MediaFile
        {
            RawData = new byte[] { 1 },
            Type = new MediaType { Extension = "png", MimeType = "image/png" },
        };
        foreach (bool preview in new[] { true, false })
        {
            T2IParamInput copy = input.Clone();
            copy.ExtraMeta["prep_time"] = "0.50 sec";
            copy.ExtraMeta["generation_time"] = "12.34 sec";
            if (preview)
            {
                copy.ExtraMeta["intermediate"] = "intermediate output";
            }
            List<string> unused = copy.Unused();
            T2IEngine.PostGenerateEvent(new T2IEngine.PostGenerationEventParams(file, copy, () => { }));
            Expect(unused.Contains("sampler") && copy.Unused().SequenceEqual(unused), "the image to stay as it is");
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
