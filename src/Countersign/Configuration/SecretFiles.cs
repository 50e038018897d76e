using System.Collections;

namespace Countersign.Configuration;

/// <summary>A secret that a variable says is in a file.</summary>
/// <param name="Problem">Why it can't be used; null if it can.</param>
public sealed record SecretFile(string Setting, string Variable, string File, string? Problem);

/// <summary>
/// Secrets in files, where Docker, Kubernetes and systemd put them: <c>COUNTERSIGN_Email__Password_FILE</c> names the
/// file with the value of <c>Email:Password</c>. One line break at its end doesn't count.
/// </summary>
internal sealed class SecretFiles : ConfigurationProvider, IConfigurationSource
{
    public const string Suffix = "_FILE";

    private readonly List<SecretFile> _files = [];

    public IReadOnlyList<SecretFile> Files => _files;

    public IConfigurationProvider Build(IConfigurationBuilder builder) => this;

    public override void Load()
    {
        _files.Clear();
        var variables = Environment.GetEnvironmentVariables();
        foreach (DictionaryEntry entry in variables)
        {
            var (variable, file) = ((string)entry.Key, (string?)entry.Value ?? "");
            if (
                file.Length == 0
                || !variable.StartsWith(ConfigurationSources.EnvironmentPrefix, StringComparison.OrdinalIgnoreCase)
                || !variable.EndsWith(Suffix, StringComparison.OrdinalIgnoreCase)
            )
            {
                continue;
            }
            var plain = variable[..^Suffix.Length];
            var setting = plain[ConfigurationSources.EnvironmentPrefix.Length..]
                .Replace("__", ":", StringComparison.Ordinal);
            var isGivenTwice = variables
                .Keys.Cast<string>()
                .Any(name =>
                    string.Equals(name, plain, StringComparison.OrdinalIgnoreCase)
                    && variables[name] is string { Length: > 0 }
                );
            var problem = isGivenTwice
                ? $"Both {plain} and {variable} are set. Remove one of them."
                : Read(setting, variable, file);
            _files.Add(new SecretFile(setting, variable, file, problem));
        }
    }

    private string? Read(string setting, string variable, string file)
    {
        try
        {
            var text = File.ReadAllText(file);
            text =
                text.EndsWith("\r\n", StringComparison.Ordinal) ? text[..^2]
                : text.EndsWith('\n') ? text[..^1]
                : text;
            if (text.Length == 0)
                return $"The file {file} is empty, which {variable} names.";
            Data[setting] = text;
            return null;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return $"The file {file} can't be read, which {variable} names: {failure.Message}";
        }
    }
}
