using FastGate.Cli;

StandardFiles.OpenMissing();
Terminal terminal = Terminal.OfProcess();
return terminal.CodeOf(CommandLine.Run(args, terminal));
