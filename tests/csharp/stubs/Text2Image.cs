// The generation side of SwarmUI's API.

using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using SwarmUI.Accounts;
using SwarmUI.Backends;
using SwarmUI.Media;

namespace SwarmUI.Text2Image
{
    public enum ParamViewType
    {
        NORMAL,
        SMALL,
        BIG,
    }

    public class T2IParamGroup
    {
    }

    public class T2IModel
    {
        public string Name;
        public string Title;
    }

    public class T2IParamType
    {
        public readonly string ID;
        public readonly bool HideFromMetadata;
        public readonly bool IntentionalUnused;
        public readonly Func<Session, List<string>> GetValues;
        public readonly PermInfo Permission;

        public T2IParamType(
            string Name,
            string Description,
            string Default,
            Func<Session, List<string>> GetValues = null,
            bool IsAdvanced = false,
            PermInfo Permission = null,
            T2IParamGroup Group = null,
            string IgnoreIf = null,
            ParamViewType ViewType = ParamViewType.SMALL,
            bool HideFromMetadata = false,
            bool AlwaysRetain = false,
            bool IntentionalUnused = false)
        {
            ID = T2IParamTypes.CleanTypeName(Name);
            this.HideFromMetadata = HideFromMetadata;
            this.Permission = Permission;
            this.IntentionalUnused = IntentionalUnused;
            this.GetValues = GetValues;
        }
    }

    public class T2IRegisteredParam<T>
    {
        public T2IParamType Type;
    }

    public static class T2IParamTypes
    {
        public static readonly Dictionary<string, T2IParamType> Types = new Dictionary<string, T2IParamType>();
        public static T2IParamGroup GroupSwarmInternal = new T2IParamGroup();
        public static T2IRegisteredParam<string> Prompt = Core<string>("Prompt");
        public static T2IRegisteredParam<string> NegativePrompt = Core<string>("Negative Prompt");
        public static T2IRegisteredParam<string> Webhooks = Core<string>("Webhooks");
        public static T2IRegisteredParam<int> Images = Core<int>("Images");
        public static T2IRegisteredParam<int> BatchSize = Core<int>("Batch Size");
        public static T2IRegisteredParam<int> Width = Core<int>("Width");
        public static T2IRegisteredParam<int> Height = Core<int>("Height");
        public static T2IRegisteredParam<int> Steps = Core<int>("Steps");
        public static T2IRegisteredParam<long> Seed = Core<long>("Seed");
        public static T2IRegisteredParam<double> CFGScale = Core<double>("CFG Scale");
        public static T2IRegisteredParam<T2IModel> Model = Core<T2IModel>("Model");
        public static T2IRegisteredParam<string> Sampler = Core<string>("Sampler");
        public static T2IRegisteredParam<T2IModel> RefinerModel = Core<T2IModel>("Refiner Model");
        public static T2IRegisteredParam<object> InitImage = Core<object>("Init Image");
        public static T2IRegisteredParam<string> Hidden =
            Register<string>(new T2IParamType("Hidden Note", "", "", HideFromMetadata: true));
        public static T2IRegisteredParam<List<string>> Loras = Core<List<string>>("LoRAs");

        public static T2IRegisteredParam<T> Register<T>(T2IParamType type)
        {
            Types.Add(type.ID, type);
            return new T2IRegisteredParam<T> { Type = type };
        }

        public static bool TryGetType(string name, out T2IParamType type, T2IParamInput context)
        {
            return Types.TryGetValue(CleanTypeName(name), out type);
        }

        public static string CleanModelName(string name)
        {
            return name.EndsWith(".safetensors") ? name.Substring(0, name.Length - ".safetensors".Length) : name;
        }

        public static string CleanTypeName(string name)
        {
            return new string(name.ToLowerInvariant().Where(c => c >= 'a' && c <= 'z').ToArray());
        }

        private static T2IRegisteredParam<T> Core<T>(string name)
        {
            return Register<T>(new T2IParamType(name, "", ""));
        }
    }

    public class T2IParamSet
    {
        public Dictionary<string, object> ValuesInput = new Dictionary<string, object>();

        public T Get<T>(T2IRegisteredParam<T> param, T defVal, bool autoFixDefault = false)
        {
            object value;
            return ValuesInput.TryGetValue(param.Type.ID, out value) ? (T)value : defVal;
        }

        public T2IParamSet Clone()
        {
            return new T2IParamSet { ValuesInput = new Dictionary<string, object>(ValuesInput) };
        }
    }

    // What is asked for by a method of this class is recorded; what nobody asked for is told in the image's metadata.
    public class T2IParamInput
    {
        public T2IParamSet InternalSet = new T2IParamSet();
        public Dictionary<string, object> ExtraMeta = new Dictionary<string, object>();
        public HashSet<string> ParamsQueried = new HashSet<string>();

        [Obsolete("don't access this internal value directly")]
        public Dictionary<string, object> ValuesInput
        {
            get { return InternalSet.ValuesInput; }
        }

        public Session SourceSession;
        public CancellationToken InterruptToken;
        public HashSet<string> RefusalReasons = new HashSet<string>();
        public DateTimeOffset RequestTime = DateTimeOffset.Now;
        public long UserRequestId;

        public T Get<T>(T2IRegisteredParam<T> param)
        {
            return Get(param, default(T));
        }

        public T Get<T>(
            T2IRegisteredParam<T> param,
            T defVal,
            bool autoFixDefault = false,
            int sectionId = 0,
            bool includeBase = true)
        {
            ParamsQueried.Add(param.Type.ID);
            return InternalSet.Get(param, defVal, autoFixDefault);
        }

        public int GetImageWidth(int def = 512)
        {
            return Get(T2IParamTypes.Width, def);
        }

        public int GetImageHeight(int def = 512)
        {
            return Get(T2IParamTypes.Height, def);
        }

        // Session.ApplyMetadata writes these as unused_parameters.
        public List<string> Unused()
        {
            T2IParamType type;
            return InternalSet.ValuesInput.Keys
                .Where(key => !ParamsQueried.Contains(key))
                .Where(key => !T2IParamTypes.TryGetType(key, out type, this) || !type.IntentionalUnused)
                .ToList();
        }

        public T2IParamInput Clone()
        {
            T2IParamInput clone = (T2IParamInput)MemberwiseClone();
            clone.InternalSet = InternalSet.Clone();
            clone.ParamsQueried = new HashSet<string>(ParamsQueried);
            clone.ExtraMeta = new Dictionary<string, object>(ExtraMeta);
            return clone;
        }
    }

    public static class T2IEngine
    {
        public static Action<PreGenerationEventParams> PreGenerateEvent;
        public static Action<PostGenerationEventParams> PostGenerateEvent;
        public static Action<PostBatchEventParams> PostBatchEvent;

        public static Func<BackendHandler.T2IBackendData, bool> BackendMatcherFor(T2IParamInput user_input)
        {
            user_input.Get(T2IParamTypes.Model);
            return backend =>
            {
                bool fits = backend.Backend.SupportedFeatures.Contains("room");
                if (!fits)
                {
                    user_input.RefusalReasons.Add("No backend has \"enough\" memory");
                }
                return fits;
            };
        }

        public class PreGenerationEventParams
        {
            public readonly T2IParamInput UserInput;

            public PreGenerationEventParams(T2IParamInput UserInput)
            {
                this.UserInput = UserInput;
            }
        }

        public class PostGenerationEventParams
        {
            public readonly MediaFile File;
            public readonly T2IParamInput UserInput;
            public readonly Action RefuseImage;
            public readonly string BackendInternalHint;

            public PostGenerationEventParams(
                MediaFile File, T2IParamInput UserInput, Action RefuseImage, string BackendInternalHint = null)
            {
                this.File = File;
                this.UserInput = UserInput;
                this.RefuseImage = RefuseImage;
                this.BackendInternalHint = BackendInternalHint;
            }
        }

        public class PostBatchEventParams
        {
            public readonly T2IParamInput UserInput;
            public readonly ImageOutput[] Images;

            public PostBatchEventParams(T2IParamInput UserInput, ImageOutput[] Images)
            {
                this.UserInput = UserInput;
                this.Images = Images;
            }
        }

        public class ImageOutput
        {
            public MediaFile File;
            public Task<MediaFile> ActualFileTask;
            public long GenTimeMS = -1;
            public bool IsReal = true;
            public Action RefuseImage;
            public string BackendInternalHint;
        }
    }
}
