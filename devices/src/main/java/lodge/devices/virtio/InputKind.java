package lodge.devices.virtio;

import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * What an input device is: what it tells of itself and which events it has, in the numbers of
 * Linux's input events.
 *
 * @param product a number that tells it from others of the same vendor
 * @param pciClass as PCI counts them
 * @param properties the device's INPUT_PROP bits
 * @param events by event type, the codes of that type
 * @param axes by absolute axis, its range
 */
public record InputKind(
    String name,
    int product,
    int pciClass,
    List<Integer> properties,
    Map<Integer, List<Integer>> events,
    Map<Integer, Axis> axes) {
  // Event types
  static final int EV_SYN = 0;
  public static final int EV_KEY = 1;
  public static final int EV_REL = 2;
  public static final int EV_ABS = 3;
  public static final int EV_LED = 0x11;
  public static final int EV_REP = 0x14;

  // Absolute and relative axes, buttons
  public static final int ABS_X = 0;
  public static final int ABS_Y = 1;
  public static final int REL_WHEEL = 8;
  public static final int REL_HWHEEL = 6;
  public static final int BTN_LEFT = 0x110;
  public static final int BTN_RIGHT = 0x111;
  public static final int BTN_MIDDLE = 0x112;
  public static final int BTN_SIDE = 0x113;
  public static final int BTN_EXTRA = 0x114;

  // Lamps of a keyboard
  public static final int LED_NUML = 0;
  public static final int LED_CAPSL = 1;
  public static final int LED_SCROLLL = 2;

  private static final int INPUT_PROP_POINTER = 0;
  private static final int REP_DELAY = 0;
  private static final int REP_PERIOD = 1;

  /** All keys of a PC keyboard: from KEY_ESC to KEY_MICMUTE. */
  private static final int LAST_KEY = 248;

  /** Values of an axis that lie between these, both among them. */
  public record Axis(int least, int most) {}

  /** Copies the collections. */
  public InputKind {
    properties = List.copyOf(properties);
    events = Map.copyOf(events);
    axes = Map.copyOf(axes);
  }

  /** A PC keyboard with three lamps. The guest repeats keys by itself. */
  public static final InputKind KEYBOARD =
      new InputKind(
          "Lodge Virtio Keyboard",
          1,
          0x09_0000,
          List.of(),
          Map.of(
              EV_KEY,
              IntStream.rangeClosed(1, LAST_KEY).boxed().toList(),
              EV_LED,
              List.of(LED_NUML, LED_CAPSL, LED_SCROLLL),
              EV_REP,
              List.of(REP_DELAY, REP_PERIOD)),
          Map.of());

  /** A pointer that says where on the screen it is, with buttons and two wheels. */
  public static final InputKind TABLET =
      new InputKind(
          "Lodge Virtio Tablet",
          3,
          0x09_8000,
          List.of(INPUT_PROP_POINTER),
          Map.of(
              EV_KEY,
              List.of(BTN_LEFT, BTN_RIGHT, BTN_MIDDLE, BTN_SIDE, BTN_EXTRA),
              EV_REL,
              List.of(REL_HWHEEL, REL_WHEEL),
              EV_ABS,
              List.of(ABS_X, ABS_Y)),
          Map.of(ABS_X, new Axis(0, 0x7FFF), ABS_Y, new Axis(0, 0x7FFF)));

  /** Whether it can have an event. */
  boolean has(InputEvent event) {
    return events.getOrDefault(event.type(), List.of()).contains(event.code());
  }

  /** Bit n for number n, without zeroes at the end. */
  static byte[] bits(List<Integer> numbers) {
    BitSet bits = new BitSet();
    numbers.forEach(bits::set);
    return bits.toByteArray();
  }

  Optional<Axis> axis(int code) {
    return Optional.ofNullable(axes.get(code));
  }
}
