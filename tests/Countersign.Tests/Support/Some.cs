using Countersign.People;
using Countersign.Policies;
using Countersign.Requests;
using Countersign.Storage;

namespace Countersign.Tests;

/// <summary>Valid, unremarkable values; a test changes what it is about.</summary>
public static class Some
{
    public static readonly Origin Origin = new(Actor.Hub, "test", "127.0.0.1");
    public static readonly Origin Operator = new(Actor.Operator, "cli", "root@localhost");

    public static string Email(string name) => $"{name.Replace(' ', '.')}@example.test";

    public static Viewer Viewer(Person person, string via = "api") =>
        new(
            Party.Person(person.Id),
            person.Id,
            person.Role == Role.Admin,
            person.Name,
            new Origin(Actor.Person(person.Id), via, "127.0.0.1")
        );

    public static Viewer Viewer(NewSourceKey source, string via = "api") =>
        new(
            Party.Source(source.Id),
            null,
            IsAdmin: false,
            source.Name,
            new Origin(Actor.Source(source.Id), via, "127.0.0.1")
        );

    /// <summary>One step that one of these may fill.</summary>
    public static Policy Policy(params Approver[] from) => Policy(new Step("step 1", 1, from));

    public static Policy Policy(params Step[] steps) => new("test", steps);

    public static Step Step(string name, int need, params Approver[] from) => new(name, need, from);

    public static Submission Submission(Policy policy) => Content("Turn on dark mode") with { Policy = policy };

    /// <summary>A submission whose body and digest follow from its subject.</summary>
    public static Submission Content(string subject)
    {
        var body = $$"""{"subject":"{{subject}}"}""";
        return new Submission
        {
            SourceId = TestHub.ApiSource,
            SentBy = SentBy.Api,
            Subject = subject,
            Message = "So that nobody is dazzled.",
            Body = body,
            Digest = Hashes.Sha256(body),
            Requester = new Requester(null, "Rita Requester", [], Certainty.Proven),
            Policy = Policy(new Approver(Party.Admins, "an admin")),
        };
    }

    /// <summary>Changes the content of a submission and with it the digest; everything else stays.</summary>
    public static Submission Saying(this Submission submission, string subject) =>
        submission with
        {
            Subject = subject,
            Body = Content(subject).Body,
            Digest = Content(subject).Digest,
        };

    public static Submission AskedBy(this Submission submission, Person person) =>
        submission with
        {
            Requester = new Requester(person.Id, person.Name, [person.Id], Certainty.Proven),
            CreatorId = person.Id,
        };

    public static T Done<T>(AccessOutcome<T> outcome) =>
        outcome is AccessOutcome<T>.Done done
            ? done.Value
            : throw new InvalidOperationException($"Not done: {outcome}");
}
