using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Countersign.Storage;

namespace Countersign.Requests;

/// <summary>A request's id: a ULID, 26 characters, which sort by the time they were made.</summary>
public readonly record struct RequestId : ISqlText
{
    private const string Alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    internal const int Length = 26;
    private static readonly SearchValues<char> Digits = SearchValues.Create(Alphabet);

    private RequestId(string value) => Value = value;

    public string Value { get; }

    /// <summary>The subject under which a request's events are written.</summary>
    public string Subject => $"request:{Value}";

    /// <summary>When it was made, to the millisecond.</summary>
    public DateTimeOffset Time
    {
        get
        {
            var milliseconds = 0L;
            foreach (var digit in Value.AsSpan(0, 10))
                milliseconds = (milliseconds << 5) + Alphabet.IndexOf(digit, StringComparison.Ordinal);
            return DateTimeOffset.FromUnixTimeMilliseconds(milliseconds);
        }
    }

    public static bool TryParse([NotNullWhen(true)] string? text, out RequestId id)
    {
        id = default;
        if (text is not { Length: Length } || text[0] > '7' || text.AsSpan().ContainsAnyExcept(Digits))
            return false;
        id = new RequestId(text);
        return true;
    }

    /// <summary>For ids that we wrote ourselves.</summary>
    public static RequestId Of(string stored) =>
        TryParse(stored, out var id) ? id : throw new FormatException("The store contains an invalid ID.");

    /// <summary>
    /// The id from which on everything was made at this time or later: turns a time filter into a range of ids.
    /// </summary>
    public static string FirstAt(DateTimeOffset time) => Write(time.ToUnixTimeMilliseconds(), 0, 0).Value;

    internal static RequestId Write(long milliseconds, ushort high, ulong low) =>
        new(
            string.Create(
                Length,
                (milliseconds, high, low),
                static (text, parts) =>
                {
                    var (time, high, low) = parts;
                    for (var i = 9; i >= 0; i--, time >>= 5)
                        text[i] = Alphabet[(int)(time & 31)];
                    var random = new UInt128(high, low);
                    for (var i = Length - 1; i >= 10; i--, random >>= 5)
                        text[i] = Alphabet[(int)(random & 31)];
                }
            )
        );

    public string ToSqlText() => Value;

    public override string ToString() => Value;
}

/// <summary>
/// Makes request ids. Each is greater than the one before, also within a millisecond and when the clock goes back.
/// </summary>
public sealed class RequestIds
{
    private readonly Lock _lock = new();
    private long _last;
    private ushort _high;
    private ulong _low;

    public RequestId Next(DateTimeOffset now)
    {
        lock (_lock)
        {
            var milliseconds = now.ToUnixTimeMilliseconds();
            if (milliseconds > _last)
            {
                _last = milliseconds;
                Span<byte> random = stackalloc byte[10];
                RandomNumberGenerator.Fill(random);
                // The top bit stays free, so that counting up within the millisecond cannot run over.
                _high = (ushort)(BitConverter.ToUInt16(random) & 0x7FFF);
                _low = BitConverter.ToUInt64(random[2..]);
            }
            else if (++_low == 0)
            {
                _high++;
            }
            return RequestId.Write(_last, _high, _low);
        }
    }
}
