package lodge.disk;

/** How an image is opened, and what others may do with it meanwhile. */
public enum Access {
  /** Others may not open it. */
  WRITE,
  /** Others may read it. */
  READ,
  /**
   * Others may even write it, so what is read may contradict itself: QEMU's {@code --force-share}.
   */
  READ_UNLOCKED;

  boolean isReadOnly() {
    return this != WRITE;
  }

  static Access of(boolean readOnly) {
    return readOnly ? READ : WRITE;
  }
}
