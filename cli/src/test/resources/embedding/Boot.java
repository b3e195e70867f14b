import java.nio.file.Path;
import lodge.machine.Machine;
import lodge.machine.Outcome;
import lodge.machine.SerialConsole;

class Boot {
  public static void main(String[] args) throws InterruptedException {
    try (Machine machine =
        Machine.builder()
            .kernel(Path.of(args[0]))
            .initrd(Path.of(args[1]))
            .append("console=ttyS0")
            .memory(256L << 20)
            .serial(SerialConsole.of(System.in, System.out))
            .build()) {
      machine.start();
      Outcome outcome = machine.await();
      System.out.println("The machine ended with " + outcome);
    }
  }
}
