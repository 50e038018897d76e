using Countersign.Review.Frame;

namespace Countersign.Review.Request;

/// <summary>What the asker wrote: line breaks kept, addresses made links, diffs shown as diffs.</summary>
internal static class MessageSection
{
    public static void Write(Html html, Sight sight)
    {
        if (sight.Story.Current.Message.Length == 0)
            return;
        html.Add($"<section class=\"sheet\"><h2>{html.Says.Message}</h2><div class=\"message\">");
        MessageText.Write(html, sight.Story.Current.Message);
        html.Add($"</div></section>");
    }
}
