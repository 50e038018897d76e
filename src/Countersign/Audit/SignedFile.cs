using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Countersign.Proof;
using Countersign.Storage;

namespace Countersign.Audit;

/// <summary>
/// The right to sign, which lies outside the database: a small file beside the root key that says up to where this
/// hub has signed. A store from a backup is behind it, a copy of a store comes without it, and neither signs. It is on
/// the disk before a checkpoint is signed.
/// </summary>
/// <remarks>Five lines: a label, the epoch, and the three lines of a checkpoint.</remarks>
internal sealed class SignedFile(string path)
{
    private const string Label = "countersign-signed-v1";
    private string? _written;

    public string Path => path;

    /// <summary>What was signed last; null where there is no file. Throws where it can't be read.</summary>
    public SignedHead? Read()
    {
        try
        {
            return Parse(File.ReadAllText(path));
        }
        catch (Exception missing) when (missing is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Whether it still holds what this process wrote last.</summary>
    public bool IsAsWritten() => _written is not null && File.Exists(path) && File.ReadAllText(path) == _written;

    /// <summary>The store may have changed since, so what was written must be held against it again.</summary>
    public void Doubt() => _written = null;

    /// <summary>Written beside, and on the disk before it takes its place.</summary>
    public void Write(SignedHead head)
    {
        var (text, fresh) = (Text(head), $"{path}.{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}");
        using (var stream = PrivateFile.Create(fresh))
        {
            stream.Write(Encoding.UTF8.GetBytes(text));
            stream.Flush(flushToDisk: true);
        }
        File.Move(fresh, path, overwrite: true);
        _written = text;
    }

    private static string Text(SignedHead head) =>
        string.Create(CultureInfo.InvariantCulture, $"{Label}\n{head.Epoch}\n{head.Head}");

    private SignedHead Parse(string text)
    {
        var lines = text.Split('\n', 3);
        return
            lines is [Label, var number, var head]
            && Checkpoint.TryNumber(number, out var epoch)
            && Checkpoint.Parse(head, out _) is { } checkpoint
            ? new SignedHead(epoch, checkpoint)
            : throw new InvalidDataException($"{path} is not as Countersign wrote it.");
    }
}

internal sealed record SignedHead(long Epoch, Checkpoint Head);
