using Mvedsua.Replication.Instructions;

// Usage: Mvedsua.InstructionCheck [--accept] [--table FILE] [OUT]. Compares the shim's instructions on its hot paths with bench/instructions.tsv (make bench-check).
return InstructionCheck.Run(args, Console.Out, Console.Error);
