[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)] /* the servers' clients alone keep both cores of a small machine busy */
