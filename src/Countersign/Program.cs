using Countersign.Cli;

return await CommandLine.Run(args);
