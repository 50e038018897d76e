namespace Countersign.Simulator;

/// <summary>
/// What Go's engine prints for a null between the braces: not nothing, but everything that it knows at that place, in
/// Go's own notation. The quotes in it end the JSON string that it stands in.
/// </summary>
internal static class GoDump
{
    public static string Of(ProposedChange change)
    {
        var form = string.Join(' ', change.Form.Select(f => $"{f.Key}:{f.Value ?? "<nil>"}"));
        return $"map[_links:map[approval:map[href:{change.Link}]] approvalDescription:{change.Comment} "
            + $"approvalFormVariables:map[{form}] approvalId:{change.Id} "
            + $"details:map[html:<p class=\"change\">{change.Details}</p>]]";
    }
}
