return Mvedsua.Replication.Verbs.BenchCommand.Run(args);
