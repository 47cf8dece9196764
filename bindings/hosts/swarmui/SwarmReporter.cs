// Translates SwarmUI's events: start and end of the queue, tasks, batches with missing files, start and end of the
// server. Uses no type of SwarmUI; C# 7.2.

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using System.Threading;
using TaskbellNet;

namespace TaskbellSwarm
{
    /// <summary>A generation request.</summary>
    public sealed class RequestFacts
    {
        /// <summary>The id of the user; null when there is none.</summary>
        public string User;

        /// <summary>The number of the request among the user's.</summary>
        public long Request;

        /// <summary>The number of files it will make; null when that is one, or unknown.</summary>
        public int? Total;

        /// <summary>When it was made.</summary>
        public DateTimeOffset StartedAt;

        /// <summary>The parameters to report.</summary>
        public Dictionary<string, object> Params = new Dictionary<string, object>();

        /// <summary>What its user asks for, as JSON; null when that is nothing.</summary>
        public string WebhookParams;

        /// <summary>The number of requests that wait or run.</summary>
        public int QueueRemaining;

        /// <summary>An id that is unique on the server.</summary>
        public string Key
        {
            get { return (User ?? "local") + ":" + Request; }
        }
    }

    /// <summary>A finished file.</summary>
    public sealed class OutputFacts
    {
        /// <summary>Its media type, such as image/png.</summary>
        public string Mime;

        /// <summary>Where the PictureStore keeps it; null when it does not.</summary>
        public string Path;

        /// <summary>SwarmUI's note on how long it took, such as "12.34 sec".</summary>
        public string GenerationTime;

        /// <summary>SwarmUI's note on how long its preparation took.</summary>
        public string PrepTime;
    }

    /// <summary>Reports SwarmUI's events to Taskbell. No method throws, and each returns at once unless noted. All
    /// may be called from any thread.</summary>
    public sealed class SwarmReporter
    {
        /// <summary>The longest time that the first generation waits for the receivers of queue.start.</summary>
        public static TimeSpan QueueStartWait = TimeSpan.FromSeconds(30);

        /// <summary>The longest time that the end of the server waits for the receivers of server.stop.</summary>
        public static TimeSpan ServerStopWait = TimeSpan.FromSeconds(30);

        /// <summary>The longest time closing takes. Undelivered messages go out at the next start.</summary>
        public static TimeSpan CloseTimeout = TimeSpan.FromSeconds(5);

        /// <summary>The endpoints of the configuration in Taskbell's counters; those that tasks name have a colon.</summary>
        private static readonly Regex LaneNames = new Regex("\"([A-Za-z0-9_-]{1,64})\":\\s*{\"waiting\"");

        private readonly Bell _bell;
        private readonly Action<int, string> _log;
        private readonly Dictionary<string, int> _seen = new Dictionary<string, int>();
        private int _busy;

        /// <summary>Opens a bell. The log takes the levels of Bell.SetLog.</summary>
        /// <exception cref="TaskbellException">The configuration or the spool cannot be used.</exception>
        public SwarmReporter(string config, Action<int, string> log)
        {
            _log = log;
            _bell = new Bell(config, log);
        }

        /// <summary>There is something to generate. When the queue was idle, waits for the receivers of queue.start, so
        /// that they can free memory first, for QueueStartWait at most.</summary>
        public void Busy()
        {
            if (Interlocked.Exchange(ref _busy, 1) == 0)
            {
                EmitAndWait("queue.start", "{}", QueueStartWait);
            }
        }

        /// <summary>There is nothing to generate.</summary>
        public void Idle()
        {
            if (Interlocked.Exchange(ref _busy, 0) == 1)
            {
                lock (_seen)
                {
                    _seen.Clear();
                }
                Emit("queue.end", "{}");
            }
        }

        /// <summary>A file is finished.</summary>
        public void Finished(RequestFacts request, OutputFacts output)
        {
            Dictionary<string, object> task = Describe(request, Count(request.Key));
            task["status"] = "success";
            double seconds;
            if (TryReadSeconds(output.GenerationTime, out seconds))
            {
                task["duration_s"] = seconds;
            }
            task["outputs"] = new object[]
            {
                new Dictionary<string, object>
                {
                    { "mime", output.Mime },
                    { "path", output.Path },
                    { "url", output.Path == null ? null : PictureStore.Route + Path.GetFileName(output.Path) },
                },
            };
            task["metrics"] = new Dictionary<string, object>
            {
                { "generation_time", output.GenerationTime },
                { "prep_time", output.PrepTime },
            };
            Emit("task.complete", JsonText.Of(task));
        }

        /// <summary>A request has ended. Files that it has not made have failed or were interrupted; SwarmUI has no
        /// event for that. The reason is asked for when there is a failure, and may be null.</summary>
        public void RequestOver(RequestFacts request, int made, bool interrupted, Func<string> reason)
        {
            int seen;
            lock (_seen)
            {
                _seen.TryGetValue(request.Key, out seen);
                _seen.Remove(request.Key);
            }
            int total = request.Total ?? 1;
            string known = interrupted || Math.Max(seen, made) >= total ? null : reason();
            for (int number = Math.Max(seen, made) + 1; number <= total; number++)
            {
                Dictionary<string, object> task = Describe(request, number);
                task["status"] = interrupted ? "cancelled" : "error";
                if (!interrupted)
                {
                    task["error"] = new Dictionary<string, object>
                    {
                        { "type", "generation" },
                        { "message", known ?? "see the log of SwarmUI" },
                    };
                }
                Emit("task.complete", JsonText.Of(task));
            }
        }

        /// <summary>The server takes requests.</summary>
        public void ServerStarted(string version)
        {
            Emit("server.start", JsonText.Of(new Dictionary<string, object> { { "version", version } }));
        }

        /// <summary>The server is about to stop. Waits for the receivers, for ServerStopWait at most.</summary>
        public void ServerStopping()
        {
            Idle();
            EmitAndWait("server.stop", "{}", ServerStopWait);
        }

        /// <summary>Taskbell's counters, as JSON.</summary>
        public string Stats()
        {
            return _bell.Stats();
        }

        /// <summary>The names of the endpoints in force.</summary>
        public List<string> Endpoints()
        {
            List<string> names = new List<string>();
            Safely(() => names.AddRange(
                LaneNames.Matches(_bell.Stats()).Cast<Match>().Select(lane => lane.Groups[1].Value)));
            return names;
        }

        /// <summary>Applies the configuration anew. Returns why it cannot be used; null: it can.</summary>
        public string Reload(string config)
        {
            try
            {
                _bell.Reload(config);
                return null;
            }
            catch (Exception fault)
            {
                return fault.Message;
            }
        }

        /// <summary>Sends a note to one endpoint. Returns why nothing is sent; null: it is.</summary>
        public string Note(string config, string endpoint, string text)
        {
            string note = JsonText.Of(new Dictionary<string, object>
            {
                { "name", text },
                { "kind", "note" },
                { "webhook_params", new Dictionary<string, object> { { "to", endpoint }, { "notify", "manual" } } },
            });
            try
            {
                if (!Endpoints().Contains(endpoint))
                {
                    return "There is no endpoint " + endpoint + ".";
                }
                if (Taskbell.Preview(config, "task.note", note).Contains("\"requests\":[]"))
                {
                    return "No hook listens to task.note: add it to `on` of a hook, and reload.";
                }
                _bell.Emit("task.note", note);
                return null;
            }
            catch (Exception fault)
            {
                return fault.Message;
            }
        }

        /// <summary>Delivers what it can within CloseTimeout, and stops.</summary>
        public void Close()
        {
            Safely(() =>
            {
                ulong left = _bell.Close(CloseTimeout);
                if (left > 0)
                {
                    _log(3, left + " deliveries wait for the next start");
                }
            });
        }

        private int Count(string key)
        {
            lock (_seen)
            {
                int seen;
                _seen.TryGetValue(key, out seen);
                return _seen[key] = seen + 1;
            }
        }

        private static Dictionary<string, object> Describe(RequestFacts request, int number)
        {
            Dictionary<string, object> task = new Dictionary<string, object>
            {
                { "id", request.Key + ":" + number },
                { "kind", "image" },
                { "user", request.User },
                { "started_at", request.StartedAt.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'") },
                { "batch", Batch(request) },
                { "params", request.Params },
                { "queue_remaining", request.QueueRemaining },
            };
            if (!string.IsNullOrWhiteSpace(request.WebhookParams))
            {
                task["webhook_params"] = request.WebhookParams;
            }
            return task;
        }

        private static Dictionary<string, object> Batch(RequestFacts request)
        {
            return request.Total == null ? null : new Dictionary<string, object>
            {
                { "id", request.Key },
                { "total", request.Total.Value },
            };
        }

        /// <summary>Reads "12.34 sec", or "1.20 min" as SwarmUI writes longer times.</summary>
        private static bool TryReadSeconds(string text, out double seconds)
        {
            string[] words = (text ?? "").Split(' ');
            bool read = double.TryParse(
                words[0],
                System.Globalization.NumberStyles.Float,
                System.Globalization.CultureInfo.InvariantCulture,
                out seconds);
            if (words.Length > 1 && words[1].StartsWith("min", StringComparison.Ordinal))
            {
                seconds *= 60;
            }
            return read && seconds >= 0;
        }

        private void Emit(string type, string json)
        {
            Safely(() => _bell.Emit(type, json));
        }

        private void EmitAndWait(string type, string json, TimeSpan limit)
        {
            Safely(() =>
            {
                if (!_bell.Wait(_bell.Emit(type, json), limit))
                {
                    _log(2, "not every receiver of " + type + " has answered within " + limit.TotalSeconds + " s");
                }
            });
        }

        /// <summary>SwarmUI skips the remaining handlers of an event when one throws.</summary>
        private void Safely(Action action)
        {
            try
            {
                action();
            }
            catch (ObjectDisposedException)
            {
                // Closed: an image that is finished during the shutdown is not reported.
            }
            catch (Exception fault)
            {
                _log(1, fault.Message);
            }
        }
    }
}
