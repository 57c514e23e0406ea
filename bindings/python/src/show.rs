//! What a person sees of a plan: plain text, and HTML for notebooks.

use equipoise::error::quote;
use equipoise::plan::{Certificate, Plan, PriceRow, Serving};
use std::fmt::Write as _;

/// Rows shown of a table before it is cut.
const ROWS: usize = 8;

/// The ledgers with the largest prices, largest first.
fn dearest(plan: &Plan) -> Vec<&PriceRow> {
    let mut rows: Vec<_> = plan.prices().iter().filter(|r| r.price != 0.0).collect();
    rows.sort_by(|a, b| b.price.abs().total_cmp(&a.price.abs()));
    rows
}

/// Ids come from outside: control characters are escaped, the quotes of [`quote`] are dropped.
fn plain(text: &str) -> String {
    let quoted = quote(text);
    quoted[1..quoted.len() - 1].to_owned()
}

fn facts(plan: &Plan) -> Vec<(&'static str, String)> {
    let c = plan.certificate();
    let mut facts = vec![
        ("status", plan.status().name().to_owned()),
        ("value", format!("{:.6} of at most {:.6}, gap {:.2e}", c.value, c.upper_bound, c.gap)),
        ("worst violation", format!("{:.2e}", c.worst_violation)),
        ("work", format!("{:.1} passes, {:.3} s", c.passes, c.seconds)),
    ];
    if let Some(s) = &c.serving {
        let [kept, at_risk, missed] = s.outlooks;
        let exceeded = if s.worst_goal.is_empty() { String::new() } else { format!(" ({})", plain(&s.worst_goal)) };
        let text = format!(
            "{:.2} % of the bound on {} unseen opportunities, worst violation {:.2e}{exceeded}; ledgers {kept} kept, {at_risk} at risk, {missed} missed",
            100.0 * s.value_ratio,
            s.opportunities,
            s.worst_violation
        );
        facts.push(("serving", text));
    }
    facts.push(("policy", plan.policy().id_hex()));
    facts
}

/// A few lines: certificate, conflicts, the dearest ledgers.
pub(crate) fn plan(plan: &Plan) -> String {
    let mut out = String::from("Plan\n");
    for (name, fact) in facts(plan) {
        let _ = writeln!(out, "  {name:<16}{fact}");
    }
    let conflicts = plan.conflicts();
    if !conflicts.is_empty() {
        let _ = writeln!(out, "  conflicts ({})", conflicts.len());
        for c in conflicts.iter().take(ROWS) {
            let _ = writeln!(out, "    {:<12}{}: asked {:.6}, reached {:.6}", c.kind.name(), plain(&c.goal), c.asked, c.reached);
        }
    }
    let rows = dearest(plan);
    let _ = writeln!(out, "  prices ({} of {} ledgers not 0)", rows.len(), plan.prices().len());
    for r in rows.iter().take(ROWS) {
        let _ = writeln!(
            out,
            "    {:>12.6}  {} [{}], delivered {:.6}{}",
            r.price,
            plain(&r.goal),
            plain(&r.scope),
            r.delivered,
            r.bound.map_or_else(String::new, |b| format!(", bound {b:.6}"))
        );
    }
    out.truncate(out.trim_end().len());
    out
}

/// The same as HTML tables, every outside string escaped.
pub(crate) fn plan_html(plan: &Plan) -> String {
    let mut out = table_of("Plan", &facts(plan));
    let conflicts = plan.conflicts();
    if !conflicts.is_empty() {
        let _ = write!(
            out,
            "<table><caption>Conflicts ({})</caption><tr><th>kind</th><th>goal</th><th>asked</th><th>reached</th></tr>",
            conflicts.len()
        );
        for c in conflicts.iter().take(ROWS) {
            let _ = write!(
                out,
                "<tr><td>{}</td><td>{}</td><td>{:.6}</td><td>{:.6}</td></tr>",
                c.kind.name(),
                escape(&plain(&c.goal)),
                c.asked,
                c.reached
            );
        }
        out.push_str("</table>");
    }
    let rows = dearest(plan);
    let _ = write!(out, "<table><caption>Prices ({} of {} ledgers not 0)</caption>", rows.len(), plan.prices().len());
    out.push_str("<tr><th>price</th><th>goal</th><th>scope</th><th>delivered</th><th>bound</th></tr>");
    for r in rows.iter().take(ROWS) {
        let (goal, scope) = (escape(&plain(&r.goal)), escape(&plain(&r.scope)));
        let _ = write!(
            out,
            "<tr><td>{:.6}</td><td>{goal}</td><td>{scope}</td><td>{:.6}</td><td>{}</td></tr>",
            r.price,
            r.delivered,
            r.bound.map_or_else(String::new, |b| format!("{b:.6}"))
        );
    }
    out.push_str("</table>");
    out
}

/// A certificate as HTML tables.
pub(crate) fn certificate_html(c: &Certificate) -> String {
    let facts = [
        ("value", format!("{:.6} of at most {:.6}, gap {:.2e}", c.value, c.upper_bound, c.gap)),
        ("worst violation", format!("{:.2e}", c.worst_violation)),
        ("work", format!("{:.1} passes, {:.3} s", c.passes, c.seconds)),
    ];
    table_of("Certificate", &facts) + &c.serving.as_ref().map_or_else(String::new, serving_html)
}

/// A serving certificate as HTML tables: summary and the tightest ledgers.
pub(crate) fn serving_html(s: &Serving) -> String {
    let [kept, at_risk, missed] = s.outlooks;
    let mut facts = vec![
        ("value", format!("{:.6} in [{:.6}, {:.6}], {:.2} % of the bound", s.value, s.value_lower, s.value_upper, 100.0 * s.value_ratio)),
        ("unseen opportunities", format!("{}, weight {} for a flight of {}", s.opportunities, s.weight, s.flight)),
        ("worst violation", format!("{:.2e} {}", s.worst_violation, plain(&s.worst_goal))),
        ("ledgers", format!("{kept} kept, {at_risk} at risk, {missed} missed, jointly at {} %", 100.0 * s.level)),
    ];
    if let Some(listeners) = s.listeners {
        facts.insert(2, ("listeners", listeners.to_string()));
    }
    let mut out = table_of("Served", &facts);
    out.push_str("<table><caption>Tightest ledgers</caption><tr><th>outlook</th><th>goal</th><th>scope</th>");
    out.push_str("<th>predicted</th><th>lower</th><th>upper</th><th>bound</th><th>needed</th></tr>");
    for l in s.tightest(ROWS) {
        let (goal, scope) = (escape(&plain(&l.goal)), escape(&plain(&l.scope)));
        let needed = l.needed.map_or_else(String::new, |n| n.to_string());
        let _ = write!(
            out,
            "<tr><td>{}</td><td>{goal}</td><td>{scope}</td><td>{:.6}</td><td>{:.6}</td><td>{:.6}</td><td>{} {:.6}</td><td>{needed}</td></tr>",
            l.outlook.name(),
            l.predicted,
            l.lower,
            l.upper,
            l.side.name(),
            l.bound
        );
    }
    out.push_str("</table>");
    out
}

fn table_of(caption: &str, facts: &[(&'static str, String)]) -> String {
    let mut out = format!("<table><caption>{caption}</caption>");
    for (name, fact) in facts {
        let _ = write!(out, "<tr><th>{name}</th><td style=\"text-align:left\">{}</td></tr>", escape(fact));
    }
    out.push_str("</table>");
    out
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}
