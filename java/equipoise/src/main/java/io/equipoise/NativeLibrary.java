package io.equipoise;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.System.Logger.Level;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Locale;
import java.util.Properties;

/**
 * Finds, loads and checks the native library, once per class loader. The order:
 *
 * <ol>
 *   <li>the file that the system property {@code io.equipoise.library.path} names, if it is set; nothing else is tried then;
 *   <li>the copy inside the jar, written to a fresh directory that only this user can enter, below {@code io.equipoise.tmpdir} or else
 *       {@code java.io.tmpdir}. A file of its own for every class loader, because a JVM refuses to load one file in two of them; a fresh
 *       directory, so that no file planted there is ever loaded.
 * </ol>
 */
final class NativeLibrary {
  static final String PATH = "io.equipoise.library.path";
  static final String TEMPORARY = "io.equipoise.tmpdir";
  static final String VERSION = version();

  private static final System.Logger LOGGER = System.getLogger("io.equipoise");

  private NativeLibrary() {}

  /** Loaded on first use, and never tried twice. */
  private static final class Holder {
    static final Throwable ERROR = load();
  }

  /** Why the library is not loaded, or null if it is. */
  static Throwable error() {
    return Holder.ERROR;
  }

  /** Throws unless the library is loaded. */
  static void require() {
    Throwable error = Holder.ERROR;
    if (error != null) {
      EquipoiseException e =
          EquipoiseException.fault(UsageException.LIBRARY, "library", -1, String.valueOf(error.getMessage()));
      e.initCause(error);
      throw e;
    }
  }

  private static Throwable load() {
    try {
      String path = System.getProperty(PATH);
      String from;
      if (path != null && !path.isEmpty()) {
        from = Path.of(path).toAbsolutePath().toString();
        loadFile(from);
      } else {
        from = loadFromJar(platform());
      }
      String found = Native.version();
      if (!found.equals(VERSION)) {
        throw new UnsatisfiedLinkError("the native library " + from + " has version " + found + ", these classes " + VERSION);
      }
      LOGGER.log(Level.DEBUG, "equipoise {0} loaded from {1}", VERSION, from);
      return null;
    } catch (IOException | RuntimeException | LinkageError e) {
      LOGGER.log(Level.WARNING, "equipoise is not available: {0}", e.getMessage());
      return e;
    }
  }

  private static void loadFile(String file) {
    try {
      System.load(file);
    } catch (UnsatisfiedLinkError e) {
      String hint = "";
      String message = String.valueOf(e.getMessage());
      if (message.contains("failed to map segment")) {
        hint = " (its directory seems to be mounted noexec: set -D" + TEMPORARY + " to one that is not)";
      } else if (message.contains("already loaded in another classloader")) {
        hint = " (a class loader needs a file of its own: leave -D" + PATH + " unset)";
      }
      UnsatisfiedLinkError told = new UnsatisfiedLinkError("cannot load " + file + ": " + message + hint);
      told.initCause(e);
      throw told;
    }
  }

  private static String loadFromJar(String platform) throws IOException {
    String name = System.mapLibraryName("equipoise_jni");
    String resource = "native/" + platform + "/" + name;
    try (InputStream in = NativeLibrary.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw new UnsatisfiedLinkError(
            "this jar has no native library for " + platform + "; set -D" + PATH + " to one built from source");
      }
      Path directory = freshDirectory();
      Path file = directory.resolve(name);
      try {
        Files.copy(in, file);
        loadFile(file.toString());
      } finally {
        remove(file);
        remove(directory);
      }
      return "the jar (" + resource + ")";
    }
  }

  private static Path freshDirectory() throws IOException {
    Path base = Path.of(System.getProperty(TEMPORARY, System.getProperty("java.io.tmpdir")));
    boolean posix = FileSystems.getDefault().supportedFileAttributeViews().contains("posix");
    FileAttribute<?>[] owner =
        posix
            ? new FileAttribute<?>[] {PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"))}
            : new FileAttribute<?>[0];
    return Files.createTempDirectory(base, "equipoise-", owner);
  }

  /** A loaded library needs its name no longer, except on Windows, where it goes when the JVM ends. */
  private static void remove(Path path) {
    try {
      Files.deleteIfExists(path);
    } catch (IOException e) {
      path.toFile().deleteOnExit();
    }
  }

  /** The directory inside the jar for this machine; a system that is not known is refused by its name. */
  static String platform() {
    String os = System.getProperty("os.name").toLowerCase(Locale.ROOT);
    String arch = System.getProperty("os.arch").toLowerCase(Locale.ROOT);
    String system;
    if (os.startsWith("linux")) {
      system = "linux";
    } else if (os.startsWith("mac")) {
      system = "macos";
    } else if (os.startsWith("windows")) {
      system = "windows";
    } else {
      throw new UnsatisfiedLinkError("equipoise has no native library for the operating system " + os);
    }
    switch (arch) {
      case "amd64":
      case "x86_64":
        return system + "-x86_64";
      case "aarch64":
      case "arm64":
        return system + "-aarch64";
      default:
        throw new UnsatisfiedLinkError("equipoise has no native library for the processor " + arch);
    }
  }

  private static String version() {
    try (InputStream in = NativeLibrary.class.getResourceAsStream("equipoise.properties")) {
      Properties properties = new Properties();
      properties.load(in);
      return properties.getProperty("version");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
