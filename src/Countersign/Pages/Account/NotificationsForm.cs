using Countersign.Outcomes.Email;
using Countersign.Outcomes.Notifications;
using Countersign.Outcomes.Slack;
using Countersign.Pages.Admin;
using Countersign.Pages.SignIn;
using Countersign.SignIn;

namespace Countersign.Pages.Account;

/// <summary>The part of <c>/account</c> where a person switches channels off and on.</summary>
internal static class NotificationsForm
{
    public const string Path = "/account/channels";

    /// <summary>The channels that this hub has, and whether the person hears through them.</summary>
    public static async ValueTask<IReadOnlyList<(string Channel, bool IsOn)>> Of(
        HttpContext http,
        long person,
        CancellationToken cancel
    )
    {
        var services = http.RequestServices;
        var preferences = await services.GetRequiredService<NotificationPreferences>().Of(person, cancel);
        return
        [
            .. NotificationPreferences
                .Channels.Where(c =>
                    c == MailChannel.ChannelName
                        ? services.GetRequiredService<MailOptions>().IsSetUp
                        : services.GetRequiredService<SlackOptions>().IsSetUp
                )
                .Select(c => (c, preferences[c])),
        ];
    }

    public static async Task<IResult> Save(
        HttpContext http,
        CurrentCaller caller,
        NotificationPreferences preferences,
        CancellationToken cancel
    )
    {
        if (await PostedForm.Read(http, cancel) is { } form)
        {
            foreach (var channel in NotificationPreferences.Channels.Intersect(form["shown"].ToString().Split(',')))
                await preferences.Set(caller.Person.Id, channel, form[channel] == "true", caller.Viewer.Origin, cancel);
        }
        return AdminParts.Done(http, AccountPage.Path, "changed");
    }
}
