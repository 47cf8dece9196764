// What a user asks for with a request: two dropdowns, a text for those who write JSON, and the user's own webhook.

using System.Collections.Generic;
using System.Linq;
using Microsoft.AspNetCore.Html;
using SwarmUI.Accounts;
using SwarmUI.Text2Image;
using SwarmUI.WebAPI;

namespace TaskbellSwarm
{
    /// <summary>Registers the parameters and reads them.</summary>
    internal static class Wishes
    {
        /// <summary>The name of a user's own webhook among the keys that SwarmUI keeps for its users.</summary>
        internal const string OwnWebhook = "taskbell_webhook";

        private const string Normal = "Normal";
        private const string AsConfigured = "As configured";

        /// <summary>The choices of "Notify", and what Taskbell calls them.</summary>
        private static readonly Dictionary<string, string> Notify = new Dictionary<string, string>
        {
            { Normal, null },
            { "None", "none" },
            { "Each image", "manual" },
            { "At the end", "manual_at_end" },
        };

        private static T2IRegisteredParam<string> _notify;
        private static T2IRegisteredParam<string> _whom;
        private static T2IRegisteredParam<string> _json;

        /// <summary>Registers everything. The endpoints are those of the configuration in force.</summary>
        internal static void Register(System.Func<List<string>> endpoints)
        {
            PermInfo permission = Permissions.Register(new PermInfo(
                "taskbell_webhook_params",
                "Taskbell Webhook Params",
                "Allows the user to choose who is notified of their own generations.",
                PermissionDefault.POWERUSERS,
                Permissions.GroupControl));
            _notify = Dropdown("Notify", "What Taskbell reports of this request.", Normal, permission,
                new List<string>
                {
                    "Normal///Normal (as configured)",
                    "None///None (nothing is sent)",
                    "Each image///Each image (also hooks with manual = true)",
                    "At the end///At the end (hooks with manual = true, once)",
                });
            _whom = T2IParamTypes.Register<string>(Type(
                "Whom", "The endpoint that gets the messages of this request, in place of the configured ones.", AsConfigured, permission,
                unused => new[] { AsConfigured }.Concat(endpoints()).ToList()));
            _json = T2IParamTypes.Register<string>(Type(
                "Webhook Params",
                "JSON for Taskbell in place of the choices above, such as {\"notify\": \"manual\", \"to\": [\"team\"]}.",
                "", permission, null));
            UserUpstreamApiKeys.Register(new UserUpstreamApiKeys.ApiKeyInfo(
                OwnWebhook, "taskbell", "Taskbell: my own webhook", "https://support.discord.com/hc/en-us/articles/228383668-Intro-to-Webhooks",
                new HtmlString("The address of a webhook of your own, such as one of a Discord or Slack channel. What Taskbell "
                    + "sends about your generations goes there too, if the server's owner allows such addresses.")));
            BasicAPIFeatures.AcceptedAPIKeyTypes.Add(OwnWebhook);
        }

        /// <summary>The webhook_params of a request as JSON; null when it asks for nothing.</summary>
        internal static string Of(T2IParamInput input, User user)
        {
            string json = input.Get(_json, "");
            if (!string.IsNullOrWhiteSpace(json))
            {
                return json;
            }
            string notify;
            Notify.TryGetValue(input.Get(_notify, Normal), out notify);
            string swarm = input.Get(T2IParamTypes.Webhooks, Normal);
            string whom = input.Get(_whom, AsConfigured);
            string own = user == null ? null : user.GetGenericData(OwnWebhook, "key");
            Dictionary<string, object> wishes = new Dictionary<string, object>
            {
                { "notify", notify ?? (swarm == Normal ? null : swarm) },
                { "to", whom == AsConfigured ? null : whom },
                { "url", string.IsNullOrWhiteSpace(own) ? null : own.Trim() },
            };
            return wishes.Values.All(wish => wish == null) ? null : JsonText.Of(wishes);
        }

        private static T2IRegisteredParam<string> Dropdown(
            string name, string description, string normal, PermInfo permission, List<string> choices)
        {
            return T2IParamTypes.Register<string>(Type(name, description, normal, permission, unused => choices));
        }

        /// <summary>A parameter that is never saved into images, and that SwarmUI never calls unused.</summary>
        private static T2IParamType Type(
            string name, string description, string normal, PermInfo permission,
            System.Func<Session, List<string>> choices)
        {
            return new T2IParamType(
                name,
                description,
                normal,
                IgnoreIf: normal,
                GetValues: choices,
                Group: T2IParamTypes.GroupSwarmInternal,
                IsAdvanced: true,
                AlwaysRetain: true,
                HideFromMetadata: true,
                IntentionalUnused: true,
                ViewType: choices == null ? ParamViewType.BIG : ParamViewType.SMALL,
                Permission: permission);
        }
    }
}
