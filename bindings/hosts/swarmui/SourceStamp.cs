// Notices that the files of the extension were replaced. SwarmUI names a built extension by the commit of the
// repository around its folder, and does not build one again that it has: files copied over old ones change neither.

using System;
using System.IO;
using System.Linq;
using System.Text;

namespace TaskbellSwarm
{
    /// <summary>A note next to the built extension of the files it was built from.</summary>
    public static class SourceStamp
    {
        /// <summary>Whether the files differ from those of the build. If so, the build is removed, so that SwarmUI makes
        /// it anew at its next start. The first start after a build notes its files.</summary>
        public static bool IsStale(string assembly, string extensionFolder)
        {
            string built = File.GetLastWriteTimeUtc(assembly).Ticks.ToString();
            string note = assembly + ".sources";
            string now = HashOf(extensionFolder);
            string[] noted = File.Exists(note) ? File.ReadAllLines(note) : new string[0];
            if (noted.Length != 2 || noted[0] != built)
            {
                File.WriteAllLines(note, new[] { built, now });
                return false;
            }
            if (noted[1] == now)
            {
                return false;
            }
            // A loaded file cannot be deleted on Windows, but renamed.
            string old = assembly + ".old";
            File.Delete(old);
            File.Move(assembly, old);
            ForgetObjects(assembly);
            return true;
        }

        /// <summary>The compiler's own files go by times, and files from an archive may be older than the build.</summary>
        private static void ForgetObjects(string assembly)
        {
            string folder = Path.GetDirectoryName(assembly);
            string objects = Path.Combine(folder, "..", "..", "..", "obj", "extensions", Path.GetFileName(folder));
            if (Directory.Exists(objects))
            {
                Directory.Delete(objects, true);
            }
        }

        /// <summary>FNV-1a over the names and the contents: it tells versions apart, and needs no library.</summary>
        private static string HashOf(string folder)
        {
            ulong hash = 14695981039346656037;
            foreach (string file in Directory.GetFiles(folder, "*.cs").OrderBy(Path.GetFileName, StringComparer.Ordinal))
            {
                foreach (byte part in Encoding.UTF8.GetBytes(Path.GetFileName(file)).Concat(File.ReadAllBytes(file)))
                {
                    hash = unchecked((hash ^ part) * 1099511628211);
                }
            }
            return hash.ToString("x16");
        }
    }
}
