package lodge.cpu.x86.interpreter;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.Descriptor;
import lodge.cpu.x86.Vector;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** FXSAVE and XSAVE areas, their headers, and what each instruction writes and initializes. */
class ExtendedStateTest {
  private static final int NONE = -1;
  private static final int AREA = 0x20000;
  private static final int[] FXSAVE = {0x48, 0x0F, 0xAE, 0x06};
  private static final int[] FXRSTOR = {0x48, 0x0F, 0xAE, 0x0E};
  private static final int[] XSAVE = {0x48, 0x0F, 0xAE, 0x26};
  private static final int[] XRSTOR = {0x48, 0x0F, 0xAE, 0x2E};
  private static final int[] XSAVEOPT = {0x48, 0x0F, 0xAE, 0x36};
  private static final int[] XSAVEC = {0x48, 0x0F, 0xC7, 0x26};
  private static final int[] XSAVES = {0x48, 0x0F, 0xC7, 0x2E};
  private static final int[] XRSTORS = {0x48, 0x0F, 0xC7, 0x1E};

  private final VectorMachine machine = new VectorMachine();
  private final Cpu cpu = machine.cpu;

  @BeforeEach
  void prepare() {
    cpu.xcr0 = 7;
    cpu.r[Cpu.RSI] = AREA;
    cpu.r[Cpu.RAX] = -1;
    cpu.r[Cpu.RDX] = -1;
    for (int i = 0; i < 0x400; i += 8) {
      machine.memory.putLong(AREA + i, 0x5A5A_5A5A_5A5A_5A5AL);
    }
    clearHeader();
    cpu.x87.initForXrstor();
  }

  private void clearHeader() {
    for (int i = 512; i < 576; i += 8) {
      machine.memory.putLong(AREA + i, 0);
    }
  }

  @AfterEach
  void close() {
    machine.close();
  }

  private void fill() {
    for (int i = 0; i < 64; i++) {
      cpu.xmm[i] = 0x1000 + i;
    }
    cpu.mxcsr = 0x3F80;
    cpu.x87.push(0x4000, 0xC000_0000_0000_0000L);
  }

  private void forget() {
    for (int i = 0; i < 64; i++) {
      cpu.xmm[i] = -1;
    }
    cpu.mxcsr = 0x1FA0;
    cpu.x87.emms();
  }

  private void expectFilled(boolean upper) {
    for (int i = 0; i < 64; i++) {
      boolean saved = upper || (i & 2) == 0;
      assertThat(cpu.xmm[i]).as("lane " + i).isEqualTo(saved ? 0x1000 + i : -1);
    }
    assertThat(cpu.mxcsr).isEqualTo(0x3F80);
    assertThat(cpu.x87.top).isEqualTo(7);
    assertThat(cpu.x87.valid).isEqualTo(0x80);
    assertThat(cpu.x87.sig(0)).isEqualTo(0xC000_0000_0000_0000L);
    assertThat(cpu.x87.se(0)).isEqualTo(0x4000);
  }

  private long header(int offset) {
    return machine.memory.getLong(AREA + 512 + offset);
  }

  @Test
  void fxsaveStoresTheLegacyAreaAndNothingBehindIt() {
    fill();
    assertThat(machine.execute(FXSAVE)).isEqualTo(NONE);
    assertThat(machine.memory.getShort(AREA)).isEqualTo((short) 0x37F);
    assertThat(machine.memory.getShort(AREA + 2)).isEqualTo((short) 0x3800);
    assertThat(machine.memory.getByte(AREA + 4)).isEqualTo((byte) 0x80);
    assertThat(machine.memory.getInt(AREA + 24)).isEqualTo(0x3F80);
    assertThat(machine.memory.getInt(AREA + 28)).isEqualTo(0xFFFF);
    assertThat(machine.memory.getLong(AREA + 32)).isEqualTo(0xC000_0000_0000_0000L);
    assertThat(machine.memory.getShort(AREA + 40)).isEqualTo((short) 0x4000);
    assertThat(machine.memory.getLong(AREA + 160 + 15 * 16)).isEqualTo(0x1000 + 60);
    assertThat(machine.memory.getLong(AREA + 416)).isEqualTo(0x5A5A_5A5A_5A5A_5A5AL);
    assertThat(header(0)).isZero();
    forget();
    assertThat(machine.execute(FXRSTOR)).isEqualTo(NONE);
    expectFilled(false);
  }

  @Test
  void outside64BitModeThereAreEightRegisters() {
    fill();
    cpu.segAccess[Cpu.CS] = cpu.segAccess[Cpu.CS] & ~Descriptor.LONG | Descriptor.DEFAULT_32;
    cpu.segLimit[Cpu.DS] = 0xFFFF_FFFFL;
    cpu.modeChanged();
    assertThat(machine.execute(0x0F, 0xAE, 0x06)).isEqualTo(NONE);
    assertThat(machine.memory.getLong(AREA + 160 + 7 * 16)).isEqualTo(0x1000 + 28);
    assertThat(machine.memory.getLong(AREA + 160 + 8 * 16)).isEqualTo(0x5A5A_5A5A_5A5A_5A5AL);
  }

  @Test
  void fxrstorRefusesReservedBitsOfMxcsrAndMisalignedAreas() {
    machine.execute(FXSAVE);
    machine.memory.putInt(AREA + 24, 0x10000);
    fill();
    assertThat(machine.execute(FXRSTOR)).isEqualTo(Vector.GP);
    expectFilled(true);
    cpu.r[Cpu.RSI] = AREA + 8;
    assertThat(machine.execute(FXRSTOR)).isEqualTo(Vector.GP);
    assertThat(machine.execute(FXSAVE)).isEqualTo(Vector.GP);
    cpu.cr0 |= Cpu.CR0_TS;
    assertThat(machine.execute(FXSAVE)).isEqualTo(Vector.NM);
  }

  @Test
  void theXsaveFamilyNeedsOsxsaveAndRespectsTaskSwitchedAndAlignment() {
    cpu.r[Cpu.RSI] = AREA + 16;
    for (int[] code : new int[][] {XSAVE, XRSTOR, XSAVEOPT, XSAVEC, XSAVES, XRSTORS}) {
      assertThat(machine.execute(code)).isEqualTo(Vector.GP);
      cpu.cr0 |= Cpu.CR0_TS;
      assertThat(machine.execute(code)).isEqualTo(Vector.NM);
      cpu.cr4 &= ~Cpu.CR4_OSXSAVE;
      assertThat(machine.execute(code)).isEqualTo(Vector.UD);
      cpu.cr4 |= Cpu.CR4_OSXSAVE;
      cpu.cr0 &= ~Cpu.CR0_TS;
    }
  }

  @Test
  void supervisorFormsAreForRingZero() {
    fill();
    assertThat(machine.execute(XSAVES)).isEqualTo(NONE);
    forget();
    assertThat(machine.execute(XRSTORS)).isEqualTo(NONE);
    expectFilled(true);
    cpu.cpl = 3;
    assertThat(machine.execute(XSAVES)).isEqualTo(Vector.GP);
    assertThat(machine.execute(XRSTORS)).isEqualTo(Vector.GP);
  }

  @Test
  void everyFormatRestoresWhatItSaved() {
    for (int[] code : new int[][] {XSAVE, XSAVEOPT, XSAVEC, XSAVES}) {
      clearHeader();
      cpu.x87.initForXrstor();
      fill();
      assertThat(machine.execute(code)).isEqualTo(NONE);
      assertThat(header(0)).isEqualTo(7);
      forget();
      assertThat(machine.execute(XRSTOR)).isEqualTo(NONE);
      expectFilled(true);
    }
    assertThat(header(8)).isEqualTo(0x8000_0000_0000_0007L);
  }

  @Test
  void componentsInTheirInitialStateAreNotMarked() {
    assertThat(machine.execute(XSAVE)).isEqualTo(NONE);
    assertThat(header(0)).isZero();
    assertThat(machine.memory.getLong(AREA + 160)).as("XSAVE writes them all the same").isZero();
    machine.memory.putLong(AREA + 160, 99);
    assertThat(machine.execute(XSAVEOPT)).isEqualTo(NONE);
    assertThat(machine.memory.getLong(AREA + 160)).isEqualTo(99);
    cpu.mxcsr = 0x1FA0;
    assertThat(machine.execute(XSAVEC)).isEqualTo(NONE);
    assertThat(header(0)).as("MXCSR counts as SSE state").isEqualTo(2);
  }

  @Test
  void onlyRequestedComponentsAreTouched() {
    fill();
    machine.memory.putLong(AREA + 512, 1);
    cpu.r[Cpu.RAX] = 2;
    assertThat(machine.execute(XSAVE)).isEqualTo(NONE);
    assertThat(header(0)).isEqualTo(3);
    assertThat(machine.memory.getLong(AREA)).isEqualTo(0x5A5A_5A5A_5A5A_5A5AL);
    assertThat(machine.memory.getLong(AREA + 576)).isEqualTo(0x5A5A_5A5A_5A5A_5A5AL);
    cpu.xcr0 = 3;
    cpu.r[Cpu.RAX] = 4;
    machine.memory.putLong(AREA + 512, 0);
    assertThat(machine.execute(XSAVE)).isEqualTo(NONE);
    assertThat(machine.memory.getLong(AREA + 576)).isEqualTo(0x5A5A_5A5A_5A5A_5A5AL);
  }

  @Test
  void absentComponentsAreInitialized() {
    fill();
    machine.memory.putInt(AREA + 24, 0x1F80);
    assertThat(machine.execute(XRSTOR)).isEqualTo(NONE);
    assertThat(Arrays.copyOf(cpu.xmm, 64)).containsOnly(0);
    assertThat(cpu.x87.inUse()).isFalse();
    assertThat(cpu.mxcsr).isEqualTo(0x1F80);
    fill();
    machine.memory.putInt(AREA + 24, 0x5FA0);
    assertThat(machine.execute(XRSTOR)).isEqualTo(NONE);
    assertThat(cpu.mxcsr).as("the standard format always has MXCSR").isEqualTo(0x5FA0);
    machine.memory.putLong(AREA + 520, 0x8000_0000_0000_0007L);
    assertThat(machine.execute(XRSTOR)).isEqualTo(NONE);
    assertThat(cpu.mxcsr).as("the compacted one has it with SSE").isEqualTo(0x1F80);
  }

  @Test
  void impossibleHeadersAreRefused() {
    fill();
    long compact = 1L << 63;
    long[][] headers = {
      {8, 0, 0, 0}, // a component that XCR0 does not have
      {1, 1, 0, 0}, // not compacted, yet with a list
      {1, 0, 1, 0}, // reserved
      {1, compact | 8, 0, 0}, // lists a component that XCR0 does not have
      {3, compact | 1, 0, 0}, // holds what it does not list
      {1, compact | 7, 0, 1}, // reserved further up
    };
    for (long[] header : headers) {
      machine.memory.putLong(AREA + 512, header[0]);
      machine.memory.putLong(AREA + 520, header[1]);
      machine.memory.putLong(AREA + 528, header[2]);
      machine.memory.putLong(AREA + 568, header[3]);
      assertThat(machine.execute(XRSTOR)).isEqualTo(Vector.GP);
      expectFilled(true);
    }
    clearHeader();
    assertThat(machine.execute(XRSTORS)).as("the standard format").isEqualTo(Vector.GP);
  }

  @Test
  void aMissingPageLeavesBothSidesAlone() {
    fill();
    machine.paging();
    cpu.r[Cpu.RSI] = 0x20FC0;
    machine.unmap(0x21000);
    machine.memory.putLong(0x20FC0, 77);
    assertThat(machine.execute(XSAVE)).isEqualTo(Vector.PF);
    assertThat(machine.execute(FXSAVE)).isEqualTo(Vector.PF);
    assertThat(machine.memory.getLong(0x20FC0)).isEqualTo(77);
    assertThat(machine.execute(XRSTOR)).isEqualTo(Vector.PF);
    assertThat(machine.execute(FXRSTOR)).isEqualTo(Vector.PF);
    expectFilled(true);
  }

  @Test
  void protectionKeysHaveTheirOwnPlaceInTheStandardFormat() {
    cpu.xcr0 = 0x207;
    for (int i = 0; i < 0x1000; i += 8) {
      machine.memory.putLong(AREA + i, 0);
    }
    cpu.pkru = 0x5555_5554;
    assertThat(machine.execute(XSAVE)).isEqualTo(NONE);
    assertThat(header(0)).isEqualTo(0x200);
    assertThat(machine.memory.getLong(AREA + 2688)).isEqualTo(0x5555_5554);
    cpu.pkru = 1;
    assertThat(machine.execute(XRSTOR)).isEqualTo(NONE);
    assertThat(cpu.pkru).isEqualTo(0x5555_5554);
    machine.memory.putLong(AREA + 512, 0);
    assertThat(machine.execute(XRSTOR)).isEqualTo(NONE);
    assertThat(cpu.pkru).isZero();
  }

  @Test
  void protectionKeysFollowWhatIsListedInTheCompactedFormat() {
    cpu.xcr0 = 0x207;
    cpu.pkru = 7;
    assertThat(machine.execute(XSAVEC)).isEqualTo(NONE);
    assertThat(header(0)).isEqualTo(0x200);
    assertThat(machine.memory.getLong(AREA + 832)).as("behind the upper halves").isEqualTo(7);
    cpu.r[Cpu.RAX] = 0x203;
    assertThat(machine.execute(XSAVEC)).isEqualTo(NONE);
    assertThat(machine.memory.getLong(AREA + 576)).as("in their place").isEqualTo(7);
    cpu.pkru = 0;
    cpu.r[Cpu.RAX] = -1;
    assertThat(machine.execute(XRSTOR)).isEqualTo(NONE);
    assertThat(cpu.pkru).isEqualTo(7);
  }

  @Test
  void keysThatAreLoadedCountAtOnce() {
    cpu.xcr0 = 0x207;
    machine.paging();
    cpu.cr4 |= Cpu.CR4_PKE;
    // Key 1 for the page at 0x22000.
    machine.memory.putLong(0x4000 + 8 * 0x22, 1L << 59 | 0x22000 | 7);
    cpu.mmu.flushAll();
    assertThat(cpu.mmu.read8(0x22000)).isZero();
    for (int i = 0; i < 0x1000; i += 8) {
      machine.memory.putLong(AREA + i, 0);
    }
    machine.memory.putLong(AREA + 512, 0x200);
    machine.memory.putLong(AREA + 2688, 1 << 2);
    assertThat(machine.execute(XRSTOR)).isEqualTo(NONE);
    cpu.r[Cpu.RSI] = 0x22000;
    // movups xmm0, [rsi]
    assertThat(machine.execute(0x0F, 0x10, 0x06)).isEqualTo(Vector.PF);
  }
}
