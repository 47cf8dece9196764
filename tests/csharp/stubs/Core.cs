// The part of SwarmUI (0.9.8) that the extension touches, with the same names, shapes and order of calls. It
// generates nothing: the host of the test raises the events.

using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using Microsoft.AspNetCore.Builder;
using SwarmUI.Accounts;
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
        public static SessionHandler Sessions = new SessionHandler();
        public static Action TickIsGeneratingEvent;
        public static Action TickNoGenerationsEvent;
        public static Action PreShutdownEvent;
    }

    public class WebServer
    {
        public static WebApplication WebApp = new WebApplication();
    }
}

namespace SwarmUI.Backends
{
    public enum BackendStatus
    {
        DISABLED,
        ERRORED,
        WAITING,
        LOADING,
        IDLE,
        RUNNING,
    }

    public abstract class AbstractBackend
    {
        public volatile BackendStatus Status = BackendStatus.WAITING;
        public volatile bool IsEnabled = true;
    }

    public abstract class AbstractT2IBackend : AbstractBackend
    {
        public HashSet<string> SupportedFeatures = new HashSet<string>();
    }

    public class BackendHandler
    {
        public class T2IBackendData
        {
            public AbstractT2IBackend Backend;
        }

        public List<T2IBackendData> AllBackends = new List<T2IBackendData>();

        public IEnumerable<T2IBackendData> EnumerateT2IBackends
        {
            get { return AllBackends; }
        }
    }
}

namespace SwarmUI.Accounts
{
    public class User
    {
        public string UserID;
        public readonly Dictionary<string, string> Data = new Dictionary<string, string>();

        public string GetGenericData(string dataname, string name)
        {
            string data;
            return Data.TryGetValue(dataname + "///" + name.ToLowerInvariant(), out data) ? data : null;
        }
    }

    public class Session
    {
        public string ID;
        public User User;
        public int WaitingGenerations = 0;
    }

    public class SessionHandler
    {
        public ConcurrentDictionary<string, Session> Sessions = new ConcurrentDictionary<string, Session>();
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

    public enum PermSafetyLevel
    {
        UNTESTED,
    }

    public class PermInfo
    {
        public readonly string ID;

        public PermInfo(
            string ID,
            string DisplayName,
            string Description,
            PermissionDefault Default,
            PermInfoGroup Group,
            PermSafetyLevel SafetyLevel = PermSafetyLevel.UNTESTED,
            string AltSafetyText = null)
        {
            this.ID = ID;
        }
    }

    public static class Permissions
    {
        public static PermInfoGroup GroupAdmin = new PermInfoGroup("Admin", "");
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
