package io.equipoise;

import java.util.List;

/** Writes a {@link DecisionRecord} as the JSON that the core reads: the names of its fields, numbers that come back to the bit. */
final class RecordJson {
  private final StringBuilder out = new StringBuilder(1024);

  private RecordJson() {}

  static String of(DecisionRecord record) {
    return new RecordJson().record(record).out.toString();
  }

  private RecordJson record(DecisionRecord r) {
    out.append('{');
    field("policy_id", r.policyId());
    field("key", r.key());
    field("time", r.time());
    field("market", r.market());
    field("surface", r.surface());
    field("slots", r.slots());
    field("reference", r.reference());
    field("used_reference", r.usedReference());
    field("explore", r.explore());
    field("propensity", r.propensity());
    field("given_up", r.givenUp());
    field("pick", r.pick());
    field("place", r.place());
    field("organic_rank", r.organicRank());
    field("score", r.score());
    field("pick_propensity", r.pickPropensity());
    field("campaign", r.campaign());
    field("artist", r.artist());
    field("label", r.label());
    field("licensor", r.licensor());
    field("main_parameters", r.mainParameters());
    field("term_pick", r.termPick());
    field("term_name", r.term().stream().map(Term::name).toList());
    field("term_kind", r.term().stream().map(Term::kind).toList());
    field("term_amount", r.term().stream().map(Term::amount).toList());
    name("candidates");
    if (r.candidates() == null) {
      out.append("null");
    } else {
      candidates(r.candidates());
    }
    out.append('}');
    return this;
  }

  private void candidates(DecisionRecord.Candidates c) {
    out.append('{');
    field("campaign", c.campaign());
    field("score", c.score());
    field("reason", c.reason());
    field("measures", c.measures());
    field("organic", c.organic());
    field("item", c.item());
    field("artist", c.artist());
    field("frequency", c.frequency());
    field("uncertainty", c.uncertainty());
    field("category", c.category());
    field("target", c.target());
    field("similarity", c.similarity());
    field("embedding_width", c.embeddingWidth());
    out.append('}');
  }

  private void name(String name) {
    if (out.charAt(out.length() - 1) != '{') {
      out.append(',');
    }
    out.append('"').append(name).append("\":");
  }

  private void field(String name, Object value) {
    name(name);
    if (value instanceof List) {
      out.append('[');
      String separator = "";
      for (Object element : (List<?>) value) {
        out.append(separator);
        plain(element);
        separator = ",";
      }
      out.append(']');
    } else {
      plain(value);
    }
  }

  /** Numbers and booleans are written by Java as JSON has them; NaN and infinities are none, and refused where they are read. */
  private void plain(Object value) {
    if (value instanceof String) {
      text((String) value);
    } else {
      out.append(value);
    }
  }

  private void text(String text) {
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '"' || c == '\\') {
        out.append('\\').append(c);
      } else if (c < ' ') {
        out.append(String.format("\\u%04x", (int) c));
      } else {
        out.append(c);
      }
    }
    out.append('"');
  }
}
