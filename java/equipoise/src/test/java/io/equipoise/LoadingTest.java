package io.equipoise;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.InputStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where the native library comes from, in the documented order, and what is said when there is none. */
class LoadingTest {
  private static final int CLASS_LOADERS = 50;

  @TempDir Path temporary;

  /** Run in a JVM of its own. */
  public static final class Program {
    public static void main(String[] arguments) {
      System.out.println("available=" + Equipoise.isAvailable());
      Throwable error = Equipoise.loadError();
      System.out.println("error=" + (error == null ? "none" : error.getMessage()));
      System.out.println("remembered=" + (error == Equipoise.loadError()));
      try (Scorer scorer = Scorer.empty()) {
        System.out.println("scorer=" + scorer.policy().size());
      } catch (EquipoiseException e) {
        System.out.println("scorer=" + e.code() + " " + (e.getCause() == error));
      }
    }
  }

  private static String run(String... options) throws Exception {
    return Jvm.run(Program.class, options);
  }

  private static String resource() {
    return "native/" + NativeLibrary.platform() + "/" + System.mapLibraryName("equipoise_jni");
  }

  @Test
  void fromTheJarAndNothingIsLeftBehind() throws Exception {
    String output = run("-Djava.io.tmpdir=" + temporary);
    assertTrue(output.contains("available=true"), output);
    assertTrue(output.contains("scorer=0"), output);
    try (Stream<Path> left = Files.list(temporary)) {
      assertEquals(List.of(), left.filter(p -> p.getFileName().toString().startsWith("equipoise")).toList());
    }
  }

  @Test
  void fromThePropertyFirst() throws Exception {
    Path library = temporary.resolve("elsewhere.so");
    try (InputStream in = NativeLibrary.class.getResourceAsStream(resource())) {
      Files.copy(in, library);
    }
    // Were the jar's copy tried, its directory would be missing.
    String output = run("-Dio.equipoise.library.path=" + library, "-Dio.equipoise.tmpdir=" + temporary.resolve("missing"));
    assertTrue(output.contains("available=true"), output);
  }

  @Test
  void aWrongPathIsToldOnceAndRemembered() throws Exception {
    Path missing = temporary.resolve("missing.so");
    String output = run("-Dio.equipoise.library.path=" + missing);
    assertTrue(output.contains("available=false"), output);
    assertTrue(output.contains("cannot load " + missing), output);
    assertTrue(output.contains("remembered=true"), output);
    assertTrue(output.contains("scorer=usage.library true"), output);
  }

  @Test
  void aFileThatIsNoLibraryIsAnError() throws Exception {
    Path wrong = Files.writeString(temporary.resolve("wrong.so"), "not a library");
    String output = run("-Dio.equipoise.library.path=" + wrong);
    assertTrue(output.contains("available=false"), output);
    assertTrue(output.contains("scorer=usage.library true"), output);
  }

  @Test
  void aTemporaryDirectoryThatIsMissingIsAnError() throws Exception {
    String output = run("-Dio.equipoise.tmpdir=" + temporary.resolve("missing"));
    assertTrue(output.contains("available=false"), output);
    assertTrue(output.contains("missing"), output);
  }

  @Test
  void plantedFilesAreNotLoaded() throws Exception {
    String name = System.mapLibraryName("equipoise_jni");
    Files.writeString(temporary.resolve(name), "planted");
    Files.writeString(Files.createDirectory(temporary.resolve("equipoise-")).resolve(name), "planted");
    String output = run("-Djava.io.tmpdir=" + temporary);
    assertTrue(output.contains("available=true"), output);
  }

  @Test
  void anUnknownSystemIsRefusedByName() throws Exception {
    String output = run("-Dos.name=Plan 9");
    assertTrue(output.contains("error=equipoise has no native library for the operating system plan 9"), output);
    output = run("-Dos.arch=s390x");
    assertTrue(output.contains("error=equipoise has no native library for the processor s390x"), output);
  }

  @Test
  void everyClassLoaderHasItsOwn() throws Exception {
    URL[] path = {Jvm.location(Equipoise.class).toUri().toURL()};
    Class<?> before = Equipoise.class;
    for (int i = 0; i < CLASS_LOADERS; i++) {
      try (URLClassLoader loader = new URLClassLoader(path, ClassLoader.getPlatformClassLoader())) {
        Class<?> type = loader.loadClass(Equipoise.class.getName());
        assertNotSame(before, type);
        before = type;
        assertNull(type.getMethod("loadError").invoke(null));
        Class<?> scorer = loader.loadClass(Scorer.class.getName());
        ((AutoCloseable) scorer.getMethod("empty").invoke(null)).close();
      }
    }
    assertFalse(before == Equipoise.class);
    System.out.println("executed " + CLASS_LOADERS + " class loaders");
  }
}
