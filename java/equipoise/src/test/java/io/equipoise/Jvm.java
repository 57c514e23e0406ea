package io.equipoise;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Runs a program in a JVM of its own, under -Xcheck:jni. */
final class Jvm {
  private Jvm() {}

  /** What the program prints; it must end well, and the JVM have nothing to warn of. */
  static String run(Class<?> program, String... options) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-Xcheck:jni");
    command.add("-Dequipoise.policies=" + System.getProperty("equipoise.policies"));
    command.addAll(List.of(options));
    command.addAll(List.of("-cp", location(Equipoise.class) + File.pathSeparator + location(Jvm.class), program.getName()));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), output);
    assertFalse(output.contains("WARNING in native method") || output.contains("FATAL ERROR"), output);
    return output;
  }

  /** The directory of compiled classes that holds {@code type}. */
  static Path location(Class<?> type) throws Exception {
    return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI());
  }
}
