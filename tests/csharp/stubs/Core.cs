// The part of SwarmUI (0.9.8) that the extension touches, with the same names, shapes and order of calls. It
// generates nothing: the host of the test raises the events.

using System;
using System.Collections.Generic;
using System.Threading;
using SwarmUI.Backends;

namespace SwarmUI.Core
{
    public abstract class Extension
    {
        public string FilePath;
        public string ExtensionName;
        public string Version = "(Unset)";
        public string ExtensionAuthor = "(Unknown)";
        public string Description = "(No description provided)";
        public string License = "(Unknown)";
        public string ReadmeURL = "";
        public List<string> ScriptFiles = new List<string>();
        public List<string> OtherAssets = new List<string>();

        public virtual void OnFirstInit()
        {
        }

        public virtual void OnPreInit()
        {
        }

        public virtual void OnInit()
        {
        }

        public virtual void OnPreLaunch()
        {
        }

        public virtual void OnShutdown()
        {
        }

        public virtual void PopulateMetadata()
        {
        }
    }

    public static class Program
    {
        public static BackendHandler Backends = new BackendHandler();
        public static Action TickIsGeneratingEvent;
        public static Action TickNoGenerationsEvent;
        public static Action PreShutdownEvent;
    }

    public class WebServer
    {
        public static WebApplication WebApp = new WebApplication();
    }

    // ASP.NET's, as far as it is used.
    public class WebApplication
    {
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
}

namespace SwarmUI.Backends
{
    public class BackendHandler
    {
        public int Queued;

        public int QueuedRequests
        {
            get { return Queued; }
        }
    }
}

namespace SwarmUI.Accounts
{
    public class User
    {
        public string UserID;
    }

    public class Session
    {
        public string ID;
        public User User;
    }

    public enum PermissionDefault
    {
        NOBODY = 0,
        ADMINS = 1,
        POWERUSERS = 2,
        USER = 3,
    }

    public class PermInfoGroup
    {
        public PermInfoGroup(string displayName, string description)
        {
        }
    }

    public class PermInfo
    {
        public readonly string ID;

        public PermInfo(
            string ID, string DisplayName, string Description, PermissionDefault Default, PermInfoGroup Group)
        {
            this.ID = ID;
        }
    }

    public static class Permissions
    {
        public static PermInfoGroup GroupControl = new PermInfoGroup("Control", "");

        public static PermInfo Register(PermInfo perm)
        {
            return perm;
        }
    }
}

namespace SwarmUI.Media
{
    public class MediaType
    {
        public string Extension;
        public string MimeType;
    }

    public class MediaFile
    {
        public byte[] RawData;
        public MediaType Type;
    }
}

namespace SwarmUI.Utils
{
    public static class Logs
    {
        public static readonly List<string> Lines = new List<string>();

        public static void Debug(string message)
        {
        }

        public static void Info(string message)
        {
            Keep("info: " + message);
        }

        public static void Warning(string message)
        {
            Keep("warning: " + message);
        }

        public static void Error(string message)
        {
            Keep("error: " + message);
        }

        private static void Keep(string line)
        {
            lock (Lines)
            {
                Lines.Add(line);
            }
        }
    }

    public static class Utilities
    {
        public static readonly string Version = "0.9.8.2";
    }
}
