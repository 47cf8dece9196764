// Finds the tags that the templates of a configuration use. A task has only the parameters that were set in its
// request; a tag for any other one must be sent as an empty text, or Taskbell treats it as unknown.

using System;
using System.Collections.Generic;
using System.IO;

namespace TaskbellSwarm
{
    /// <summary>The tags between percent signs in the files of a configuration.</summary>
    public static class TemplateTags
    {
        /// <summary>The largest file that is read as a template, in bytes.</summary>
        private const long LargestFile = 1024 * 1024;

        /// <summary>The longest tag, in characters, as in SwarmUI.</summary>
        private const int LongestTag = 256;

        private static readonly HashSet<string> Endings = new HashSet<string> { ".toml", ".json", ".txt" };

        /// <summary>The tags in the configuration and in the files next to it, in the form of `clean`. A file that cannot
        /// be read has none.</summary>
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

        /// <summary>The text between any percent sign and the next: one of a pair may be unrelated.</summary>
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
