package io.equipoise;

import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Path;

/** Strings on their way to the core: exact UTF-8, or an error. */
final class Text {
  private Text() {}

  /** The absolute path of a file of the default file system, the only one that the core can open. */
  static byte[] ofPath(Path path) {
    if (path == null) {
      throw EquipoiseException.fault(InvalidInputException.NULL, "path", -1, "is null, wanted a path");
    }
    if (path.getFileSystem() != FileSystems.getDefault()) {
      throw EquipoiseException.fault(InvalidInputException.IO, "path", -1, "is not of the default file system: " + path);
    }
    return utf8(path.toAbsolutePath().toString(), "path", -1);
  }

  /** The UTF-8 of {@code text}; a lone surrogate, which UTF-8 cannot say, is refused and never replaced. */
  static byte[] utf8(String text, String argument, long index) {
    if (text == null) {
      throw EquipoiseException.fault(InvalidInputException.NULL, argument, index, "is null, wanted a string");
    }
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (Character.isSurrogate(c)) {
        boolean pair = Character.isHighSurrogate(c) && i + 1 < text.length() && Character.isLowSurrogate(text.charAt(i + 1));
        if (!pair) {
          throw EquipoiseException.fault(
              InvalidInputException.UNICODE, argument, index, String.format("has a lone surrogate \\u%04x at %d", (int) c, i));
        }
        i++;
      }
    }
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
