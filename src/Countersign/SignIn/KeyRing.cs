using System.Security.Cryptography;
using System.Text;
using System.Xml.Linq;
using Countersign.Storage;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.DataProtection.Repositories;
using Microsoft.AspNetCore.DataProtection.XmlEncryption;
using Microsoft.Extensions.Options;

namespace Countersign.SignIn;

/// <summary>
/// The keys of ASP.NET's data protection: in the store, so that every node and the command line have the same ones, and
/// each sealed as a whole under a key derived from the root key. The store alone opens nothing, and a key that somebody
/// puts there without the root key is not taken.
/// </summary>
public sealed partial class KeyRing(Store store, RootKey rootKey, ILogger<KeyRing> log) : IXmlRepository
{
    /// <summary>The attribute of a key that an earlier root key opened, too.</summary>
    private const string Earlier = "earlier";

    private readonly byte[] _key = KeyOf(rootKey);

    // The framework asks synchronously, at start-up and once a day.
    public IReadOnlyCollection<XElement> GetAllElements()
    {
        var rows = store
            .Read(reader => reader.All<Row>("SELECT name, sealed FROM key_ring ORDER BY at, name"))
            .AsTask()
            .GetAwaiter()
            .GetResult();
        var elements = new List<XElement>();
        foreach (var row in rows)
        {
            if (Open(_key, row) is { } element)
                elements.Add(element);
            else
                Log.NotOurs(log, row.Name);
        }
        return elements;
    }

    public void StoreElement(XElement element, string friendlyName)
    {
        var row = new
        {
            name = friendlyName,
            @sealed = Seal(_key, friendlyName, element.ToString(SaveOptions.DisableFormatting)),
        };
        store
            .InTransaction(async tx =>
            {
                await tx.Execute(
                    "INSERT INTO key_ring (name, sealed, at) VALUES (@name, @sealed, @now)",
                    new
                    {
                        row.name,
                        row.@sealed,
                        now = tx.Now,
                    }
                );
            })
            .GetAwaiter()
            .GetResult();
    }

    /// <summary>Whether a key of the ring was sealed under this root key, or there is none yet.</summary>
    internal static async ValueTask<bool> IsFrom(Reader reader, RootKey rootKey)
    {
        var rows = await reader.All<Row>("SELECT name, sealed FROM key_ring");
        var key = KeyOf(rootKey);
        return rows.Count == 0 || rows.Exists(row => Open(key, row) is not null);
    }

    /// <summary>Inside the transaction that puts another root key in place; how many keys that were.</summary>
    internal static async ValueTask<int> Reseal(Tx tx, RootKey from, RootKey to)
    {
        var (old, next, done) = (KeyOf(from), KeyOf(to), 0);
        foreach (var row in await tx.All<Row>("SELECT name, sealed FROM key_ring ORDER BY name"))
        {
            // What the earlier key doesn't open can't be read, and stays as it is.
            if (Open(old, row) is not { } element)
                continue;
            if (element.Name == "key")
                element.SetAttributeValue(Earlier, true);
            var @sealed = Seal(next, row.Name, element.ToString(SaveOptions.DisableFormatting));
            await tx.Execute("UPDATE key_ring SET sealed = @sealed WHERE name = @Name", new { @sealed, row.Name });
            done++;
        }
        return done;
    }

    /// <summary>
    /// The keys that an earlier root key opened, too, and with which stored secrets may still be encrypted.
    /// </summary>
    internal static async ValueTask<IReadOnlySet<Guid>> EarlierKeys(Reader reader, RootKey rootKey)
    {
        var (key, earlier, revoked) = (KeyOf(rootKey), new HashSet<Guid>(), new HashSet<Guid>());
        foreach (var row in await reader.All<Row>("SELECT name, sealed FROM key_ring"))
        {
            if (Open(key, row) is not { } element)
                continue;
            if (element.Name == "key" && element.Attribute(Earlier) is not null)
                earlier.Add((Guid)element.Attribute("id")!);
            else if (Guid.TryParse(element.Element("key")?.Attribute("id")?.Value, out var ended))
                revoked.Add(ended);
        }
        earlier.ExceptWith(revoked);
        return earlier;
    }

    private static byte[] KeyOf(RootKey rootKey) => rootKey.Derive("key ring");

    private static string Seal(byte[] key, string name, string text)
    {
        var plain = Encoding.UTF8.GetBytes(text);
        var whole = new byte[AesGcm.NonceByteSizes.MaxSize + plain.Length + AesGcm.TagByteSizes.MaxSize];
        var (nonce, sealedText, tag) = Parts(whole);
        RandomNumberGenerator.Fill(nonce);
        using var aes = new AesGcm(key, tag.Length);
        aes.Encrypt(nonce, plain, sealedText, tag, Encoding.UTF8.GetBytes(name));
        return Convert.ToBase64String(whole);
    }

    private static XElement? Open(byte[] key, Row row)
    {
        try
        {
            var (nonce, sealedText, tag) = Parts(Convert.FromBase64String(row.Sealed));
            var plain = new byte[sealedText.Length];
            using var aes = new AesGcm(key, tag.Length);
            aes.Decrypt(nonce, sealedText, tag, plain, Encoding.UTF8.GetBytes(row.Name));
            return XElement.Parse(Encoding.UTF8.GetString(plain));
        }
        catch (Exception failure) when (failure is CryptographicException or FormatException or ArgumentException)
        {
            return null;
        }
    }

    private static Three Parts(byte[] whole)
    {
        var (nonce, tag) = (AesGcm.NonceByteSizes.MaxSize, AesGcm.TagByteSizes.MaxSize);
        return whole.Length < nonce + tag
            ? throw new FormatException("Too short.")
            : new Three(
                whole.AsSpan(0, nonce),
                whole.AsSpan(nonce, whole.Length - nonce - tag),
                whole.AsSpan(whole.Length - tag)
            );
    }

    private readonly ref struct Three(Span<byte> nonce, Span<byte> text, Span<byte> tag)
    {
        private readonly Span<byte> _nonce = nonce,
            _text = text,
            _tag = tag;

        public void Deconstruct(out Span<byte> nonce, out Span<byte> text, out Span<byte> tag)
        {
            nonce = _nonce;
            text = _text;
            tag = _tag;
        }
    }

    private sealed class Row
    {
        public required string Name { get; init; }
        public required string Sealed { get; init; }
    }

    private static partial class Log
    {
        [LoggerMessage(
            Level = LogLevel.Error,
            Message = "The key {Name} of the key ring was not sealed under this root key and isn't used: secrets that "
                + "it protects can't be read. Is RootKeyFile the key file of this store?"
        )]
        public static partial void NotOurs(ILogger log, string name);
    }
}

public static class KeyRingServices
{
    /// <summary>
    /// Protects what the store keeps and what browsers carry: inject <see cref="IDataProtectionProvider"/> and name a
    /// purpose, <c>provider.CreateProtector("Countersign.what-it-is")</c>. Never inside a transaction, since the first
    /// use may write.
    /// </summary>
    public static IServiceCollection AddKeyRing(this IServiceCollection services)
    {
        services.AddSingleton<KeyRing>();
        services.AddDataProtection().SetApplicationName("Countersign");
        services.AddSingleton<IConfigureOptions<KeyManagementOptions>>(
            provider => new ConfigureOptions<KeyManagementOptions>(options =>
            {
                options.XmlRepository = provider.GetRequiredService<KeyRing>();
                // The ring seals every key as a whole, which also says who made it; sealing its secret once more would
                // add nothing.
                options.XmlEncryptor = new NullXmlEncryptor();
            })
        );
        return services;
    }
}
