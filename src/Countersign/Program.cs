using Countersign.Web;

var mistakes = new List<string>();
var settings = Settings.Read(Composition.Configuration(args, null, null), mistakes);
foreach (var mistake in mistakes)
    await Console.Error.WriteLineAsync(mistake);
return mistakes.Count > 0 ? 2 : await Server.Run(settings, args, CancellationToken.None);
