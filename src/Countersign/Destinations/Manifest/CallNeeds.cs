using System.Collections.Frozen;

namespace Countersign.Destinations.Manifest;

/// <summary>
/// What can be said of a kind of call from its templates alone: worked out once, for every call of the kind asks it.
/// </summary>
internal sealed class CallNeeds
{
    private readonly List<string> _secrets = [];
    private readonly FrozenSet<Template> _mayHoldSecret;

    public CallNeeds(CallTemplate call, ApprovalManifest manifest)
    {
        foreach (var name in call.Names)
        {
            if ((name.IsPrinted || name.Plain is ["oauth", "accessToken"]) && SecretOf(name, manifest) is { } key)
                _secrets.Add(key);
        }
        if (call.Hmac is { } hmac)
            _secrets.Add(hmac.SecretKey);
        Unknown = call.Texts.SelectMany(t => t.Names).FirstOrDefault(n => n.IsPrinted && !KnownNames.Has(manifest, n));
        _mayHoldSecret = (call.Body is null ? call.Texts : call.Texts.Append(call.Body))
            .Where(t => MayPrintSecret(t, manifest))
            .ToFrozenSet();
        TextRoots = Together(call.Texts);
        SecretTextRoots = Together(call.Texts.Where(MayHoldSecret));
    }

    /// <summary>A name in its address or a header that means nothing.</summary>
    public UsedName? Unknown { get; }

    /// <summary>
    /// The first steps of what its address and headers draw on, and those of them that a secret may be in; null where
    /// that cannot be said before.
    /// </summary>
    public IReadOnlySet<string>? TextRoots { get; }
    public IReadOnlySet<string>? SecretTextRoots { get; }

    /// <summary>Whether a secret, or a whole that holds secrets, may be printed there.</summary>
    public bool MayHoldSecret(Template template) => _mayHoldSecret.Contains(template);

    /// <summary>The key of a secret that it prints, signs with or sends, and that has no value.</summary>
    public string? Unset(CallContext context)
    {
        if (_secrets.Count == 0)
            return null;
        var set = context.Secrets.Select(s => s.Key).ToHashSet();
        return _secrets.Find(key => !set.Contains(key));
    }

    /// <summary>The key of the secret that a name stands for, if it does.</summary>
    private static string? SecretOf(UsedName name, ApprovalManifest manifest)
    {
        var key = name.Plain switch
        {
            [] => null,
            ["oauth", "accessToken"] => OAuthKeys.AccessToken,
            ["environment" or "environmentFormVariables" or "formVariables", var inner, ..] => inner,
            [var first, ..] => first,
        };
        return key == OAuthKeys.AccessToken || manifest.Settings.FirstOrDefault(v => v.Key == key) is { IsSecret: true }
            ? key
            : null;
    }

    private static bool MayPrintSecret(Template template, ApprovalManifest manifest) =>
        template.Roots is null
        || template.Names.Any(n =>
            n.Plain is [] or ["oauth" or "environment" or "environmentFormVariables" or "formVariables"]
            || SecretOf(n, manifest) is not null
        );

    private static HashSet<string>? Together(IEnumerable<Template> templates)
    {
        var all = new HashSet<string>();
        foreach (var template in templates)
        {
            if (template.Roots is null)
                return null;
            all.UnionWith(template.Roots);
        }
        return all;
    }
}
