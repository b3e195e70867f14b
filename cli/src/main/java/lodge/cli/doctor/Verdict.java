package lodge.cli.doctor;

/** What a check came to, in virt-host-validate's words. */
public enum Verdict {
  /** It is there. */
  PASS,

  /** It is not there and does not matter here. */
  NOTE,

  /** Lodge runs machines without it, but slower or with less around them. */
  WARN,

  /** Lodge runs no machines without it. */
  FAIL
}
