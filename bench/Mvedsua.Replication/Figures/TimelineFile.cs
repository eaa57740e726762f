using System.Globalization;
using System.Text;

namespace Mvedsua.Replication.Figures;

/// <summary>The curves as numbers, for other programs.</summary>
internal static class TimelineFile
{
    internal static void Write(string path, IEnumerable<Course> courses)
    {
        var text = new StringBuilder("server,second,answers,longest_ms\n");
        foreach (Course course in courses)
            foreach (Interval i in course.Intervals)
                text.Append(CultureInfo.InvariantCulture, $"{course.Name},{i.End:0.0},{i.Answers},{i.Longest * 1e3:0.000}\n");
        File.WriteAllText(path, text.ToString());
    }
}
