using System.IO.Compression;
using System.Security.Cryptography;

namespace Countersign.Pages.Layout;

/// <summary>
/// A file that pages refer to, from the program itself. Its address holds its hash, so browsers keep it for good; it is
/// compressed once, as well as can be.
/// </summary>
internal sealed class Asset
{
    public static readonly Asset Style = new("style.css", "text/css; charset=utf-8");
    public static readonly Asset Script = new("script.js", "text/javascript; charset=utf-8");

    /// <summary>For the two pages that ask the browser for a passkey.</summary>
    public static readonly Asset Passkeys = new("passkeys.js", "text/javascript; charset=utf-8");
    public static readonly Asset Icon = new("icon.svg", "image/svg+xml");

    /// <summary>While something waits for the reader.</summary>
    public static readonly Asset IconWithDot = new("icon-dot.svg", "image/svg+xml");

    private const string Root = "/assets/";
    private static readonly Dictionary<string, Asset> ByName = new[]
    {
        Style,
        Script,
        Passkeys,
        Icon,
        IconWithDot,
    }.ToDictionary(a => a.Name, StringComparer.Ordinal);

    private readonly string _type;
    private readonly byte[] _content;
    private readonly Lazy<byte[]> _brotli;

    private Asset(string file, string type)
    {
        _type = type;
        _content = Read(file);
        var dot = file.IndexOf('.', StringComparison.Ordinal);
        Name = $"{file[..dot]}.{Convert.ToHexStringLower(SHA256.HashData(_content).AsSpan(0, 6))}{file[dot..]}";
        _brotli = new Lazy<byte[]>(() => Compress(_content));
    }

    private string Name { get; }

    /// <summary>Below the path base.</summary>
    public string Address => Root + Name;

    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapGet(Root + "{name}", Serve).AllowAnonymous().DisableRateLimiting().ExcludeFromDescription();

    private static async Task<IResult> Serve(string name, HttpContext http)
    {
        if (!ByName.TryGetValue(name, out var asset))
            return Results.NotFound();
        var (request, headers) = (http.Request, http.Response.Headers);
        headers.CacheControl = "public, max-age=31536000, immutable";
        headers.Vary = "Accept-Encoding";
        http.Response.ContentType = asset._type;
        var packed = request.Headers.AcceptEncoding.ToString().Contains("br", StringComparison.OrdinalIgnoreCase);
        // Said also where it is not packed, so that nothing behind packs it again each time.
        headers.ContentEncoding = packed ? "br" : "identity";
        var bytes = packed ? asset._brotli.Value : asset._content;
        http.Response.ContentLength = bytes.Length;
        await http.Response.Body.WriteAsync(bytes, http.RequestAborted);
        return Results.Empty;
    }

    /// <summary>
    /// One file, or, for <c>style.css</c> and <c>script.js</c>, all files of the folder <c>style</c> or <c>script</c>
    /// in the order of their names.
    /// </summary>
    internal static byte[] Read(string file)
    {
        var assembly = typeof(Asset).Assembly;
        var folder = $"Assets.{System.IO.Path.GetFileNameWithoutExtension(file)}/";
        var names = assembly
            .GetManifestResourceNames()
            .Select(name => (Name: name, Path: name.Replace('\\', '/')))
            .Where(n => n.Path == "Assets." + file || n.Path.StartsWith(folder, StringComparison.Ordinal))
            .OrderBy(n => n.Path, StringComparer.Ordinal)
            .Select(n => n.Name)
            .ToList();
        if (names.Count == 0)
            throw new InvalidOperationException($"The program was built without {file}.");
        using var memory = new MemoryStream();
        foreach (var name in names)
        {
            using var stream = assembly.GetManifestResourceStream(name)!;
            stream.CopyTo(memory);
        }
        return memory.ToArray();
    }

    private static byte[] Compress(byte[] content)
    {
        using var packed = new MemoryStream();
        using (var brotli = new BrotliStream(packed, CompressionLevel.SmallestSize))
            brotli.Write(content);
        return packed.ToArray();
    }
}
