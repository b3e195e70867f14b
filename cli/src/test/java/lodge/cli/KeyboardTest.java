package lodge.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class KeyboardTest implements Keyboard.Orders {
  private final List<String> orders = new ArrayList<>();
  private final ByteArrayOutputStream guest = new ByteArrayOutputStream();

  @Test
  void everyKeyGoesToTheGuestControlCIncluded() throws IOException {
    assertThat(typed("ls\r\3\32\33[A")).isEqualTo("ls\r\3\32\33[A");
    assertThat(orders).isEmpty();
  }

  @Test
  void whatFollowsControlAIsForLodge() throws IOException {
    assertThat(typed("a\1sb\1hc\1Xd")).isEqualTo("abcd");
    assertThat(orders).containsExactly("counters", "help", "quit");
  }

  @Test
  void controlATwiceSendsItOnce() throws IOException {
    assertThat(typed("\1\1x")).isEqualTo("\1x");
    assertThat(orders).isEmpty();
  }

  @Test
  void controlAAndAnyOtherKeyAreBothTheGuests() throws IOException {
    assertThat(typed("\1d")).isEqualTo("\1d");
  }

  @Test
  void theTwoKeysMayComeInTwoReads() throws IOException {
    new Keyboard(guest, this).pump(oneByOne("q\1xr"));

    assertThat(guest.toString(StandardCharsets.UTF_8)).isEqualTo("qr");
    assertThat(orders).containsExactly("quit");
  }

  private String typed(String keys) throws IOException {
    guest.reset();
    new Keyboard(guest, this).pump(new ByteArrayInputStream(keys.getBytes(StandardCharsets.UTF_8)));
    return guest.toString(StandardCharsets.UTF_8);
  }

  private static InputStream oneByOne(String keys) {
    return new ByteArrayInputStream(keys.getBytes(StandardCharsets.UTF_8)) {
      @Override
      public int read(byte[] target) {
        return read(target, 0, 1);
      }
    };
  }

  @Override
  public void quit() {
    orders.add("quit");
  }

  @Override
  public void help() {
    orders.add("help");
  }

  @Override
  public void counters() {
    orders.add("counters");
  }
}
