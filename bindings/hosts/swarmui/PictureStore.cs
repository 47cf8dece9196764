// Keeps finished files for a while: an extension gets the bytes of an image before SwarmUI has given it a path.

using System;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using System.Threading;

namespace TaskbellSwarm
{
    /// <summary>A folder of finished files under names that cannot be guessed. It is used while it exists.</summary>
    public sealed class PictureStore
    {
        /// <summary>The first part of the addresses under which SwarmUI's own server has the files.</summary>
        public const string Route = "/TaskbellPictures/";

        /// <summary>How long a file is kept. A message is tried again for 4 days by default.</summary>
        public static TimeSpan Age = TimeSpan.FromDays(7);

        /// <summary>The most bytes of all files; the oldest give way.</summary>
        public static long Room = 1024L * 1024 * 1024;

        /// <summary>The largest file that is kept, in bytes.</summary>
        private const int LargestFile = 64 * 1024 * 1024;

        /// <summary>The folder is cleaned up with every so many files.</summary>
        private const int CleaningInterval = 16;

        private static readonly Regex Ours = new Regex(@"\A[0-9a-f]{32}\.(png|jpg|jpeg|webp|gif|mp4|webm|mov|mp3|wav)\z");

        private readonly string _folder;
        private int _kept;
        private int _cleaning;

        /// <summary>A store in this folder.</summary>
        public PictureStore(string folder)
        {
            _folder = folder;
        }

        /// <summary>Writes a file and returns its path; null when it is not kept.</summary>
        public string Keep(byte[] bytes, string extension)
        {
            string name = Guid.NewGuid().ToString("N") + "." + (extension ?? "").ToLowerInvariant();
            if (bytes == null || bytes.Length > LargestFile || !Ours.IsMatch(name) || !Directory.Exists(_folder))
            {
                return null;
            }
            string path = Path.Combine(_folder, name);
            File.WriteAllBytes(path, bytes);
            if (Interlocked.Increment(ref _kept) % CleaningInterval == 1)
            {
                ThreadPool.QueueUserWorkItem(unused => CleanUp());
            }
            return path;
        }

        /// <summary>The path of a file that is kept under this name; null for every other name.</summary>
        public string Find(string name)
        {
            string path = Path.Combine(_folder, Ours.IsMatch(name) ? name : "none");
            return Ours.IsMatch(name) && File.Exists(path) ? path : null;
        }

        /// <summary>The media type of a file that is kept.</summary>
        public static string MimeOf(string path)
        {
            string ending = Path.GetExtension(path).TrimStart('.');
            switch (ending)
            {
                case "jpg":
                    return "image/jpeg";
                case "mp4":
                case "webm":
                    return "video/" + ending;
                case "mov":
                    return "video/quicktime";
                case "mp3":
                    return "audio/mpeg";
                case "wav":
                    return "audio/wav";
                default:
                    return "image/" + ending;
            }
        }

        /// <summary>Deletes files that are too old, and the oldest of those that are too many. Leaves others alone.</summary>
        public void CleanUp()
        {
            if (Interlocked.Exchange(ref _cleaning, 1) == 1)
            {
                return;
            }
            try
            {
                long left = Room;
                FileInfo[] files = new DirectoryInfo(_folder).GetFiles().Where(file => Ours.IsMatch(file.Name)).ToArray();
                foreach (FileInfo file in files.OrderByDescending(file => file.LastWriteTimeUtc))
                {
                    left -= file.Length;
                    if (left < 0 || DateTime.UtcNow - file.LastWriteTimeUtc > Age)
                    {
                        file.Delete();
                    }
                }
            }
            catch (Exception fault) when (fault is IOException || fault is UnauthorizedAccessException)
            {
                // One that is open is deleted the next time.
            }
            finally
            {
                Volatile.Write(ref _cleaning, 0);
            }
        }
    }
}
