package io.equipoise;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.InputStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where the native library comes from, in the documented order, and what is said when there is none. */
class LoadingTest {
  private static final int CLASS_LOADERS = Math.min(Soak.times(50), 1000);

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

  private static InputStream library() {
    return LoadingTest.class.getClassLoader().getResourceAsStream(Jvm.nativeResource());
  }

  private static List<String> program(String classPath, String... options) {
    List<String> arguments = new ArrayList<>(List.of(options));
    arguments.addAll(List.of("-cp", classPath, Program.class.getName()));
    return Jvm.command(Path.of(System.getProperty("java.home")), arguments);
  }

  @Test
  void fromTheClassPathAndNothingIsLeftBehind() throws Exception {
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
    try (InputStream in = library()) {
      Files.copy(in, library);
    }
    // Were the class path's copy tried, its directory would be missing.
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
  void fromTheLibraryPathLast() throws Exception {
    String classes = Jvm.location(Equipoise.class) + File.pathSeparator + Jvm.location(LoadingTest.class);
    try (InputStream in = library()) {
      Files.copy(in, temporary.resolve(System.mapLibraryName("equipoise_jni")));
    }
    String output = Jvm.command(program(classes, "-Djava.library.path=" + temporary));
    assertTrue(output.contains("available=true"), output);
  }

  @Test
  void whatIsMissingIsNamed() throws Exception {
    String classes = Jvm.location(Equipoise.class) + File.pathSeparator + Jvm.location(LoadingTest.class);
    String output = Jvm.command(program(classes, "-Djava.library.path=" + temporary));
    assertTrue(output.contains("add io.equipoise:equipoise-native:" + Equipoise.version()), output);
    assertTrue(output.contains("with classifier " + NativeLibrary.platform()), output);
    assertTrue(output.contains("scorer=usage.library true"), output);
  }

  @Test
  void fromTheModulePath() throws Exception {
    // A directory of classes is no automatic module, so the classes go into a jar first, as they are published.
    Path jar = temporary.resolve("equipoise.jar");
    Manifest manifest = new Manifest();
    manifest.getMainAttributes().putValue("Manifest-Version", "1.0");
    manifest.getMainAttributes().putValue("Automatic-Module-Name", "io.equipoise");
    Path classes = Jvm.location(Equipoise.class);
    try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar), manifest);
        Stream<Path> files = Files.walk(classes)) {
      for (Path file : (Iterable<Path>) files.filter(Files::isRegularFile)::iterator) {
        out.putNextEntry(new ZipEntry(classes.relativize(file).toString()));
        Files.copy(file, out);
      }
    }
    String path = jar + File.pathSeparator + Jvm.nativeJar();
    String output =
        Jvm.command(
            program(
                Jvm.location(LoadingTest.class).toString(),
                "--module-path=" + path,
                "--add-modules=io.equipoise",
                "--patch-module=io.equipoise=" + Jvm.location(LoadingTest.class)));
    assertTrue(output.contains("available=true"), output);
  }

  @Test
  void classesOfAnotherVersionAreToldSo() throws Exception {
    Path other = Files.createDirectories(temporary.resolve("io/equipoise"));
    Files.writeString(other.resolve("equipoise.properties"), "version=9.9.9");
    URL[] path = {temporary.toUri().toURL(), Jvm.location(Equipoise.class).toUri().toURL(), Jvm.nativeJar().toUri().toURL()};
    try (URLClassLoader loader = new URLClassLoader(path, ClassLoader.getPlatformClassLoader())) {
      Class<?> type = loader.loadClass(Equipoise.class.getName());
      String message = ((Throwable) type.getMethod("loadError").invoke(null)).getMessage();
      assertTrue(message.contains("has version " + Equipoise.version() + ", these classes 9.9.9"), message);
    }
  }

  @Test
  void aDirectoryMountedNoexecIsSaid() throws Exception {
    String mount = "mount -t tmpfs -o noexec tmpfs " + temporary;
    Process tried = new ProcessBuilder("unshare", "-rm", "sh", "-c", mount).redirectErrorStream(true).start();
    tried.getInputStream().readAllBytes();
    assumeTrue(tried.waitFor() == 0, "no file system can be mounted noexec here");
    List<String> command = program(Jvm.classPath(), "-Dio.equipoise.tmpdir=" + temporary);
    String output = Jvm.command(List.of("unshare", "-rm", "sh", "-c", mount + " && '" + String.join("' '", command) + "'"));
    assertTrue(output.contains("available=false"), output);
    assertTrue(output.contains("mounted noexec: set -Dio.equipoise.tmpdir"), output);
  }

  @Test
  void aCLibraryThatIsTooOldIsSaid() throws Exception {
    assumeTrue(NativeLibrary.platform().startsWith("linux"), "a matter of glibc");
    byte[] bytes;
    try (InputStream in = library()) {
      bytes = in.readAllBytes();
    }
    // A version that this system's C library cannot have, in the place of one that the library asks for.
    Matcher wanted = Pattern.compile("GLIBC_2\\.\\d\\d(?=\0)").matcher(new String(bytes, StandardCharsets.ISO_8859_1));
    assertTrue(wanted.find());
    System.arraycopy("GLIBC_9.99".getBytes(StandardCharsets.ISO_8859_1), 0, bytes, wanted.start(), 10);
    Path library = Files.write(temporary.resolve("new.so"), bytes);
    String output = run("-Dio.equipoise.library.path=" + library);
    assertTrue(output.contains("available=false"), output);
    assertTrue(output.contains("C library is too old: published libraries need glibc 2.17"), output);
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
    URL[] path = {Jvm.location(Equipoise.class).toUri().toURL(), Jvm.nativeJar().toUri().toURL()};
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
