// The parts of SwarmUI's web API, of ASP.NET and of Newtonsoft.Json that the extension touches.

using System;
using System.Collections.Generic;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Html;
using Microsoft.AspNetCore.Http;
using Newtonsoft.Json.Linq;
using SwarmUI.Accounts;

namespace SwarmUI.WebAPI
{
    public class API
    {
        public static Dictionary<string, Delegate> APIHandlers = new Dictionary<string, Delegate>();

        public static void RegisterAPICall(Delegate method, bool isUserUpdate = false, PermInfo permission = null)
        {
            if (permission == null || method.Method.ReturnType != typeof(Task<JObject>))
            {
                throw new ArgumentException(method.Method.Name);
            }
            APIHandlers.Add(method.Method.Name.ToLowerInvariant(), method);
        }
    }

    public static class BasicAPIFeatures
    {
        public static HashSet<string> AcceptedAPIKeyTypes = new HashSet<string> { "civitai_api" };
    }

    public static class UserUpstreamApiKeys
    {
        public class ApiKeyInfo
        {
            public readonly string KeyType;

            public ApiKeyInfo(string KeyType, string JSPrefix, string Title, string CreateLink, HtmlString InfoHtml)
            {
                this.KeyType = KeyType;
            }
        }

        public static Dictionary<string, ApiKeyInfo> KeysByType = new Dictionary<string, ApiKeyInfo>();

        public static void Register(ApiKeyInfo keyInfo)
        {
            KeysByType.Add(keyInfo.KeyType, keyInfo);
        }
    }
}

namespace Newtonsoft.Json.Linq
{
    public class JObject
    {
        private string _text;

        public static JObject Parse(string json)
        {
            return new JObject { _text = json };
        }

        public override string ToString()
        {
            return _text;
        }
    }
}

namespace Microsoft.AspNetCore.Html
{
    public class HtmlString
    {
        public HtmlString(string value)
        {
        }
    }
}

namespace Microsoft.AspNetCore.Http
{
    public delegate Task RequestDelegate(HttpContext context);

    public class HttpContext
    {
        public HttpRequest Request = new HttpRequest();
        public HttpResponse Response = new HttpResponse();
    }

    public struct PathString
    {
        public string Value { get; set; }
    }

    public class HttpRequest
    {
        public PathString Path { get; set; }
    }

    public class HttpResponse
    {
        public int StatusCode { get; set; } = 200;

        public string ContentType { get; set; }

        public Stream Body { get; set; } = new MemoryStream();
    }
}

namespace Microsoft.AspNetCore.Builder
{
    public class WebApplication
    {
        public readonly Dictionary<string, RequestDelegate> Routes = new Dictionary<string, RequestDelegate>();
        public ApplicationLifetime Lifetime = new ApplicationLifetime();
    }

    public class ApplicationLifetime
    {
        public readonly CancellationTokenSource Started = new CancellationTokenSource();

        public CancellationToken ApplicationStarted
        {
            get { return Started.Token; }
        }
    }

    public static class EndpointRouteBuilderExtensions
    {
        public static void MapGet(this WebApplication endpoints, string pattern, RequestDelegate requestDelegate)
        {
            endpoints.Routes.Add(pattern, requestDelegate);
        }
    }
}
