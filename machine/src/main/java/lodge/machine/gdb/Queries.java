package lodge.machine.gdb;

import java.util.stream.Collectors;
import java.util.stream.IntStream;
import lodge.machine.gdb.Debuggee.Ended;

/** What the debugger asks about the stub and the machine as a whole (packets q and Q, E.4). */
final class Queries {
  private final Debuggee machine;
  private final PacketStream stream;
  private boolean tellsKind;

  Queries(Debuggee machine, PacketStream stream) {
    this.machine = machine;
    this.stream = stream;
  }

  /** Whether the debugger understands which kind of breakpoint a stop is about. */
  boolean tellsKind() {
    return tellsKind;
  }

  /**
   * The answer; without any text when there is no such query.
   *
   * @param current the vCPU that is chosen
   */
  String answer(Request request, int current) throws Ended, InterruptedException {
    if (request.accept("qSupported")) {
      String offered = request.rest();
      tellsKind = offered.contains("swbreak+") && offered.contains("hwbreak+");
      return "PacketSize=%x;qXfer:features:read+;QStartNoAckMode+;vContSupported+;swbreak+;hwbreak+"
          .formatted(PacketStream.LIMIT);
    }
    if (request.accept("QStartNoAckMode")) {
      stream.stopAcknowledging();
      return "OK";
    }
    if (request.accept("qXfer:features:read:target.xml:")) {
      return part(Registers.DESCRIPTION, request);
    }
    if (request.accept("qXfer:features:read:")) {
      return "E00";
    }
    if (request.accept("qAttached")) {
      return "1";
    }
    if (request.accept("qfThreadInfo")) {
      return IntStream.rangeClosed(1, machine.vcpus())
          .mapToObj(Integer::toHexString)
          .collect(Collectors.joining(",", "m", ""));
    }
    if (request.accept("qsThreadInfo")) {
      return "l";
    }
    if (request.accept("qThreadExtraInfo,")) {
      int thread = request.thread();
      return thread < 1 || thread > machine.vcpus()
          ? Errors.NO_THREAD
          : Hex.of(describe(thread - 1));
    }
    return request.accept("qC") && request.atEnd() ? "QC%x".formatted(current + 1) : "";
  }

  private String describe(int vcpu) throws Ended, InterruptedException {
    boolean halted = machine.at(vcpu, cpu -> cpu.halted);
    return "vCPU " + vcpu + (halted ? " [halted]" : " [running]");
  }

  /** An object in pieces: m and what there is, l and the last. */
  private static String part(String whole, Request request) {
    long offset = request.hex();
    request.expect(',');
    long length = Math.min(request.hex(), PacketStream.LIMIT / 2);
    request.end();
    if (offset < 0 || length < 0 || offset > whole.length()) {
      return Errors.INVALID;
    }
    int end = (int) Math.min(whole.length(), offset + length);
    return (end == whole.length() ? "l" : "m") + whole.substring((int) offset, end);
  }
}
