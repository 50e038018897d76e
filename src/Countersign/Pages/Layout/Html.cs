using System.Buffers;
using System.Buffers.Text;
using System.Runtime.CompilerServices;
using System.Text;
using Countersign.SignIn;
using Countersign.Storage;

namespace Countersign.Pages.Layout;

/// <summary>
/// A page while it is written, as the bytes that leave. Every hole is encoded:
/// <c>html.Add($"&lt;p&gt;{text}&lt;/p&gt;")</c> shows the text, whatever is in it. There is no way to add a plain
/// string as markup.
/// </summary>
internal sealed class Html : IDisposable
{
    /// <summary>What means something in HTML, and control characters, which mean nothing anywhere.</summary>
    private static readonly SearchValues<char> Special = SearchValues.Create(
        "<>&\"'\u007f"
            + string.Concat(Enumerable.Range(0, 32).Select(c => (char)c).Where(c => c is not ('\t' or '\n' or '\r')))
    );

    private byte[] _bytes = ArrayPool<byte>.Shared.Rent(32 * 1024);
    private int _length;

    /// <summary>For a page that is shown to this caller.</summary>
    public Html(HttpContext http, DateTimeOffset now)
    {
        (Http, Now) = (http, now);
        Base = http.Request.PathBase.Value ?? "";
        Caller = http.FindCaller();
        Says = Texts.For(http);
    }

    public HttpContext Http { get; }
    public DateTimeOffset Now { get; }

    /// <summary>What stands before every path of ours.</summary>
    public string Base { get; }

    /// <summary>Who looks; null on pages for everybody.</summary>
    public Caller? Caller { get; }

    /// <summary>All words of the pages, in the reader's language.</summary>
    public Texts Says { get; }

    public ReadOnlyMemory<byte> Written => _bytes.AsMemory(0, _length);

    public Html Add([InterpolatedStringHandlerArgument("")] Pieces pieces)
    {
        _ = pieces;
        return this;
    }

    /// <summary>Encoded text.</summary>
    public Html Text(ReadOnlySpan<char> text)
    {
        while (true)
        {
            var at = text.IndexOfAny(Special);
            if (at < 0)
            {
                Raw(text);
                return this;
            }
            Raw(text[..at]);
            Raw(
                text[at] switch
                {
                    '<' => "&lt;",
                    '>' => "&gt;",
                    '&' => "&amp;",
                    '"' => "&quot;",
                    '\'' => "&#39;",
                    _ => "\uFFFD",
                }
            );
            text = text[(at + 1)..];
        }
    }

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = [];
    }

    /// <summary>Half a surrogate pair becomes the sign for what cannot be shown.</summary>
    private void Raw(ReadOnlySpan<char> text)
    {
        Room(Encoding.UTF8.GetMaxByteCount(text.Length));
        _length += Encoding.UTF8.GetBytes(text, _bytes.AsSpan(_length));
    }

    private void Number(long number)
    {
        Room(20);
        Utf8Formatter.TryFormat(number, _bytes.AsSpan(_length), out var written);
        _length += written;
    }

    private void Room(int size)
    {
        if (_bytes.Length - _length >= size)
            return;
        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(_bytes.Length * 2, _length + size));
        Written.Span.CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = larger;
    }

    /// <summary>The parts of one <see cref="Add"/>, each written as it comes.</summary>
    [InterpolatedStringHandler]
    internal readonly ref struct Pieces
    {
        private readonly Html _to;

        public Pieces(int literals, int holes, Html to)
        {
            _to = to;
            to.Room(literals + (holes * 16));
        }

        public void AppendLiteral(string markup) => _to.Raw(markup);

        public void AppendFormatted(string? text) => _to.Text(text);

        public void AppendFormatted(long number) => _to.Number(number);

        /// <summary>A time as machines read it.</summary>
        public void AppendFormatted(DateTimeOffset time) => _to.Raw(Instant.ToText(time));

        /// <summary>A part that writes itself in this place.</summary>
        public void AppendFormatted(Action<Html>? part) => part?.Invoke(_to);
    }
}
