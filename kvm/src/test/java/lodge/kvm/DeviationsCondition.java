package lodge.kvm;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Leaves out tests of the processor that do not hold for the host's KVM, or all where there is
 * none, and says why. The list is the file {@code deviations}; the part of emulators counts where
 * the probe finds one.
 */
public final class DeviationsCondition implements ExecutionCondition {
  private static final Pattern LINE = Pattern.compile("(any|emulator) (\\S+): (.+)");

  private static final Optional<String> OBSTACLE = new KvmEngine().obstacle();

  private static final Map<String, String> REASONS = read();

  private static Map<String, String> read() {
    boolean emulator = OBSTACLE.isEmpty() && new KvmEngine().objection().isPresent();
    Map<String, String> reasons = new HashMap<>();
    try (InputStream file = DeviationsCondition.class.getResourceAsStream("deviations")) {
      String text = new String(file.readAllBytes(), StandardCharsets.UTF_8);
      Matcher line = LINE.matcher(text);
      while (line.find()) {
        if (emulator || line.group(1).equals("any")) {
          reasons.put(line.group(2), line.group(3));
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return reasons;
  }

  @Override
  public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
    Optional<String> name =
        context.getTestMethod().map(m -> m.getDeclaringClass().getSimpleName() + "." + m.getName());
    Optional<String> reason = OBSTACLE.or(() -> name.map(REASONS::get));
    if (reason.isEmpty()) {
      return ConditionEvaluationResult.enabled("KVM is to do this");
    }
    System.out.println(
        "not on KVM: " + name.orElse(context.getDisplayName()) + ": " + reason.get());
    return ConditionEvaluationResult.disabled(reason.get());
  }
}
