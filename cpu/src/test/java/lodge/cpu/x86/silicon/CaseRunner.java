package lodge.cpu.x86.silicon;

/** What is compared with the processor: anything that runs a case. */
interface CaseRunner extends AutoCloseable {
  CpuSnapshot run(Case c);

  @Override
  void close();
}
