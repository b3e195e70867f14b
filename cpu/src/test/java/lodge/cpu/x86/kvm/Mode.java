package lodge.cpu.x86.kvm;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.Flags;

/** The modes that scenarios start in. */
enum Mode {
  REAL(2, 0, Paging.NONE),
  PROTECTED_16(2, 0, Paging.NONE),
  PROTECTED_32(4, 0, Paging.NONE),
  PROTECTED_32_USER(4, 3, Paging.NONE),
  PAGED_32(4, 0, Paging.TWO_LEVEL),
  PAGED_32_USER(4, 3, Paging.TWO_LEVEL),
  PAE_32(4, 0, Paging.PAE),
  PAE_32_USER(4, 3, Paging.PAE),
  VIRTUAL_8086(2, 3, Paging.NONE),
  VIRTUAL_8086_IOPL_3(2, 3, Paging.NONE),
  COMPATIBILITY(4, 0, Paging.FOUR_LEVEL),
  COMPATIBILITY_USER(4, 3, Paging.FOUR_LEVEL),
  LONG(8, 0, Paging.FOUR_LEVEL),
  LONG_USER(8, 3, Paging.FOUR_LEVEL);

  /** Kinds of address translation. */
  enum Paging {
    NONE,
    TWO_LEVEL,
    PAE,
    FOUR_LEVEL
  }

  /** Bytes of the default operand, 8 for 64-bit code. */
  final int codeSize;

  final int cpl;
  final Paging paging;

  Mode(int codeSize, int cpl, Paging paging) {
    this.codeSize = codeSize;
    this.cpl = cpl;
    this.paging = paging;
  }

  boolean real() {
    return this == REAL;
  }

  boolean virtual8086() {
    return this == VIRTUAL_8086 || this == VIRTUAL_8086_IOPL_3;
  }

  boolean longMode() {
    return paging == Paging.FOUR_LEVEL;
  }

  /** The state in which the first instruction is fetched at {@link BoardImage#CODE}. */
  CpuState state() {
    CpuState s = new CpuState();
    long[] v = s.v;
    for (int i = 0; i < 16; i++) {
      v[i] = 0;
    }
    v[Cpu.RSP] = cpl == 0 ? BoardImage.STACK : BoardImage.USER_STACK;
    v[CpuState.RIP] = BoardImage.CODE;
    v[CpuState.RFLAGS] = 2;
    v[CpuState.GDT_BASE] = BoardImage.GDT;
    v[CpuState.GDT_LIMIT] = 0xFFF;
    v[CpuState.IDT_BASE] = real() ? 0 : longMode() ? BoardImage.IDT_LONG : BoardImage.IDT;
    v[CpuState.IDT_LIMIT] = real() ? 0x3FF : longMode() ? 0xFFF : 0x7FF;
    v[CpuState.DR6] = 0xFFFF_0FF0L;
    v[CpuState.DR7] = 0x400;
    v[CpuState.CR0] = real() ? 0x10 : 0x31;
    s.segment(Cpu.LDTR, BoardImage.LDT_SELECTOR, BoardImage.LDT, 0xFF, 0x82);
    int tss = BoardImage.TSS;
    s.segment(Cpu.TR, BoardImage.TSS_SELECTOR, tss, BoardImage.TSS_LIMIT, 0x8B);
    switch (paging) {
      case NONE -> {}
      case TWO_LEVEL -> {
        v[CpuState.CR3] = BoardImage.PD_32;
        v[CpuState.CR4] = Cpu.CR4_PSE;
      }
      case PAE -> {
        v[CpuState.CR3] = BoardImage.PDPT_PAE;
        v[CpuState.CR4] = Cpu.CR4_PAE;
        v[CpuState.EFER] = Cpu.EFER_NXE;
      }
      case FOUR_LEVEL -> {
        v[CpuState.CR3] = BoardImage.PML4;
        v[CpuState.CR4] = Cpu.CR4_PAE | Cpu.CR4_OSFXSR;
        v[CpuState.EFER] = Cpu.EFER_LME | Cpu.EFER_LMA | Cpu.EFER_NXE | Cpu.EFER_SCE;
      }
    }
    if (paging != Paging.NONE) {
      v[CpuState.CR0] |= Integer.toUnsignedLong(Cpu.CR0_PG);
    }
    segments(s);
    v[CpuState.MSRS] = BoardImage.CODE_32;
    v[CpuState.MSRS + 1] = BoardImage.STACK - 0x200;
    v[CpuState.MSRS + 2] = BoardImage.TARGET;
    v[CpuState.MSRS + 3] = (long) BoardImage.CODE_32 << 32 | (long) BoardImage.CODE_32_USER << 48;
    v[CpuState.MSRS + 4] = BoardImage.TARGET;
    v[CpuState.MSRS + 5] = BoardImage.TARGET + 0x10;
    v[CpuState.MSRS + 6] = Flags.IF | Flags.DF;
    v[CpuState.MSRS + 7] = 0x1234_5678;
    v[CpuState.MSRS + 8] = 0x0007_0406_0007_0406L;
    return s;
  }

  private void segments(CpuState s) {
    if (real() || virtual8086()) {
      for (int i = 0; i < 6; i++) {
        s.segment(i, 0, 0, 0xFFFF, real() ? 0x93 : 0xF3);
      }
      if (virtual8086()) {
        s.v[CpuState.RFLAGS] |= Flags.VM;
        if (this == VIRTUAL_8086_IOPL_3) {
          s.v[CpuState.RFLAGS] |= Flags.IOPL;
        }
      } else {
        s.segment(Cpu.LDTR, 0, 0, 0xFFFF, 0x82);
        s.segment(Cpu.TR, 0, 0, 0xFFFF, 0x8B);
      }
      return;
    }
    int user = cpl << 5;
    int data =
        this == PROTECTED_16
            ? BoardImage.DATA_16
            : cpl == 0 ? BoardImage.DATA_32 : BoardImage.DATA_32_USER;
    boolean wide = this != PROTECTED_16;
    long limit = wide ? 0xFFFF_FFFFL : 0xFFFF;
    for (int i = 0; i < 6; i++) {
      s.segment(i, data | cpl, 0, limit, (wide ? 0xC093 : 0x93) | user);
    }
    int code =
        switch (this) {
          case PROTECTED_16 -> BoardImage.CODE_16;
          case LONG -> BoardImage.CODE_64;
          case LONG_USER -> BoardImage.CODE_64_USER;
          default -> cpl == 0 ? BoardImage.CODE_32 : BoardImage.CODE_32_USER;
        };
    int access = codeSize == 8 ? 0xA09B : wide ? 0xC09B : 0x9B;
    s.segment(Cpu.CS, code | cpl, 0, limit, access | user);
  }
}
