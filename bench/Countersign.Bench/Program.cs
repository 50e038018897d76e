using Countersign.Bench;
using Countersign.Bench.Servers;

if (args is ["control", "same", var answer, var address, var after])
{
    await Control.ServeSame(
        answer,
        address,
        TimeSpan.FromMilliseconds(int.Parse(after, System.Globalization.CultureInfo.InvariantCulture))
    );
    return 0;
}

if (args is ["control", "counting", var where, var slow])
{
    await Control.ServeCounting(
        where,
        TimeSpan.FromMilliseconds(int.Parse(slow, System.Globalization.CultureInfo.InvariantCulture))
    );
    return 0;
}

if (args is ["control", "alone", var home, var at])
{
    await Control.ServeAlone(home, at);
    return 0;
}

if (args is ["control", var mode, var file, var url])
{
    await Control.Serve(mode == "batch", file, url);
    return 0;
}

if (args is ["store", var folder])
{
    await StoreOnly.Run(folder, TimeSpan.FromSeconds(4));
    return 0;
}

using var interrupted = System.Runtime.InteropServices.PosixSignalRegistration.Create(
    System.Runtime.InteropServices.PosixSignal.SIGTERM,
    _ => Children.EndAll()
);
Console.CancelKeyPress += (_, _) => Children.EndAll();
try
{
    return Options.Read(args) is { } options ? await Session.Run(options) : 2;
}
finally
{
    Children.EndAll();
}
