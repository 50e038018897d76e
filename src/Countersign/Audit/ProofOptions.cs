using System.ComponentModel;
using Countersign.Configuration;
using Countersign.Proof;
using Microsoft.Extensions.Options;

namespace Countersign.Audit;

/// <summary>How the log's tree is signed and shown.</summary>
public sealed record ProofOptions
{
    [Description("The origin this hub may sign: needed where several nodes share a store.")]
    public string? Origin { get; init; }

    [Description("The file with the last signed head of the log; without it, it's beside the root key.")]
    public string? SignedFile { get; init; }

    [Description("The witnesses that are asked to cosign the log, each as its key, a space and its address.")]
    [MustBe("keys and addresses such as w.example.com+1234abcd+BAbc… https://w.example.com, separated by commas")]
    public IReadOnlyList<WitnessAddress> Witnesses { get; init; } = [];

    [Description("Whether checkpoints get a second signature, by ML-DSA-44, which future computers can't forge.")]
    public bool MlDsa { get; init; }

    [Description("Whether everyone may read the log's checkpoint and tiles under /proof.")]
    public bool Public { get; init; }
}

internal sealed class ProofOptionsValidator : IValidateOptions<ProofOptions>
{
    public ValidateOptionsResult Validate(string? name, ProofOptions options)
    {
        var result = new ValidateOptionsResultBuilder();
        if (options.Origin is { } origin && !NoteKey.IsName(origin))
        {
            result.AddError(
                "`Proof:Origin` must be a name without spaces and \"+\", as `countersign proof keys` prints it, like "
                    + "approvals.example.com/1"
            );
        }
        if (options.Witnesses.DistinctBy(w => w.Id).Count() < options.Witnesses.Count)
            result.AddError("`Proof:Witnesses` has a witness twice. Give each key once.");
        return result.Build();
    }
}
