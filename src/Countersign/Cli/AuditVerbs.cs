using System.CommandLine;
using Countersign.Access;
using Countersign.Audit;

namespace Countersign.Cli;

/// <summary><c>countersign audit …</c>: proving the record, and taking it elsewhere.</summary>
internal static class AuditVerbs
{
    public static Command Build(Terminal terminal) => Verb.Family("audit", "The record of what happened: verify.", Check(terminal));

    private static Command Check(Terminal terminal)
    {
        var head = new Option<SealHead?>("--head")
        {
            Description = "A head taken down earlier: proves that nothing up to it was cut off.",
            HelpName = "n:hash",
            CustomParser = result =>
            {
                var earlier = SealHead.TryParse(result.Tokens[0].Value);
                if (earlier is null)
                    result.AddError("--head is a number, a colon and 64 hex digits, as audit verify prints it.");
                return earlier;
            },
        };
        return Verb.OnStore(terminal, "verify", "Prove that no event, seal or request was changed, removed or put in. Exits with 1 and names the first that was.", [head], async (parse, hub, cancel) =>
        {
            using var key = new SealKey(hub.Get<RootKey>());
            var found = await new Verify(hub.Store, key).Run(parse.GetValue(head), cancel);
            if (!found.Ok)
                return new Reply.No(found, $"Not as it was written: {found.Problem}");
            return new Reply.Done(new { found.Ok, found.Events, found.Sealed, found.Unsealed, found.Head },
                $"""
                Everything is as it was written: {found.Events} events, {found.Sealed} of them sealed.
                Head: {found.Head}
                Keep the head outside this hub; audit verify --head {found.Head} shows later that it is still there.
                """);
        });
    }
}
