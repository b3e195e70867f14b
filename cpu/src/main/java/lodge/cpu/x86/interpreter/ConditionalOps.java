package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.Flags;
import lodge.cpu.x86.decode.Insn;

/** Jcc: a class for each condition. */
final class ConditionalOps {
  private ConditionalOps() {}

  /** The conditional jump with the condition in the opcode's low four bits. */
  static Op jump(Insn insn, CodePage page, int offset) {
    return switch (insn.opcode & 15) {
      case 0 -> new Jo(insn, page, offset);
      case 1 -> new Jno(insn, page, offset);
      case 2 -> new Jb(insn, page, offset);
      case 3 -> new Jae(insn, page, offset);
      case 4 -> new Je(insn, page, offset);
      case 5 -> new Jne(insn, page, offset);
      case 6 -> new Jbe(insn, page, offset);
      case 7 -> new Ja(insn, page, offset);
      case 8 -> new Js(insn, page, offset);
      case 9 -> new Jns(insn, page, offset);
      case 10 -> new Jp(insn, page, offset);
      case 11 -> new Jnp(insn, page, offset);
      case 12 -> new Jl(insn, page, offset);
      case 13 -> new Jge(insn, page, offset);
      case 14 -> new Jle(insn, page, offset);
      default -> new Jg(insn, page, offset);
    };
  }

  private static final class Jo extends Branch {
    Jo(Insn insn, CodePage page, int offset) {
      super(insn, page, offset);
    }

    @Override
    public Op exec(Cpu c) {
      return Flags.of(c) ? take(c) : next;
    }
  }

  private static final class Jno extends Branch {
    Jno(Insn insn, CodePage page, int offset) {
      super(insn, page, offset);
    }

    @Override
    public Op exec(Cpu c) {
      return !Flags.of(c) ? take(c) : next;
    }
  }

  private static final class Jb extends Branch {
    Jb(Insn insn, CodePage page, int offset) {
      super(insn, page, offset);
    }

    @Override
    public Op exec(Cpu c) {
      return c.flagAux < 0 ? take(c) : next;
    }
  }

  private static final class Jae extends Branch {
    Jae(Insn insn, CodePage page, int offset) {
      super(insn, page, offset);
    }

    @Override
    public Op exec(Cpu c) {
      return c.flagAux >= 0 ? take(c) : next;
    }
  }

  private static final class Je extends Branch {
    Je(Insn insn, CodePage page, int offset) {
      super(insn, page, offset);
    }

    @Override
    public Op exec(Cpu c) {
      return c.flagResult == 0 ? take(c) : next;
    }
  }

  private static final class Jne extends Branch {
    Jne(Insn insn, CodePage page, int offset) {
      super(insn, page, offset);
    }

    @Override
    public Op exec(Cpu c) {
      return c.flagResult != 0 ? take(c) : next;
    }
  }

  private static final class Jbe extends Branch {
    Jbe(Insn insn, CodePage page, int offset) {
      super(insn, page, offset);
    }

    @Override
    public Op exec(Cpu c) {
      return c.flagAux < 0 || c.flagResult == 0 ? take(c) : next;
    }
  }

  private static final class Ja extends Branch {
    Ja(Insn insn, CodePage page, int offset) {
      super(insn, page, offset);
    }

    @Override
    public Op exec(Cpu c) {
      return c.flagAux >= 0 && c.flagResult != 0 ? take(c) : next;
    }
  }

  private static final class Js extends Branch {
    Js(Insn insn, CodePage page, int offset) {
      super(insn, page, offset);
    }

    @Override
    public Op exec(Cpu c) {
      return Flags.sf(c) ? take(c) : next;
    }
  }

  private static final class Jns extends Branch {
    Jns(Insn insn, CodePage page, int offset) {
      super(insn, page, offset);
    }

    @Override
    public Op exec(Cpu c) {
      return !Flags.sf(c) ? take(c) : next;
    }
  }

  private static final class Jp extends Branch {
    Jp(Insn insn, CodePage page, int offset) {
      super(insn, page, offset);
    }

    @Override
    public Op exec(Cpu c) {
      return Flags.pf(c) ? take(c) : next;
    }
  }

  private static final class Jnp extends Branch {
    Jnp(Insn insn, CodePage page, int offset) {
      super(insn, page, offset);
    }

    @Override
    public Op exec(Cpu c) {
      return !Flags.pf(c) ? take(c) : next;
    }
  }

  private static final class Jl extends Branch {
    Jl(Insn insn, CodePage page, int offset) {
      super(insn, page, offset);
    }

    @Override
    public Op exec(Cpu c) {
      return Flags.less(c) ? take(c) : next;
    }
  }

  private static final class Jge extends Branch {
    Jge(Insn insn, CodePage page, int offset) {
      super(insn, page, offset);
    }

    @Override
    public Op exec(Cpu c) {
      return !Flags.less(c) ? take(c) : next;
    }
  }

  private static final class Jle extends Branch {
    Jle(Insn insn, CodePage page, int offset) {
      super(insn, page, offset);
    }

    @Override
    public Op exec(Cpu c) {
      return c.flagResult == 0 || Flags.less(c) ? take(c) : next;
    }
  }

  private static final class Jg extends Branch {
    Jg(Insn insn, CodePage page, int offset) {
      super(insn, page, offset);
    }

    @Override
    public Op exec(Cpu c) {
      return c.flagResult != 0 && !Flags.less(c) ? take(c) : next;
    }
  }
}
