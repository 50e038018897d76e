using System.Globalization;
using System.Text.Json;
using Countersign.Configuration;

namespace Countersign.Cli.Waiting;

internal abstract record WaitOutcome
{
    private WaitOutcome() { }

    public sealed record Approved(string Id, string Status, string Display, string Link, string? RedeemedAt)
        : WaitOutcome;

    /// <summary>Rejected, expired, withdrawn, or an approval that can't be used.</summary>
    public sealed record NotApproved(string Id, string Status, string Display, string Link) : WaitOutcome;

    /// <summary>The hub refuses what was asked, and would again.</summary>
    public sealed record Misused(string Why) : WaitOutcome;

    public sealed record Unknown(string Why) : WaitOutcome;
}

/// <summary>
/// Sends a request, follows it until it's decided, and uses the approval if that's wanted:
/// <code>
///   1  submit, again and again under one idempotency key until the hub has answered
///   2  long polls; trouble on the way is waited out until the timeout
///   3  redeem, again under one key
/// </code>
/// Approved is only what the hub itself says of this request and this content. Time is measured here and never compared
/// with the hub's clock.
/// </summary>
internal sealed class WaitForDecision(HubCalls calls, TimeProvider time, Action<string> say)
{
    /// <summary>A hub that was never reached is most likely a wrong address.</summary>
    private static readonly TimeSpan FirstPatience = TimeSpan.FromMinutes(2);

    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(50),
        CallPatience = TimeSpan.FromSeconds(30),
        WithdrawPatience = TimeSpan.FromSeconds(4),
        MaxPause = TimeSpan.FromSeconds(30);

    private const string Requests = "api/v1/requests";

    private readonly long _began = time.GetTimestamp();

    public required string Body { get; init; }
    public required string IdempotencyKey { get; init; }
    public required TimeSpan Timeout { get; init; }
    public bool Redeem { get; init; }
    public bool WithdrawOnCancel { get; init; }
    public string? ContentFile { get; init; }

    public async Task<WaitOutcome> Run(CancellationToken cancel)
    {
        Request? sent = null;
        try
        {
            var (request, outcome) = await Submit(cancel);
            if (request is null)
                return outcome!;
            sent = request;
            say($"Waiting for approval: {request.Link}");
            say($"This occupies the runner for up to {Durations.Words(Timeout)}.");
            var decided = await Follow(request, cancel);
            return decided is WaitOutcome.Approved && Redeem ? await Use(request, cancel) : decided;
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            return sent is null ? new WaitOutcome.Unknown("Interrupted before the request was sent.")
                : WithdrawOnCancel ? await TakeBack(sent)
                : new WaitOutcome.Unknown($"Interrupted. The request goes on: {sent.Link}");
        }
    }

    private async Task<(Request? Request, WaitOutcome? Outcome)> Submit(CancellationToken cancel)
    {
        for (var attempt = 0; ; attempt++)
        {
            var patience = Timeout < CallPatience ? Timeout : CallPatience;
            switch (await calls.Post(Requests, Body, IdempotencyKey, patience, cancel))
            {
                case HubAnswer.Said { Status: 200 or 201 } said
                    when said["id"] is { Length: > 0 } id && said["digest"] is { Length: > 0 } digest:
                    return (new Request(id, digest, calls.AddressOf($"requests/{Uri.EscapeDataString(id)}")), null);
                case HubAnswer.Said { Status: >= 400 } said:
                    return (null, new WaitOutcome.Misused(said.Why));
                case HubAnswer.Said said:
                    return (null, new WaitOutcome.Unknown($"The hub answered {said.Status}, but named no request."));
                case HubAnswer.NotTheHub { Why: var why }:
                    return (null, new WaitOutcome.Unknown(why));
                case HubAnswer.Trouble trouble:
                    if (IsOver(FirstPatience < Timeout ? FirstPatience : Timeout))
                        return (null, new WaitOutcome.Unknown(trouble.Why));
                    await Pause(trouble, attempt, cancel);
                    break;
            }
        }
    }

    private async Task<WaitOutcome> Follow(Request request, CancellationToken cancel)
    {
        var (shown, troubles) = ("", 0);
        while (true)
        {
            var left = Timeout - time.GetElapsedTime(_began);
            if (left <= TimeSpan.Zero)
            {
                return new WaitOutcome.Unknown(
                    $"Not decided within {Durations.Words(Timeout)}. The request goes on: {request.Link}"
                );
            }
            var seconds = Math.Max(1, (int)Math.Min(Poll.TotalSeconds, left.TotalSeconds));
            var wait = seconds.ToString(CultureInfo.InvariantCulture);
            var answer = await calls.Get(
                $"{Requests}/{Uri.EscapeDataString(request.Id)}?wait={wait}s",
                TimeSpan.FromSeconds(seconds) + CallPatience,
                cancel
            );
            switch (answer)
            {
                case HubAnswer.Said { Status: 200 } said when said["id"] == request.Id:
                    troubles = 0;
                    if (said["digest"] != request.Digest)
                    {
                        return new WaitOutcome.NotApproved(
                            request.Id,
                            said["status"] ?? "",
                            "The request has another content by now, so this wait ends",
                            request.Link.AbsoluteUri
                        );
                    }
                    if (Decided(request, said) is { } decided)
                        return decided;
                    if (said["display"] is { } display && display != shown)
                        say(shown = display);
                    if (said["status"] != "active")
                        await Pause(new HubAnswer.Trouble("An unknown status."), troubles++, cancel);
                    break;
                case HubAnswer.Said { Status: 401 or 403 or 404 } said:
                    return new WaitOutcome.Unknown($"The request can't be seen any more: {said.Why} {request.Link}");
                case HubAnswer.Said or HubAnswer.NotTheHub:
                    // It was there a moment ago: a proxy on the way, most likely.
                    say("Something that isn't the hub answered. Trying again.");
                    await Pause(new HubAnswer.Trouble(""), ++troubles, cancel);
                    break;
                case HubAnswer.Trouble trouble:
                    say($"{trouble.Why} Trying again.");
                    await Pause(trouble, ++troubles, cancel);
                    break;
            }
        }
    }

    private static WaitOutcome? Decided(Request request, HubAnswer.Said said)
    {
        var (display, link) = (said["display"] ?? "", request.Link.AbsoluteUri);
        return said["status"] switch
        {
            "approved" => new WaitOutcome.Approved(request.Id, "approved", display, link, null),
            "rejected" or "withdrawn" => new WaitOutcome.NotApproved(request.Id, said["status"]!, display, link),
            _ => null,
        };
    }

    private async Task<WaitOutcome> Use(Request request, CancellationToken cancel)
    {
        var digest = request.Digest;
        if (ContentFile is not null)
        {
            // As it is now: what was approved is what it was when it was sent.
            var (now, problem) = WaitVerb.ContentDigest(ContentFile);
            if (now is null)
                return new WaitOutcome.Unknown(problem!);
            digest = now;
        }
        var body = JsonSerializer.Serialize(new { digest });
        var path = $"{Requests}/{Uri.EscapeDataString(request.Id)}/redemption";
        for (var attempt = 0; ; attempt++)
        {
            switch (await calls.Post(path, body, IdempotencyKey + "/redeem", CallPatience, cancel))
            {
                case HubAnswer.Said { Status: 200 } said
                    when said["id"] == request.Id && said["redeemed_at"] is { Length: > 0 } at:
                    say("Redeemed the approval.");
                    return new WaitOutcome.Approved(
                        request.Id,
                        "approved",
                        "Approved, redeemed",
                        request.Link.AbsoluteUri,
                        at
                    );
                case HubAnswer.Said { Status: 409 } said:
                    return new WaitOutcome.NotApproved(
                        request.Id,
                        said.Code ?? "",
                        said.Why.TrimEnd('.'),
                        request.Link.AbsoluteUri
                    );
                case HubAnswer.Said said:
                    return new WaitOutcome.Unknown(said.Why);
                case HubAnswer.NotTheHub { Why: var why }:
                    return new WaitOutcome.Unknown(why);
                case HubAnswer.Trouble trouble:
                    if (IsOver(Timeout + FirstPatience))
                        return new WaitOutcome.Unknown($"The approval may have been redeemed: {trouble.Why}");
                    await Pause(trouble, attempt, cancel);
                    break;
            }
        }
    }

    /// <summary>After an interruption the user is waiting: one try, a few seconds.</summary>
    private async Task<WaitOutcome> TakeBack(Request request)
    {
        var answer = await calls.Post(
            $"{Requests}/{Uri.EscapeDataString(request.Id)}/withdrawal",
            """{"reason":"The pipeline was canceled."}""",
            null,
            WithdrawPatience,
            CancellationToken.None
        );
        return answer is HubAnswer.Said { Status: 200 } said && said["status"] == "withdrawn"
            ? new WaitOutcome.NotApproved(
                request.Id,
                "withdrawn",
                "Interrupted, and the request was withdrawn",
                request.Link.AbsoluteUri
            )
            : new WaitOutcome.Unknown($"Interrupted, and the request could not be withdrawn: {request.Link}");
    }

    private bool IsOver(TimeSpan patience) => time.GetElapsedTime(_began) >= patience;

    /// <summary>Longer each time, and as long as the hub says.</summary>
    private async Task Pause(HubAnswer.Trouble trouble, int attempt, CancellationToken cancel)
    {
        var pause = TimeSpan.FromSeconds(Math.Pow(2, Math.Min(attempt, 6)) / 2);
        if (trouble.RetryAfter is { } asked && asked > pause)
            pause = asked;
        await Task.Delay(pause < MaxPause ? pause : MaxPause, time, cancel);
    }

    private sealed record Request(string Id, string Digest, Uri Link);
}
