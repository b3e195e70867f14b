package lodge.machine.gdb;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import lodge.machine.gdb.Debuggee.Action;

/** Which threads a debugger means: vCPUs, numbered from 1 (packets H, c, s and vCont). */
final class ThreadChoice {
  private final int vcpus;

  /** Whose registers and memory are asked for: the vCPU's number. */
  private int current;

  /** Who steps or goes on with a plain s or c; all when negative. */
  private int resumed = -1;

  ThreadChoice(int vcpus) {
    this.vcpus = vcpus;
  }

  int current() {
    return current;
  }

  /** The machine has stopped; what was said of going on is over. */
  void stopped() {
    resumed = -1;
  }

  void choose(int vcpu) {
    current = vcpu;
  }

  boolean exists(int thread) {
    return thread <= vcpus;
  }

  /** H: chooses for what comes next. */
  String select(Request request) {
    char purpose = request.next();
    int thread = request.thread();
    if (!exists(thread)) {
      return Errors.NO_THREAD;
    }
    switch (purpose) {
      case 'g' -> current = thread > 0 ? thread - 1 : current;
      case 'c' -> resumed = thread - 1;
      default -> throw new Request.Malformed();
    }
    return "OK";
  }

  /** What a plain c or s has the vCPUs do. */
  List<Action> plain(Action action) {
    Action[] actions = new Action[vcpus];
    if (resumed >= 0) {
      Arrays.fill(actions, Action.STAY);
      actions[resumed] = action;
    } else {
      Arrays.fill(actions, Action.CONTINUE);
      actions[current] = action;
    }
    return Arrays.asList(actions);
  }

  /**
   * The actions of vCont: for each thread the first that names it, or names none. Empty when there
   * is no such thread.
   */
  Optional<List<Action>> each(Request request) {
    List<Action> actions = new ArrayList<>(Collections.nCopies(vcpus, null));
    do {
      Action action = action(request);
      int thread = request.accept(":") ? request.thread() : -1;
      if (!exists(thread)) {
        return Optional.empty();
      }
      for (int i = 0; i < vcpus; i++) {
        boolean named = thread < 0 || thread == i + 1 || thread == 0 && i == current;
        if (named && actions.get(i) == null) {
          actions.set(i, action);
        }
      }
    } while (request.accept(";"));
    request.end();
    actions.replaceAll(action -> action == null ? Action.STAY : action);
    return Optional.of(actions);
  }

  /** Signals, which C and S come with, mean nothing to a machine. */
  private static Action action(Request request) {
    char letter = request.next();
    if (letter == 'C' || letter == 'S') {
      request.hex();
    }
    return switch (letter) {
      case 'c', 'C' -> Action.CONTINUE;
      case 's', 'S' -> Action.STEP;
      case 't' -> Action.STAY;
      default -> throw new Request.Malformed();
    };
  }
}
