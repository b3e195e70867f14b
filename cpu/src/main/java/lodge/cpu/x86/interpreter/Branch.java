package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.decode.Insn;

/** A relative branch. Those that may close a loop count how often they are taken. */
abstract class Branch extends Op {
  private final CodeLink link;
  private final CodePage page;
  private final boolean counted;
  private int heat;

  Branch(Insn insn, CodePage page, int offset) {
    this.page = page;
    this.link = new CodeLink(page, offset + insn.length + insn.imm, insn.operandSize);
    this.counted = page.mode == Cpu.CODE_64 && (insn.imm < 0 || insn.opcode == 0xE8);
  }

  /** The op at the target. */
  final Op take(Cpu c) {
    if (counted && (++heat & CodeCache.HOT - 1) == 0) {
      page.cache.hot(this, c);
    }
    return link.follow(c);
  }

  /** RIP of the target, checked: #GP(0) beyond the segment's limit or when not canonical. */
  final long targetRip(Cpu c) {
    return link.rip(c);
  }

  @Override
  public boolean wasTaken() {
    return link.wasFollowed();
  }

  CodeLink link() {
    return link;
  }

  @Override
  public void unlink(CodePage page) {
    super.unlink(page);
    link.unlink();
  }

  @Override
  public void relink(Op from, Op to) {
    super.relink(from, to);
    link.relink(from, to);
  }
}
