package io.equipoise;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.File;
import java.net.JarURLConnection;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Runs a program in a JVM of its own, under -Xcheck:jni. */
final class Jvm {
  private Jvm() {}

  /** What the program prints; it must end well, and the JVM have nothing to warn of. */
  static String run(Class<?> program, String... options) throws Exception {
    return run(Path.of(System.getProperty("java.home")), program, options);
  }

  /** The same in the JVM of another JDK. */
  static String run(Path home, Class<?> program, String... options) throws Exception {
    List<String> arguments = new ArrayList<>(List.of(options));
    arguments.addAll(List.of("-cp", classPath(), program.getName()));
    return command(command(home, arguments));
  }

  /** The command that starts a JVM with these options, the class path among them. */
  static List<String> command(Path home, List<String> arguments) {
    List<String> command = new ArrayList<>();
    command.add(home.resolve("bin").resolve("java").toString());
    command.add("-Xcheck:jni");
    command.add("-Dequipoise.policies=" + System.getProperty("equipoise.policies"));
    command.addAll(arguments);
    return command;
  }

  /** What a command prints; it must end well, and a JVM among it have nothing to warn of. */
  static String command(List<String> command) throws Exception {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), output);
    assertFalse(output.contains("WARNING in native method") || output.contains("FATAL ERROR"), output);
    return output;
  }

  /** The library, its native library and the tests. */
  static String classPath() throws Exception {
    return String.join(
        File.pathSeparator, location(Equipoise.class).toString(), nativeJar().toString(), location(Jvm.class).toString());
  }

  /** The directory or jar of compiled classes that holds {@code type}. */
  static Path location(Class<?> type) throws Exception {
    return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI());
  }

  /** The name of the native library as a resource. */
  static String nativeResource() {
    return "io/equipoise/native/" + NativeLibrary.platform() + "/" + System.mapLibraryName("equipoise_jni");
  }

  /** The jar that holds the native library. */
  static Path nativeJar() throws Exception {
    URL resource = Jvm.class.getClassLoader().getResource(nativeResource());
    return Path.of(((JarURLConnection) resource.openConnection()).getJarFileURL().toURI());
  }

  /** A JDK of release 21 or later, if the build was told of one; without it the test is skipped. */
  static Path laterJdk() {
    String home = System.getProperty("equipoise.later.jdk", "");
    assumeFalse(home.isEmpty(), "no JDK of release 21 or later: -Dlater.jdk names one");
    return Path.of(home);
  }
}
