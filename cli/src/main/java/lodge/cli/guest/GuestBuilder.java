package lodge.cli.guest;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** Makes the files of guests of one kind. */
interface GuestBuilder {
  /** The files' names. */
  List<String> files();

  /** All that decides, beside the recipe, what is made. */
  byte[] fingerprint();

  /**
   * Makes the files.
   *
   * @param work an empty folder for whatever is needed meanwhile
   * @param target the folder for the files
   * @return what they were made of, a line each
   * @throws GuestException when it is impossible and the message says all
   */
  List<String> build(Recipe recipe, Path work, Path target) throws IOException;
}
