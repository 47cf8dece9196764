// Taskbell for SwarmUI: signed, retried webhooks that survive a crash. See README.md.

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using SwarmUI.Accounts;
using SwarmUI.Core;
using SwarmUI.Text2Image;
using SwarmUI.Utils;
using TaskbellNet;

namespace TaskbellSwarm
{
    /// <summary>Passes SwarmUI's events to Taskbell.</summary>
    public class TaskbellExtension : Extension
    {
        /// <summary>The configuration, from SwarmUI's folder. Without it the extension does nothing.</summary>
        public const string DefaultConfig = "Data/Taskbell/taskbell.toml";

        /// <summary>The longest parameter other than a prompt, in characters.</summary>
        private const int LongestParam = 4000;

        /// <summary>The webhook_params of a request; never saved into images.</summary>
        public static T2IRegisteredParam<string> WebhookParams;

        private SwarmReporter _reporter;
        private HashSet<string> _asked = new HashSet<string>();

        /// <inheritdoc/>
        public override void PopulateMetadata()
        {
            Version = "0.1.0";
            ExtensionAuthor = "Taskbell";
            Description = "Notifies people and systems when queues and images are done: webhooks, signed and retried.";
            License = "MIT";
        }

        /// <inheritdoc/>
        public override void OnInit()
        {
            RegisterParam();
            string config = Environment.GetEnvironmentVariable("TASKBELL_CONFIG");
            if (string.IsNullOrEmpty(config))
            {
                config = Path.GetFullPath(DefaultConfig);
            }
            if (!File.Exists(config))
            {
                Logs.Info("[Taskbell] There is no " + config + ", so nothing is sent.");
                return;
            }
            try
            {
                NativeLocation.Register(FilePath);
                _reporter = new SwarmReporter(config, Log);
                _asked = TemplateTags.Read(config, T2IParamTypes.CleanTypeName);
            }
            catch (Exception fault)
            {
                // A notifier that cannot start must not keep SwarmUI from starting.
                Logs.Error("[Taskbell] Nothing is sent: " + fault.Message);
                return;
            }
            Subscribe();
        }

        /// <inheritdoc/>
        public override void OnPreLaunch()
        {
            if (_reporter != null)
            {
                WebServer.WebApp.Lifetime.ApplicationStarted.Register(() => _reporter.ServerStarted(Utilities.Version));
            }
        }

        /// <inheritdoc/>
        public override void OnShutdown()
        {
            if (_reporter != null)
            {
                _reporter.Close();
            }
        }

        private static void RegisterParam()
        {
            PermInfo permission = Permissions.Register(new PermInfo(
                "taskbell_webhook_params",
                "Taskbell Webhook Params",
                "Allows the user to choose who is notified of their own generations.",
                PermissionDefault.POWERUSERS,
                Permissions.GroupControl));
            WebhookParams = T2IParamTypes.Register<string>(new T2IParamType(
                "Webhook Params",
                "JSON for Taskbell, such as {\"notify\": \"manual\", \"to\": [\"team\"]}.",
                "",
                IgnoreIf: "",
                Group: T2IParamTypes.GroupSwarmInternal,
                IsAdvanced: true,
                AlwaysRetain: true,
                HideFromMetadata: true,
                IntentionalUnused: true,
                ViewType: ParamViewType.BIG,
                Permission: permission));
        }

        private void Subscribe()
        {
            Program.TickIsGeneratingEvent += _reporter.Busy;
            Program.TickNoGenerationsEvent += _reporter.Idle;
            Program.PreShutdownEvent += _reporter.ServerStopping;
            T2IEngine.PostGenerateEvent += made => Guard(() => OnFile(made));
            T2IEngine.PostBatchEvent += batch => Guard(() => OnBatch(batch));
        }

        private void OnFile(T2IEngine.PostGenerationEventParams made)
        {
            if (made.UserInput.ExtraMeta.ContainsKey("intermediate"))
            {
                return;
            }
            _reporter.Finished(Facts(made.UserInput), new OutputFacts
            {
                Mime = made.File == null || made.File.Type == null ? null : made.File.Type.MimeType,
                GenerationTime = Note(made.UserInput, "generation_time"),
                PrepTime = Note(made.UserInput, "prep_time"),
            });
        }

        private void OnBatch(T2IEngine.PostBatchEventParams batch)
        {
            T2IParamInput input = batch.UserInput;
            int made = batch.Images == null ? 0 : batch.Images.Count(image => image.IsReal);
            string reason;
            lock (input.RefusalReasons)
            {
                reason = string.Join("; ", input.RefusalReasons);
            }
            _reporter.RequestOver(Facts(input), made, input.InterruptToken.IsCancellationRequested, reason);
        }

        private RequestFacts Facts(T2IParamInput input)
        {
            T2IModel model = input.Get(T2IParamTypes.Model);
            User user = input.SourceSession == null ? null : input.SourceSession.User;
            return new RequestFacts
            {
                User = user == null ? null : user.UserID,
                Request = input.UserRequestId,
                Total = Math.Max(1, input.Get(T2IParamTypes.Images, 1) * input.Get(T2IParamTypes.BatchSize, 1)),
                StartedAt = input.RequestTime,
                Webhooks = input.Get(T2IParamTypes.Webhooks, "Normal"),
                WebhookParams = input.Get(WebhookParams, ""),
                QueueRemaining = Program.Backends.QueuedRequests,
                Params = Params(input, model),
            };
        }

        /// <summary>The parameters of a request by the names that templates use, then every other one that was set and
        /// may be saved in an image, SwarmUI's notes on it, and an empty text for other parameters that a template
        /// asks for.</summary>
        private Dictionary<string, object> Params(T2IParamInput input, T2IModel model)
        {
            Dictionary<string, object> all = new Dictionary<string, object>
            {
                { "prompt", input.Get(T2IParamTypes.Prompt, "") },
                { "negative_prompt", input.Get(T2IParamTypes.NegativePrompt, "") },
                { "model", model == null ? null : model.Name },
                { "model_title", model == null ? null : model.Title },
                { "loras", input.Get(T2IParamTypes.Loras, null) },
                { "seed", input.Get(T2IParamTypes.Seed) },
                { "steps", input.Get(T2IParamTypes.Steps) },
                { "cfg_scale", input.Get(T2IParamTypes.CFGScale) },
                { "width", input.GetImageWidth() },
                { "height", input.GetImageHeight() },
            };
            T2IParamType type;
            HashSet<string> known = new HashSet<string>(all.Keys.Select(T2IParamTypes.CleanTypeName));
            foreach (KeyValuePair<string, object> param in input.ValuesInput)
            {
                if (T2IParamTypes.TryGetType(param.Key, out type, input) && !type.HideFromMetadata)
                {
                    Add(all, known, param.Key, param.Value);
                }
            }
            foreach (KeyValuePair<string, object> note in input.ExtraMeta)
            {
                Add(all, known, note.Key, note.Value);
            }
            foreach (string asked in _asked)
            {
                if (T2IParamTypes.TryGetType(asked, out type, input))
                {
                    Add(all, known, asked, "");
                }
            }
            return all;
        }

        /// <summary>Adds a text, a number or a list of texts. Events contain no pictures and no long texts.</summary>
        private static void Add(Dictionary<string, object> all, HashSet<string> known, string name, object value)
        {
            T2IModel model = value as T2IModel;
            object plain = model == null ? value : T2IParamTypes.CleanModelName(model.Name);
            string text = plain as string;
            bool fits = text == null ? plain is bool || plain is int || plain is long || plain is double
                || plain is float || plain is List<string> : text.Length <= LongestParam;
            if (fits && known.Add(T2IParamTypes.CleanTypeName(name)))
            {
                all[name] = plain;
            }
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
