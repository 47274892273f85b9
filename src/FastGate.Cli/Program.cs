using FastGate.Cli;

return CommandLine.Run(args, Terminal.OfProcess());
