package lodge.cli;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads {@code [HOST:]PORT}; without a host it is this one alone. */
final class GdbAddress implements ITypeConverter<InetSocketAddress> {
  private static final int LAST_PORT = 0xFFFF;

  @Override
  public InetSocketAddress convert(String text) {
    int colon = text.lastIndexOf(':');
    String port = text.substring(colon + 1);
    if (!port.matches("\\d{1,5}") || Integer.parseInt(port) > LAST_PORT || colon == 0) {
      throw new TypeConversionException("'" + text + "' is no [HOST:]PORT such as 1234");
    }
    int number = Integer.parseInt(port);
    if (colon < 0) {
      return new InetSocketAddress(InetAddress.getLoopbackAddress(), number);
    }
    InetSocketAddress address = new InetSocketAddress(text.substring(0, colon), number);
    if (address.isUnresolved()) {
      throw new TypeConversionException("'" + text + "': the host is not known");
    }
    return address;
  }
}
