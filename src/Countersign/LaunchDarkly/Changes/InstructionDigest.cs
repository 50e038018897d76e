using System.Text.Json;
using Countersign.Requests;

namespace Countersign.LaunchDarkly.Changes;

/// <summary>
/// The digest of an approval request's instructions, in the canonical form of <see cref="Digest"/>. An answer refers to
/// it, so that a change of the instructions is noticed even if everything else stays the same.
/// </summary>
public static class InstructionDigest
{
    /// <summary>One list has one digest, whether it came as a list or as a text that holds it.</summary>
    public static string Of(JsonElement instructions)
    {
        using var text = Instructions.Unwrapped(instructions);
        return Digest.Of(text?.RootElement ?? instructions);
    }
}
