using Countersign.Outcomes.Email;
using Countersign.Outcomes.Notifications;
using Countersign.Outcomes.Slack;
using Countersign.Pages.Layout;
using Countersign.Pages.SignIn;
using Countersign.SignIn;

namespace Countersign.Pages.Account;

/// <summary>The part of <c>/account</c> where a person switches channels off and on.</summary>
internal static class ChannelsSection
{
    public const string Path = "/account/channels";

    /// <summary>What the section shows; asked before the page is written.</summary>
    public static async ValueTask<Action<Html>> Of(HttpContext http, long person, CancellationToken cancel)
    {
        var services = http.RequestServices;
        var switches = await services.GetRequiredService<NotificationPreferences>().Of(person, cancel);
        var shown = NotificationPreferences
            .Channels.Where(c =>
                c == MailChannel.ChannelName
                    ? services.GetRequiredService<MailOptions>().IsSetUp
                    : services.GetRequiredService<SlackOptions>().IsSetUp
            )
            .ToList();
        return html =>
        {
            if (shown.Count > 0)
                Write(html, shown, switches);
        };
    }

    private static void Write(Html html, List<string> shown, IReadOnlyDictionary<string, bool> switches) =>
        html.Form(
            Path,
            form =>
            {
                form.Add($"<h2>{form.Says.Channels}</h2><p class=\"soft\">{form.Says.ChannelsLede}</p>");
                foreach (var channel in shown)
                    form.Check(channel, form.Says.Channel(channel), switches[channel]);
                form.Hidden("shown", string.Join(',', shown));
                form.Button(form.Says.Keep);
            },
            css: "sheet"
        );

    public static async Task<IResult> Save(
        HttpContext http,
        CurrentCaller caller,
        NotificationPreferences switches,
        CancellationToken cancel
    )
    {
        if (await PostedForm.Read(http, cancel) is { } form)
        {
            foreach (var channel in NotificationPreferences.Channels.Intersect(form["shown"].ToString().Split(',')))
                await switches.Set(caller.Person.Id, channel, form[channel] == "true", caller.Viewer.Origin, cancel);
        }
        return TypedResults.LocalRedirect($"{http.Request.PathBase}{AccountPage.Path}");
    }
}
