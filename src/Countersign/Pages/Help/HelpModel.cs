using Markdig.Syntax;

namespace Countersign.Pages.Help;

/// <summary>A page of the documentation.</summary>
public sealed record HelpPageModel(string Name, MarkdownDocument Document);
