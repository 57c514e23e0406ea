package io.equipoise;

/** The state of the native library that everything else in this package needs. */
public final class Equipoise {
  private Equipoise() {}

  /**
   * Whether the native library is loaded; the first call of anything in this package tries, once.
   *
   * @return false where {@link #loadError()} says why not
   */
  public static boolean isAvailable() {
    return NativeLibrary.error() == null;
  }

  /**
   * Why the native library could not be loaded.
   *
   * @return the remembered error, or null if the library is loaded
   */
  public static Throwable loadError() {
    return NativeLibrary.error();
  }

  /**
   * The version of these classes; the native library has the same.
   *
   * @return a version such as {@code 0.1.0}
   */
  public static String version() {
    return NativeLibrary.VERSION;
  }
}
