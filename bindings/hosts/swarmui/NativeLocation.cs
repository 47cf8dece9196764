// Finds the native library. SwarmUI loads extensions in a separate context without runtimes/RID folders, so the
// runtime does not find it.

using System;
using System.Collections.Generic;
using System.IO;
using System.Runtime.InteropServices;

namespace TaskbellSwarm
{
    /// <summary>Finds the native library.</summary>
    public static class NativeLocation
    {
        /// <summary>The paths to try, in this order: the file that TASKBELL_LIBRARY names, the folder of the
        /// extension's assembly, and native/RID below the extension's folder.</summary>
        public static List<string> Candidates(string named, string assemblyFolder, string extensionFolder)
        {
            string file = FileName();
            List<string> places = new List<string>();
            if (!string.IsNullOrEmpty(named))
            {
                places.Add(named);
            }
            if (!string.IsNullOrEmpty(assemblyFolder))
            {
                places.Add(Path.Combine(assemblyFolder, file));
            }
            if (!string.IsNullOrEmpty(extensionFolder))
            {
                places.Add(Path.Combine(Path.GetFullPath(extensionFolder), "native", Rid(), file));
            }
            return places;
        }

        /// <summary>The name of the file on this system.</summary>
        public static string FileName()
        {
            if (RuntimeInformation.IsOSPlatform(OSPlatform.Windows))
            {
                return "taskbell.dll";
            }
            return RuntimeInformation.IsOSPlatform(OSPlatform.OSX) ? "libtaskbell.dylib" : "libtaskbell.so";
        }

        /// <summary>The runtime identifier of this system, such as linux-x64.</summary>
        public static string Rid()
        {
            string system = RuntimeInformation.IsOSPlatform(OSPlatform.Windows) ? "win"
                : RuntimeInformation.IsOSPlatform(OSPlatform.OSX) ? "osx" : "linux";
            return system + "-" + RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant();
        }

        /// <summary>Makes the runtime search these paths. Without NativeLibrary (Mono, .NET Framework) the runtime's
        /// own search applies.</summary>
        public static void Register(string extensionFolder)
        {
#if NETCOREAPP3_0_OR_GREATER
            System.Reflection.Assembly assembly = typeof(NativeLocation).Assembly;
            List<string> places = Candidates(
                Environment.GetEnvironmentVariable("TASKBELL_LIBRARY"),
                Path.GetDirectoryName(assembly.Location),
                extensionFolder);
            NativeLibrary.SetDllImportResolver(assembly, (name, asking, search) =>
            {
                IntPtr library = IntPtr.Zero;
                foreach (string place in places)
                {
                    if (name == "taskbell" && File.Exists(place) && NativeLibrary.TryLoad(place, out library))
                    {
                        return library;
                    }
                }
                return library;
            });
#endif
        }
    }
}
