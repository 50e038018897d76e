using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Countersign.Configuration;
using Countersign.Requests;
using Countersign.Storage;

namespace Countersign.Cli.Waiting;

/// <summary>
/// <c>countersign wait</c>: a step of a pipeline that sends a request and waits until it's decided. Only an approval
/// ends with 0.
/// </summary>
internal static class WaitVerb
{
    public const string Name = "wait";

    private const string HubVariable = ConfigurationSources.EnvironmentPrefix + "HUB",
        KeyVariable = ConfigurationSources.EnvironmentPrefix + "KEY";

    private static readonly Option<string?> Url = new("--url")
    {
        Description = $"The hub's address. The default is the variable {HubVariable}.",
        HelpName = "url",
    };
    private static readonly Option<string?> KeyFile = new("--key-file")
    {
        Description =
            $"The file with the source's key, or - for standard input. The default is the variable {KeyVariable}.",
        HelpName = "file",
    };
    private static readonly Option<string?> Key = new("--key")
    {
        Description = "The source's key. Other users of the machine can see it here: better use a variable or a file.",
        HelpName = "key",
    };
    private static readonly Option<string?> Title = new("--title", "--subject")
    {
        Description = "What is to be approved, in one line.",
        HelpName = "text",
        Required = true,
    };
    private static readonly Option<string?> Message = new("--message")
    {
        Description = "More about it. It can use Markdown.",
        HelpName = "text",
    };
    private static readonly Option<string[]> Facts = new("--fact")
    {
        Description = "A fact for policies and reviewers. Can be repeated.",
        HelpName = "name=value",
    };
    private static readonly Option<string[]> Links = new("--link")
    {
        Description = "A link for reviewers, such as to the pipeline's run. Can be repeated.",
        HelpName = "[name=]url",
    };
    private static readonly Option<string?> Environment = new("--environment")
    {
        Description = "The environment that the change is for, which policies can match.",
        HelpName = "name",
    };
    private static readonly Option<string?> Content = new("--content")
    {
        Description =
            "The file that will be applied, such as a plan. Its SHA-256 becomes part of the request, and --redeem "
            + "checks that the file is still the same.",
        HelpName = "file",
    };
    private static readonly Option<string?> Requester = new("--requester")
    {
        Description = "The email or name of the person who wants the change. They can't approve it.",
        HelpName = "email or name",
    };
    private static readonly Option<string?> Assignee = new("--assignee")
    {
        Description = "The email of the person who reviews, where no policy says otherwise.",
        HelpName = "email",
    };
    private static readonly Option<string?> Group = new("--group")
    {
        Description = "The group that reviews, where no policy says otherwise.",
        HelpName = "name",
    };
    private static readonly Option<string?> Idempotency = new("--idempotency-key")
    {
        Description = "A name for this run: repeated within a day, it waits for the same request.",
        HelpName = "key",
    };
    private static readonly Option<string?> Timeout = new("--timeout")
    {
        Description = "How long to wait, such as 30m. Then it ends with 3. The default is 24h.",
        HelpName = "time",
    };
    private static readonly Option<bool> Redeem = new("--redeem")
    {
        Description = "Use the approval up: once, for this content only.",
    };
    private static readonly Option<bool> WithdrawOnCancel = new("--withdraw-on-cancel")
    {
        Description = "Withdraw the request when interrupted (Ctrl+C, SIGTERM).",
    };

    public static Command Build(Terminal terminal) =>
        Verb.Plain(
            terminal,
            Name,
            "Send a request and wait for its decision: exit 0 approved; 1 rejected, expired or withdrawn; 2 wrong use; "
                + "3 can't tell.",
            [
                Title,
                Message,
                Facts,
                Links,
                Environment,
                Content,
                Requester,
                Assignee,
                Group,
                Url,
                KeyFile,
                Key,
                Timeout,
                Redeem,
                WithdrawOnCancel,
                Idempotency,
            ],
            (parse, cancel) => Run(terminal, parse, cancel)
        );

    private static async Task<Reply> Run(Terminal terminal, ParseResult parse, CancellationToken cancel)
    {
        if (Hub(parse) is not (var hub, null))
            return Misused(Hub(parse).Problem!);
        var (key, noKey) = KeyOf(terminal, parse);
        if (key is null)
            return Misused(noKey!);
        if (parse.GetValue(Timeout) is { } given && Durations.Parse(given) is null)
            return Misused("--timeout is a duration such as 30m.");
        if (parse.GetValue(Assignee) is not null && parse.GetValue(Group) is not null)
            return Misused("Give either --assignee or --group.");
        var (body, wrong) = Body(parse);
        if (body is null)
            return Misused(wrong!);
        using var calls = new HubCalls(hub!, key);
        var waiting = new WaitForDecision(calls, Cli.Hub.Clock, line => Say(terminal, line))
        {
            Body = body.ToJsonString(History.Json),
            IdempotencyKey = parse.GetValue(Idempotency) ?? Ulid(),
            Timeout = Durations.Parse(parse.GetValue(Timeout) ?? "24h")!.Value,
            Redeem = parse.GetValue(Redeem),
            WithdrawOnCancel = parse.GetValue(WithdrawOnCancel),
            ContentFile = parse.GetValue(Content),
        };
        return await Outcome(waiting, cancel) switch
        {
            WaitOutcome.Approved approved => new Reply.Done(Document(approved), $"{approved.Display}."),
            WaitOutcome.NotApproved not => new Reply.No(Document(not), $"{not.Display}."),
            WaitOutcome.Misused { Why: var why } => Misused(why),
            WaitOutcome.Unknown { Why: var why } => new Reply.Failed("cannot_tell", why, CannotTell: true),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
    }

    /// <summary>A fault of ours says nothing about the request either.</summary>
    private static async Task<WaitOutcome> Outcome(WaitForDecision waiting, CancellationToken cancel)
    {
        try
        {
            return await waiting.Run(cancel);
        }
        catch (Exception failure)
        {
            return new WaitOutcome.Unknown(failure.Message);
        }
    }

    /// <summary>Only what the job writes to standard output is the result.</summary>
    private static void Say(Terminal terminal, string line)
    {
        terminal.Error.WriteLine(line);
        terminal.Error.Flush();
    }

    private static object Document(WaitOutcome.Approved approved) =>
        new
        {
            id = approved.Id,
            status = approved.Status,
            display = approved.Display,
            link = approved.Link,
            redeemed_at = approved.RedeemedAt,
        };

    private static object Document(WaitOutcome.NotApproved not) =>
        new
        {
            id = not.Id,
            status = not.Status,
            display = not.Display,
            link = not.Link,
        };

    private static (Uri? Address, string? Problem) Hub(ParseResult parse)
    {
        var text = parse.GetValue(Url) ?? Variable(HubVariable);
        if (string.IsNullOrWhiteSpace(text))
            return (null, $"Set --url or {HubVariable} to the hub's address.");
        return
            Uri.TryCreate(text.TrimEnd('/') + "/", UriKind.Absolute, out var address)
            && address.Scheme is "https" or "http"
            && address is { UserInfo: "", Query: "", Fragment: "" }
            ? (address, null)
            : (null, $"The hub's address is not one: {text}");
    }

    private static (string? Key, string? Problem) KeyOf(Terminal terminal, ParseResult parse)
    {
        string? key;
        if (parse.GetValue(KeyFile) is { } file)
        {
            try
            {
                key = file == "-" ? terminal.Input.ReadToEnd() : File.ReadAllText(file);
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                return (null, $"--key-file can't be read: {failure.Message}");
            }
        }
        else
        {
            key = parse.GetValue(Key) ?? Variable(KeyVariable);
        }
        key = key?.Trim();
        return string.IsNullOrEmpty(key) ? (null, $"Set {KeyVariable} or --key-file to the source's key.")
            : key.All(c => c is > ' ' and < '\x7f') ? (key, null)
            : (null, "The source's key has characters that no key has.");
    }

    private static (JsonObject? Body, string? Problem) Body(ParseResult parse)
    {
        var facts = new JsonObject();
        if (parse.GetValue(Environment) is { } environment)
            facts["environment"] = environment;
        foreach (var fact in parse.GetValue(Facts) ?? [])
        {
            var at = fact.IndexOf('=', StringComparison.Ordinal);
            if (at < 1 || !facts.TryAdd(fact[..at], JsonValue.Create(fact[(at + 1)..])))
                return (null, $"--fact is name=value, each name once: {fact}");
        }
        var links = 0;
        foreach (var link in parse.GetValue(Links) ?? [])
        {
            var at = link.IndexOf('=', StringComparison.Ordinal);
            var isNamed = at > 0 && !link[..at].Contains(':', StringComparison.Ordinal);
            var (name, url) = isNamed ? (link[..at], link[(at + 1)..]) : ($"link {++links}", link);
            if (
                !Uri.TryCreate(url, UriKind.Absolute, out var address)
                || address.Scheme is not ("http" or "https")
                || !facts.TryAdd(name, JsonValue.Create(url))
            )
            {
                return (null, $"--link is a URL, or name=URL, each name once: {link}");
            }
        }
        if (parse.GetValue(Content) is { } file)
        {
            var (digest, problem) = ContentDigest(file);
            if (digest is null)
                return (null, problem);
            if (!facts.TryAdd(Requests.Redeem.ContentFact, JsonValue.Create(digest)))
                return (null, $"--content sets the fact {Requests.Redeem.ContentFact}. Don't set it yourself.");
            facts.TryAdd("content_name", JsonValue.Create(Path.GetFileName(file)));
        }
        var body = new JsonObject { ["subject"] = parse.GetValue(Title) };
        if (parse.GetValue(Message) is { } message)
            body["message"] = message;
        if (facts.Count > 0)
            body["facts"] = facts;
        if (parse.GetValue(Requester) is { } requester)
        {
            body["requester"] = new JsonObject
            {
                [requester.Contains('@', StringComparison.Ordinal) ? "email" : "name"] = requester,
            };
        }
        if (parse.GetValue(Assignee) is { } person)
            body["assignee"] = new JsonObject { ["person"] = person };
        if (parse.GetValue(Group) is { } group)
            body["assignee"] = new JsonObject { ["group"] = group };
        return (body, null);
    }

    internal static (string? Digest, string? Problem) ContentDigest(string file)
    {
        try
        {
            return (Hashes.Sha256(File.ReadAllBytes(file)), null);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return (null, $"--content can't be read: {failure.Message}");
        }
    }

    private static string? Variable(string name) => System.Environment.GetEnvironmentVariable(name);

    /// <summary>A name for this run that no other run has.</summary>
    private static string Ulid() =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"wait-{Convert.ToHexString(System.Security.Cryptography.RandomNumberGenerator.GetBytes(16))}"
        );

    private static Reply.Failed Misused(string why) => new(Reply.Usage, why);
}
