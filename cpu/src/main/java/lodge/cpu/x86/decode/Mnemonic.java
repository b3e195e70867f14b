package lodge.cpu.x86.decode;

/** Instructions by name. */
public enum Mnemonic {
  UNDEFINED
}
