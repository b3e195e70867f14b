package lodge.cpu.x86.silicon;

import lodge.cpu.x86.CpuException;
import lodge.cpu.x86.Engine;
import lodge.cpu.x86.Vector;

/** Finds out what an engine does with an instruction form by executing it a few times. */
final class FormExecutor implements AutoCloseable {
  private static final int DRAWS = 16;

  private final Engine kind;
  private final CaseRunner user;
  private CaseRunner supervisor;

  FormExecutor(Engine kind) {
    this.kind = kind;
    this.user = new VcpuEngine(kind, 3);
    this.supervisor = new VcpuEngine(kind, 0);
  }

  /**
   * @param executed it did something else than #UD at privilege level 0
   * @param privileged at privilege level 3 it does nothing but #GP
   * @param trouble what a Java exception or a hang said, or empty
   */
  record Result(boolean executed, boolean privileged, String trouble) {}

  Result execute(FormRow row) {
    boolean executed = false;
    boolean refused = true;
    boolean passed = false;
    int codeSize = row.inMode(8) ? 8 : 4;
    CaseGenerator generator = new CaseGenerator(row.text.hashCode(), codeSize);
    for (int i = 0; i < Math.max(DRAWS, 2 * row.variants); i++) {
      Case c = generator.single(row, i % row.variants);
      refused &= user.run(c).vector() == Vector.GP;
      CpuSnapshot inner;
      try {
        inner = supervisor.run(c);
      } catch (CpuException e) {
        // It took the kernel's memory away, so that not even the case can be cleared away.
        executed = true;
        passed = true;
        renew();
        continue;
      }
      if (inner.vector() == CpuSnapshot.TIMEOUT || inner.failure().contains("Exception")) {
        return new Result(false, false, c.describe() + ": " + inner.failure());
      }
      executed |= inner.vector() != Vector.UD;
      passed |= inner.vector() != Vector.GP;
      // Some leave a processor behind that cannot even deliver an exception.
      if (inner.vector() == CpuSnapshot.BROKEN) {
        renew();
      }
    }
    return new Result(executed || row.mnemonic.matches("UD[012]"), refused && passed, "");
  }

  private void renew() {
    supervisor.close();
    supervisor = new VcpuEngine(kind, 0);
  }

  @Override
  public void close() {
    user.close();
    supervisor.close();
  }
}
