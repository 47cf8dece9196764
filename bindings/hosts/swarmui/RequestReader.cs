// Reads a request of SwarmUI. SwarmUI records each parameter that is asked for, and writes into the image which ones
// nobody asked for; so everything is read from a copy, which has a record of its own.

using System;
using System.Collections.Generic;
using System.Linq;
using SwarmUI.Accounts;
using SwarmUI.Backends;
using SwarmUI.Core;
using SwarmUI.Text2Image;

namespace TaskbellSwarm
{
    /// <summary>Translates a request into the facts that are reported.</summary>
    internal sealed class RequestReader
    {
        /// <summary>The longest parameter other than a prompt, in characters.</summary>
        private const int LongestParam = 4000;

        private HashSet<string> _asked = new HashSet<string>();

        /// <summary>The parameters that a template asks for, by SwarmUI's cleaned names.</summary>
        internal HashSet<string> Asked
        {
            set { _asked = value; }
        }

        /// <summary>The facts of a request. `finishing` is the number of generations that end with this report.</summary>
        internal RequestFacts Read(T2IParamInput request, int finishing)
        {
            T2IParamInput input = request.Clone();
            User user = input.SourceSession == null ? null : input.SourceSession.User;
            return new RequestFacts
            {
                User = user == null ? null : user.UserID,
                Request = input.UserRequestId,
                Total = Total(input),
                StartedAt = input.RequestTime,
                WebhookParams = Wishes.Of(input, user),
                QueueRemaining = Math.Max(0, Waiting() - finishing),
                Params = Params(input, input.Get(T2IParamTypes.Model)),
            };
        }

        /// <summary>Why no backend took the request; null when one could have: the reasons then belong to others that
        /// were only passed over.</summary>
        internal static string Refusal(T2IParamInput request)
        {
            string reasons;
            lock (request.RefusalReasons)
            {
                reasons = string.Join("; ", request.RefusalReasons);
            }
            T2IParamInput copy = request.Clone();
            copy.RefusalReasons = new HashSet<string>();
            Func<BackendHandler.T2IBackendData, bool> fits = T2IEngine.BackendMatcherFor(copy);
            bool taken = Program.Backends.EnumerateT2IBackends.Any(
                backend => backend.Backend.IsEnabled && backend.Backend.Status == BackendStatus.RUNNING && fits(backend));
            return taken || reasons.Length == 0 ? null : reasons;
        }

        /// <summary>The number of files; null for one image. SwarmUI removes a number of one, and the Grid Generator
        /// and the Image Batch Tool send each of their images as a request for one, under one number.</summary>
        private static int? Total(T2IParamInput input)
        {
            int total = input.Get(T2IParamTypes.Images, 1) * input.Get(T2IParamTypes.BatchSize, 1);
            return total > 1 ? total : (int?)null;
        }

        /// <summary>The generations that wait or run, as SwarmUI's own page counts them, of all sessions.</summary>
        private static int Waiting()
        {
            return Program.Sessions.Sessions.Values.Sum(session => session.WaitingGenerations);
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
            foreach (KeyValuePair<string, object> param in input.InternalSet.ValuesInput)
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
    }
}
