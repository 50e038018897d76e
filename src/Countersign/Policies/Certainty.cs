namespace Countersign.Policies;

/// <summary>How sure we are who asked.</summary>
public enum Certainty
{
    /// <summary>A person must stand behind the request, and nothing says which.</summary>
    None,

    /// <summary>By a name or an email address in a body that matches people here.</summary>
    Claimed,

    /// <summary>By their own credential; or a source that asks in its own name, by its key.</summary>
    Proven,
}

public static class Certainties
{
    public static string ToWireName(this Certainty certainty) =>
        certainty switch
        {
            Certainty.Proven => "proven",
            Certainty.Claimed => "claimed",
            _ => "none",
        };

    /// <summary>A word that is none of them is no proof.</summary>
    public static Certainty Of(string word) =>
        word switch
        {
            "proven" => Certainty.Proven,
            "claimed" => Certainty.Claimed,
            _ => Certainty.None,
        };
}
