package lodge.cli.doctor;

/**
 * What a check found out.
 *
 * @param found what there is or what is missing, in a few words; may be empty
 * @param advice what to do about it; empty where nothing is to be done
 */
public record Finding(Verdict verdict, String found, String advice) {
  static Finding pass(String found) {
    return new Finding(Verdict.PASS, found, "");
  }

  static Finding note(String found) {
    return note(found, "");
  }

  static Finding note(String found, String advice) {
    return new Finding(Verdict.NOTE, found, advice);
  }

  static Finding warn(String found, String advice) {
    return new Finding(Verdict.WARN, found, advice);
  }

  static Finding fail(String found, String advice) {
    return new Finding(Verdict.FAIL, found, advice);
  }
}
