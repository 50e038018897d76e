using System.Globalization;
using System.Security.Cryptography;
using Countersign.Storage;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;

namespace Countersign.SignIn;

/// <param name="Done">How many texts are now encrypted with a new key.</param>
/// <param name="Unreadable">How many texts couldn't be decrypted. They stay as they are.</param>
internal sealed record Reencrypted(int Done, int Unreadable);

/// <summary>
/// Encrypts the stored secrets with a key of the ring that no earlier root key opened, and then revokes the keys that
/// one did. No server may run, because it wouldn't know the new key. After an interruption the secrets of both kinds
/// can be read, and a further run goes on with those that are left.
/// </summary>
internal sealed class ReencryptSecrets(
    Store store,
    RootKey rootKey,
    IDataProtectionProvider keyRing,
    IKeyManager keys,
    IReadOnlyList<EncryptedColumn> columns
)
{
    private const int BatchSize = 100;
    private static readonly TimeSpan RingKeyLasts = TimeSpan.FromDays(90);

    /// <summary>
    /// Makes the key with which <see cref="Run"/> encrypts, and what is encrypted from now on. A run that was
    /// interrupted may have made it. An open key ring goes on with the key it has, so the rest is for another one.
    /// </summary>
    public async Task MakeKey(CancellationToken cancel)
    {
        if (UsesOneOf(await store.Read(reader => KeyRing.EarlierKeys(reader, rootKey), cancel)))
            keys.CreateNewKey(store.Now, store.Now + RingKeyLasts);
    }

    public async Task<Reencrypted> Run(Origin origin, CancellationToken cancel)
    {
        var earlier = await store.Read(reader => KeyRing.EarlierKeys(reader, rootKey), cancel);
        if (earlier.Count == 0)
            return new Reencrypted(0, 0);
        if (UsesOneOf(earlier))
            throw new InvalidOperationException("The key ring doesn't use its new key. Is this machine's clock right?");
        var (done, unreadable) = (0, 0);
        foreach (var column in columns)
        {
            var texts = await store.Read(reader => column.Find(reader, earlier), cancel);
            foreach (var batch in texts.Chunk(BatchSize))
            {
                // Not inside the transaction, since the key ring may read the store.
                var changes = batch.Select(text => (Text: text, New: Reencrypt(column, text))).ToList();
                unreadable += changes.RemoveAll(change => change.New is null);
                await store.InTransaction(
                    async tx =>
                    {
                        foreach (var (text, @new) in changes)
                            await Replace(tx, column, text, @new!, origin);
                    },
                    cancel
                );
                done += changes.Count;
            }
        }
        foreach (var key in earlier)
            keys.RevokeKey(key, "The root key was replaced.");
        return new Reencrypted(done, unreadable);
    }

    /// <summary>How many stored texts are still encrypted with these keys of the ring.</summary>
    public static async ValueTask<int> Count(
        Reader reader,
        IReadOnlyList<EncryptedColumn> columns,
        IReadOnlySet<Guid> keys
    )
    {
        var count = 0;
        foreach (var column in columns)
            count += (await column.Find(reader, keys)).Count;
        return count;
    }

    private bool UsesOneOf(IReadOnlySet<Guid> earlier) =>
        new EncryptedText { Key = "", Text = keyRing.CreateProtector("Countersign.probe").Protect("") }.RingKey
            is not { } key
        || earlier.Contains(key);

    /// <summary>Null if it can't be decrypted.</summary>
    private string? Reencrypt(EncryptedColumn column, EncryptedText text)
    {
        var protector = keyRing.CreateProtector(column.Purpose);
        if (text.Person is { } person)
            protector = protector.CreateProtector(person.ToString(CultureInfo.InvariantCulture));
        try
        {
            return protector.Protect(protector.Unprotect(text.Text));
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    private static async ValueTask Replace(
        Tx tx,
        EncryptedColumn column,
        EncryptedText text,
        string @new,
        Origin origin
    )
    {
        var sql =
            $"UPDATE {column.Table} SET {column.Column} = @new WHERE {column.Key} = @key AND {column.Column} = @old";
        var changed = column.HasTextKey
            ? await tx.Execute(
                sql,
                new
                {
                    key = text.Key,
                    old = text.Text,
                    @new,
                }
            )
            : await tx.Execute(
                sql,
                new
                {
                    key = long.Parse(text.Key, CultureInfo.InvariantCulture),
                    old = text.Text,
                    @new,
                }
            );
        if (changed > 0 && column.Event?.Invoke(text, Hashes.Sha256(@new)) is { } told)
            await tx.Append(told.Subject, origin, told.Kind, told.Data);
    }
}
