using Countersign.Pages.Layout;

namespace Countersign.Pages.Request;

/// <summary>What the asker wrote: line breaks kept, addresses made links, diffs shown as diffs.</summary>
internal static class MessageSection
{
    public static void Write(Html html, RequestPageModel sight)
    {
        if (sight.Story.Current.Message.Length == 0)
            return;
        html.Add($"<section class=\"sheet\"><h2>{html.Says.Message}</h2><div class=\"message\">");
        MessageText.Write(html, sight.Story.Current.Message);
        html.Add($"</div></section>");
    }
}
