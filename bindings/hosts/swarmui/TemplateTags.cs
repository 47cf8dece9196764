// What the templates of a configuration ask for. A task carries only what was set in its request; what a template
// asks for beside that, SwarmUI knows to be empty, and Taskbell does not.

using System;
using System.Collections.Generic;
using System.IO;

namespace TaskbellSwarm
{
    /// <summary>The tags between percent signs in the files of a configuration.</summary>
    public static class TemplateTags
    {
        /// <summary>A larger file is no template, in bytes.</summary>
        private const long LargestFile = 1024 * 1024;

        /// <summary>The most characters of a tag, as SwarmUI has it.</summary>
        private const int LongestTag = 256;

        private static readonly HashSet<string> Endings = new HashSet<string> { ".toml", ".json", ".txt" };

        /// <summary>The tags in the configuration and in the files beside it, as `clean` writes them. A file that
        /// cannot be read has none.</summary>
        public static HashSet<string> Read(string config, Func<string, string> clean)
        {
            HashSet<string> tags = new HashSet<string>();
            foreach (string file in Directory.GetFiles(Path.GetDirectoryName(Path.GetFullPath(config))))
            {
                if (Endings.Contains(Path.GetExtension(file)) && new FileInfo(file).Length <= LargestFile)
                {
                    foreach (string tag in Of(Text(file)))
                    {
                        tags.Add(clean(tag));
                    }
                }
            }
            tags.Remove("");
            return tags;
        }

        /// <summary>What stands between any percent sign and the next: one of a pair may be a stray.</summary>
        private static IEnumerable<string> Of(string text)
        {
            string[] parts = text.Split('%');
            for (int number = 1; number < parts.Length - 1; number++)
            {
                if (parts[number].Length <= LongestTag)
                {
                    yield return parts[number];
                }
            }
        }

        private static string Text(string file)
        {
            try
            {
                return File.ReadAllText(file);
            }
            catch (IOException)
            {
                return "";
            }
            catch (UnauthorizedAccessException)
            {
                return "";
            }
        }
    }
}
