package lodge.disk;

/**
 * All of a disk in one piece of a file.
 *
 * @param start of the disk in the file
 */
record LinearLayout(long size, long start) implements BlockLayout {
  @Override
  public int blockSize() {
    return 1 << 30;
  }

  @Override
  public long place(long block) {
    return start + block * blockSize();
  }
}
