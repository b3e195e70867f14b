package lodge.cpu.x86.translator;

/** What becomes of a region once it was made, in words for people. */
enum RegionEvent {
  INSTALLED("installed"),
  WITHDRAWN("withdrawn: HotSpot has thrown its code away"),
  INVALIDATED("invalidated: its code was overwritten or thrown away"),
  DROPPED("dropped: its code was overwritten or thrown away before it was installed"),
  GIVEN_UP("given up: HotSpot does not compile it");

  private final String text;

  RegionEvent(String text) {
    this.text = text;
  }

  String text() {
    return text;
  }
}
