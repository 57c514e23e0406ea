package io.equipoise;

import java.util.Objects;

/**
 * Kill switches as they stand at one moment, immutable: to be kept as text and given to {@link Scorer#of(Policy, Switches)} after a
 * restart.
 */
public final class Switches {
  private static final Switches NONE = new Switches("{}");

  private final String json;

  private Switches(String json) {
    this.json = json;
  }

  /**
   * Nothing is off.
   *
   * @return these switches
   */
  public static Switches none() {
    return NONE;
  }

  /**
   * The switches that a text holds. It is read, and refused if it is wrong, where a scorer takes the switches.
   *
   * @param json a JSON object: {@code all}, and a list of ids each for {@code campaign}, {@code artist}, {@code label}, {@code licensor},
   *     {@code market} and {@code surface}; what is left out is on
   * @return the switches
   */
  public static Switches fromJson(String json) {
    if (json == null) {
      throw EquipoiseException.fault(InvalidInputException.NULL, "json", -1, "is null, wanted a JSON object");
    }
    return new Switches(json);
  }

  /**
   * The switches as text.
   *
   * @return one JSON object
   */
  public String toJson() {
    return json;
  }

  /**
   * Equal texts are equal switches.
   *
   * @param other anything
   * @return whether it is switches of the same text
   */
  @Override
  public boolean equals(Object other) {
    return other instanceof Switches && ((Switches) other).json.equals(json);
  }

  /**
   * Fits {@link #equals}.
   *
   * @return a hash of the text
   */
  @Override
  public int hashCode() {
    return Objects.hashCode(json);
  }

  /**
   * The text.
   *
   * @return as {@link #toJson}
   */
  @Override
  public String toString() {
    return json;
  }
}
