package lodge.cpu.x86.translator;

/** A store of a region hit the page that the region was made from. Its frame is left at once. */
@SuppressWarnings("serial")
final class CodeChanged extends RuntimeException {
  static final CodeChanged INSTANCE = new CodeChanged();

  private CodeChanged() {
    super(null, null, false, false);
  }
}
