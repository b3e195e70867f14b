package lodge.machine;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** A device in words, such as {@code isa-debug-exit,iobase=0xf4,iosize=4}, while it is read. */
final class DeviceDescription {
  /** How each device is made of its properties. */
  private static final Map<String, Function<DeviceDescription, Device>> DEVICES =
      new LinkedHashMap<>();

  static {
    DEVICES.put(
        Device.IsaDebugExit.NAME,
        words -> {
          Device.IsaDebugExit usual = new Device.IsaDebugExit();
          return new Device.IsaDebugExit(
              words.number("iobase", usual.iobase()), words.number("iosize", usual.iosize()));
        });
    DEVICES.put(Device.PcTestdev.NAME, _ -> new Device.PcTestdev());
    DEVICES.put(Device.VirtioRng.NAME, _ -> new Device.VirtioRng());
    DEVICES.put(
        Device.VirtioBalloon.NAME,
        words ->
            new Device.VirtioBalloon(
                words.isOn("deflate-on-oom"), words.isOn("free-page-reporting")));
    DEVICES.put(Device.VirtioSerial.NAME, _ -> new Device.VirtioSerial());
    DEVICES.put(
        Device.Virtconsole.NAME,
        words -> new Device.Virtconsole(words.text("name"), SerialConsole.none()));
    DEVICES.put(
        Device.Virtserialport.NAME,
        words -> new Device.Virtserialport(words.text("name"), SerialConsole.none()));
    DEVICES.put(Device.VirtioKeyboard.NAME, _ -> new Device.VirtioKeyboard());
    DEVICES.put(Device.VirtioTablet.NAME, _ -> new Device.VirtioTablet());
  }

  private final String name;

  /** Those that nobody has asked for yet. */
  private final Map<String, String> properties = new LinkedHashMap<>();

  private DeviceDescription(String description) {
    List<String> parts = List.of(description.split(",", -1));
    name = parts.getFirst();
    for (String part : parts.subList(1, parts.size())) {
      int equals = part.indexOf('=');
      if (equals < 0) {
        throw invalid(name + ": '" + part + "' is no property; write it like: iobase=0xf4");
      }
      properties.put(part.substring(0, equals), part.substring(equals + 1));
    }
  }

  static List<String> names() {
    return List.copyOf(DEVICES.keySet());
  }

  static Device parse(String description) {
    return new DeviceDescription(description).device();
  }

  private Device device() {
    Function<DeviceDescription, Device> maker = DEVICES.get(name);
    if (maker == null) {
      throw invalid("'" + name + "' is unknown; there are " + String.join(", ", names()));
    }
    Device device = maker.apply(this);
    if (!properties.isEmpty()) {
      throw invalid(name + ": property '" + properties.keySet().iterator().next() + "' is unknown");
    }
    return device;
  }

  private int number(String property, int usual) {
    String text = properties.remove(property);
    try {
      return text == null ? usual : Integer.decode(text);
    } catch (NumberFormatException _) {
      throw invalid(name + ": " + property + " '" + text + "' is no number");
    }
  }

  /** Off without it. */
  private boolean isOn(String property) {
    String text = properties.remove(property);
    if (text != null && !text.equals("on") && !text.equals("off")) {
      throw invalid(name + ": " + property + " '" + text + "' is neither on nor off");
    }
    return "on".equals(text);
  }

  /** Empty without it. */
  private String text(String property) {
    String text = properties.remove(property);
    return text == null ? "" : text;
  }

  private static MachineException invalid(String what) {
    return new MachineException(MachineException.Kind.INVALID, "device " + what);
  }
}
