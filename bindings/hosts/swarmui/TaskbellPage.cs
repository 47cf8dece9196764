// What the extension's tab in SwarmUI asks the server: how deliveries stand, a test message, and a reload. And the
// pictures that messages link to.

using System;
using System.Collections.Generic;
using System.IO;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Newtonsoft.Json.Linq;
using SwarmUI.Accounts;
using SwarmUI.Core;
using SwarmUI.WebAPI;

namespace TaskbellSwarm
{
    /// <summary>The API calls of the tab. SwarmUI names them after the methods.</summary>
    public static class TaskbellPage
    {
        private static TaskbellExtension _extension;

        internal static void Register(TaskbellExtension extension)
        {
            _extension = extension;
            PermInfo permission = Permissions.Register(new PermInfo(
                "taskbell_manage",
                "Taskbell Management",
                "Allows the user to see Taskbell's endpoints and deliveries, to send test messages and to reload its "
                    + "configuration.",
                PermissionDefault.ADMINS,
                Permissions.GroupAdmin));
            API.RegisterAPICall(new Func<Session, Task<JObject>>(TaskbellStatus), false, permission);
            API.RegisterAPICall(new Func<Session, string, Task<JObject>>(TaskbellTest), true, permission);
            API.RegisterAPICall(new Func<Session, Task<JObject>>(TaskbellReload), true, permission);
        }

        /// <summary>The configuration's path, Taskbell's own counters, and why nothing is sent, if so.</summary>
        public static Task<JObject> TaskbellStatus(Session session)
        {
            SwarmReporter reporter = _extension.Reporter;
            return Answer(new Dictionary<string, object>
            {
                { "config", _extension.Config },
                { "fault", _extension.Fault },
                { "endpoints", reporter == null ? new List<string>() : reporter.Endpoints() },
                { "stats", reporter == null ? "{}" : reporter.Stats() },
            });
        }

        /// <summary>Sends a message of the kind task.note to one endpoint.</summary>
        public static Task<JObject> TaskbellTest(Session session, string endpoint)
        {
            SwarmReporter reporter = _extension.Reporter;
            string error = reporter == null
                ? _extension.Fault ?? "Taskbell is not running."
                : reporter.Note(_extension.Config, endpoint, "A test message from SwarmUI");
            return Answer(new Dictionary<string, object> { { "success", error == null ? (object)true : null }, { "error", error } });
        }

        /// <summary>Reads the configuration again; the one in force stays when it has a fault.</summary>
        public static Task<JObject> TaskbellReload(Session session)
        {
            string error = _extension.Reload();
            return Answer(new Dictionary<string, object> { { "success", error == null ? (object)true : null }, { "error", error } });
        }

        /// <summary>Serves the pictures that messages link to: receivers have no session of SwarmUI.</summary>
        internal static void Serve(PictureStore pictures)
        {
            WebServer.WebApp.MapGet(PictureStore.Route + "{name}", async context =>
            {
                string path = pictures.Find(context.Request.Path.Value.Substring(PictureStore.Route.Length));
                if (path == null)
                {
                    context.Response.StatusCode = 404;
                    return;
                }
                context.Response.ContentType = PictureStore.MimeOf(path);
                byte[] bytes = File.ReadAllBytes(path);
                await context.Response.Body.WriteAsync(bytes, 0, bytes.Length);
            });
        }

        private static Task<JObject> Answer(Dictionary<string, object> fields)
        {
            return Task.FromResult(JObject.Parse(JsonText.Of(fields)));
        }
    }
}
