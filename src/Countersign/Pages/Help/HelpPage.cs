using Countersign.Pages.Layout;
using Markdig.Syntax;
using Markdig.Syntax.Inlines;

namespace Countersign.Pages.Help;

/// <summary><c>/help/{name}</c>: a page of the documentation, for everybody who is signed in.</summary>
internal static class HelpPage
{
    public const string Path = "/help";

    public static IResult Index(HttpContext http) =>
        TypedResults.LocalRedirect($"{http.Request.PathBase}{Path}/{HelpDocuments.Names[0]}");

    public static IResult Show(string name, HttpContext http)
    {
        if (HelpDocuments.Find(name) is not { } document)
            return NotFoundPage.Page(http);
        var title = document.OfType<HeadingBlock>().FirstOrDefault(h => h.Level == 1)?.Inline;
        return new PageResult(
            new PageFrame(title is null ? name : TextOf(title)) { Section = Path },
            HelpSlice.Create(new HelpPageModel(name, document))
        );
    }

    private static string TextOf(ContainerInline container) =>
        string.Concat(
            container
                .Descendants()
                .Select(inline =>
                    inline switch
                    {
                        LiteralInline literal => literal.Content.ToString(),
                        CodeInline code => code.Content,
                        _ => "",
                    }
                )
        );
}
