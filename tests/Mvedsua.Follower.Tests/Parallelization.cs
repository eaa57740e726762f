[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)] /* latencies are asserted, on two cores */
