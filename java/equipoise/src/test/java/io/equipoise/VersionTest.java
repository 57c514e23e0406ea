package io.equipoise;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The jar, the native library and the Rust workspace have one version. */
class VersionTest {
  @Test
  void oneVersion() throws Exception {
    Matcher workspace =
        Pattern.compile("\\[workspace\\.package\\]\\s+version = \"([^\"]+)\"").matcher(Files.readString(Path.of("../../Cargo.toml")));
    assertTrue(workspace.find());
    assertEquals(workspace.group(1), Equipoise.version());
    assertEquals(workspace.group(1), Native.version());
  }
}
