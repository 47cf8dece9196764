// Taskbell for SwarmUI: signed, retried webhooks that survive a crash. See README.md.

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using SwarmUI.Core;
using SwarmUI.Text2Image;
using SwarmUI.Utils;

namespace TaskbellSwarm
{
    /// <summary>Passes SwarmUI's events to Taskbell.</summary>
    public class TaskbellExtension : Extension
    {
        /// <summary>The configuration, from SwarmUI's folder. Without it the extension does nothing.</summary>
        public const string DefaultConfig = "Data/Taskbell/taskbell.toml";

        private readonly RequestReader _reader = new RequestReader();
        private PictureStore _pictures;

        /// <summary>The path of the configuration.</summary>
        internal string Config { get; private set; }

        /// <summary>Why nothing is sent; null while something is.</summary>
        internal string Fault { get; private set; }

        /// <summary>Null while nothing is sent.</summary>
        internal SwarmReporter Reporter { get; private set; }

        /// <inheritdoc/>
        public override void PopulateMetadata()
        {
            Version = "0.1.0";
            ExtensionAuthor = "Taskbell";
            Description = "Notifies people and systems when queues and images are done: webhooks, signed and retried.";
            License = "MIT";
        }

        /// <inheritdoc/>
        public override void OnPreInit()
        {
            ScriptFiles.Add("Assets/taskbell_page.js");
        }

        /// <inheritdoc/>
        public override void OnInit()
        {
            Wishes.Register(() => Reporter == null ? new List<string>() : Reporter.Endpoints());
            TaskbellPage.Register(this);
            string named = Environment.GetEnvironmentVariable("TASKBELL_CONFIG");
            Config = string.IsNullOrEmpty(named) ? Path.GetFullPath(DefaultConfig) : named;
            _pictures = new PictureStore(Path.Combine(Path.GetDirectoryName(Path.GetFullPath(Config)), "pictures"));
            Guard(WarnOfOldBuild);
            if (Start())
            {
                return;
            }
            if (File.Exists(Config))
            {
                // A notifier that cannot start must not keep SwarmUI from starting.
                Logs.Error("[Taskbell] Nothing is sent: " + Fault);
            }
            else
            {
                Logs.Info("[Taskbell] " + Fault);
            }
        }

        /// <inheritdoc/>
        public override void OnPreLaunch()
        {
            TaskbellPage.Serve(_pictures);
            WebServer.WebApp.Lifetime.ApplicationStarted.Register(() =>
            {
                if (Reporter != null)
                {
                    Reporter.ServerStarted(Utilities.Version);
                }
            });
        }

        /// <inheritdoc/>
        public override void OnShutdown()
        {
            if (Reporter != null)
            {
                Reporter.Close();
            }
        }

        /// <summary>Reads the configuration again, or for the first time. Returns why that failed; null: it did not.</summary>
        internal string Reload()
        {
            if (Reporter == null)
            {
                return Start() ? null : Fault;
            }
            string fault = Reporter.Reload(Config);
            if (fault == null)
            {
                _reader.Asked = TemplateTags.Read(Config, T2IParamTypes.CleanTypeName);
            }
            return fault;
        }

        private bool Start()
        {
            try
            {
                if (!File.Exists(Config))
                {
                    Fault = "There is no " + Config + ", so nothing is sent.";
                    return false;
                }
                NativeLocation.Register(FilePath);
                Reporter = new SwarmReporter(Config, Log);
                _reader.Asked = TemplateTags.Read(Config, T2IParamTypes.CleanTypeName);
            }
            catch (Exception fault)
            {
                Fault = fault.Message;
                return false;
            }
            Fault = null;
            Subscribe();
            return true;
        }

        private void WarnOfOldBuild()
        {
            string assembly = typeof(TaskbellExtension).Assembly.Location;
            if (Directory.Exists(FilePath) && File.Exists(assembly) && SourceStamp.IsStale(assembly, FilePath))
            {
                Logs.Warning("[Taskbell] The files of the extension were replaced; this is still the former version. "
                    + "Restart SwarmUI once more: it builds the new one then.");
            }
        }

        private void Subscribe()
        {
            Program.TickIsGeneratingEvent += Reporter.Busy;
            Program.TickNoGenerationsEvent += Reporter.Idle;
            Program.PreShutdownEvent += Reporter.ServerStopping;
            T2IEngine.PostGenerateEvent += made => Guard(() => OnFile(made));
            T2IEngine.PostBatchEvent += batch => Guard(() => OnBatch(batch));
        }

        private void OnFile(T2IEngine.PostGenerationEventParams made)
        {
            if (made.UserInput.ExtraMeta.ContainsKey("intermediate"))
            {
                return;
            }
            SwarmUI.Media.MediaType type = made.File == null ? null : made.File.Type;
            string path = null;
            Guard(() => path = type == null ? null : _pictures.Keep(made.File.RawData, type.Extension));
            Reporter.Finished(_reader.Read(made.UserInput, 1), new OutputFacts
            {
                Mime = type == null ? null : type.MimeType,
                Path = path,
                GenerationTime = Note(made.UserInput, "generation_time"),
                PrepTime = Note(made.UserInput, "prep_time"),
            });
        }

        private void OnBatch(T2IEngine.PostBatchEventParams batch)
        {
            int made = batch.Images == null ? 0 : batch.Images.Count(image => image.IsReal);
            RequestFacts request = _reader.Read(batch.UserInput, 0);
            bool interrupted = batch.UserInput.InterruptToken.IsCancellationRequested;
            Reporter.RequestOver(request, made, interrupted, () => RequestReader.Refusal(batch.UserInput));
        }

        private static string Note(T2IParamInput input, string name)
        {
            object note;
            return input.ExtraMeta.TryGetValue(name, out note) && note != null ? note.ToString() : null;
        }

        private static void Guard(Action action)
        {
            try
            {
                action();
            }
            catch (Exception fault)
            {
                Logs.Error("[Taskbell] " + fault.Message);
            }
        }

        private static void Log(int level, string message)
        {
            string line = "[Taskbell] " + message;
            if (level <= 1)
            {
                Logs.Error(line);
            }
            else if (level == 2)
            {
                Logs.Warning(line);
            }
            else if (level == 3)
            {
                Logs.Info(line);
            }
            else
            {
                Logs.Debug(line);
            }
        }
    }
}
