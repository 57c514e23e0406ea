package io.equipoise;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.System.Logger.Level;
import java.net.URL;
import java.net.URLConnection;
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
 *   <li>the resource {@code io/equipoise/native/<platform>/} of the class loader that loaded this class, which is in the jar
 *       {@code equipoise-native} of the platform's classifier: written to a fresh directory that only this user can enter, below
 *       {@code io.equipoise.tmpdir} or else {@code java.io.tmpdir}. A file of its own for every class loader, because a JVM refuses to
 *       load one file in two of them; a fresh directory, so that no file planted there is ever loaded;
 *   <li>where there is no such resource, {@link System#loadLibrary}, which looks through {@code java.library.path}.
 * </ol>
 *
 * <p>Whatever was found must have these classes' version before any other of its methods is bound.
 */
final class NativeLibrary {
  static final String PATH = "io.equipoise.library.path";
  static final String TEMPORARY = "io.equipoise.tmpdir";
  static final String VERSION = version();

  private static final String LIBRARY = "equipoise_jni";
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
        from = loadFromClassPath(platform());
      }
      String found = Native.version();
      if (!found.equals(VERSION)) {
        throw new UnsatisfiedLinkError("the native library " + from + " has version " + found + ", these classes " + VERSION);
      }
      Native.bind();
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
      String message = String.valueOf(e.getMessage());
      UnsatisfiedLinkError told = new UnsatisfiedLinkError("cannot load " + file + ": " + message + hint(message));
      told.initCause(e);
      throw told;
    }
  }

  /** What to do about an error of the system's loader, as far as its words tell. */
  private static String hint(String message) {
    if (message.contains("failed to map segment") || message.contains("Operation not permitted")) {
      return " (its directory seems to be mounted noexec: set -D" + TEMPORARY + " to one that is not)";
    }
    if (message.contains("already loaded in another classloader")) {
      return " (a class loader needs a file of its own: leave -D" + PATH + " unset)";
    }
    if (message.contains("version `GLIBC_")) {
      return " (this system's C library is too old: published libraries need glibc 2.17 or later; one built on this system would do)";
    }
    if (message.contains("ld-linux") || message.contains("Error relocating")) {
      return " (this library is for systems with glibc, such as Debian or RHEL; musl systems, such as Alpine, need one built on them)";
    }
    return "";
  }

  private static String loadFromClassPath(String platform) throws IOException {
    String name = System.mapLibraryName(LIBRARY);
    String resource = "io/equipoise/native/" + platform + "/" + name;
    URL found = resource(resource);
    if (found == null) {
      return loadFromLibraryPath(platform);
    }
    Path directory = freshDirectory();
    Path file = directory.resolve(name);
    try {
      try (InputStream in = open(found)) {
        Files.copy(in, file);
      }
      loadFile(file.toString());
    } finally {
      remove(file);
      remove(directory);
    }
    return found.toString();
  }

  /** The class loader is asked, not the class: in a module path the resource is in another module, open to all. */
  private static URL resource(String name) {
    ClassLoader loader = NativeLibrary.class.getClassLoader();
    return loader == null ? ClassLoader.getSystemResource(name) : loader.getResource(name);
  }

  /** A jar that is open already may be closed by others, or replaced on disk: nothing is shared with the JVM's cache. */
  private static InputStream open(URL url) throws IOException {
    URLConnection connection = url.openConnection();
    connection.setUseCaches(false);
    return connection.getInputStream();
  }

  private static String loadFromLibraryPath(String platform) {
    try {
      System.loadLibrary(LIBRARY);
      return System.mapLibraryName(LIBRARY) + " of java.library.path";
    } catch (UnsatisfiedLinkError e) {
      UnsatisfiedLinkError told =
          new UnsatisfiedLinkError(
              "no native library for " + platform + ": add io.equipoise:equipoise-native:" + VERSION + " with classifier " + platform
                  + " to the class path, or set -D" + PATH + " to one built from source (" + e.getMessage() + ")");
      told.initCause(e);
      throw told;
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

  /** The name of this machine in resources and classifiers; a system that is not known is refused by its name. */
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
