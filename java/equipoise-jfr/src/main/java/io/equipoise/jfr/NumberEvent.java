package io.equipoise.jfr;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.Period;
import jdk.jfr.StackTrace;

/** One number of a scorer. */
@Name("io.equipoise.Number")
@Label("Scorer number")
@Description("One number of a scorer, by its name in Metrics.series()")
@Category("equipoise")
@Period("10 s")
@StackTrace(false)
final class NumberEvent extends Event {
  @Label("Scorer")
  @Description("The name that the scorer was registered by")
  String scorer;

  @Label("Name")
  String number;

  @Label("Label")
  @Description("Key and value of the label, empty where the name has one number")
  String label;

  @Label("Unit")
  String unit;

  @Label("Value")
  double value;
}
