//! What the serving rule will do with a flight: its certificate, ledger by ledger.

use crate::error::quote;
use crate::model::GoalKind;
use crate::policy::Price;
use serde_json::{Value, json};
use std::fmt;

/// The serving rule, slate rules included, on opportunities that the plan has not seen, weighted to stand for the whole flight.
///
/// Intervals are for what a *future* flight of [`flight`](Self::flight) weight will hold when this policy serves all of it. Random are both the
/// certified opportunities and the flight's own: independent draws from one population, listener by listener where the log names them, else
/// opportunity by opportunity; each of the flight's has weight 1. Fixed is the policy. A population that moves (another season, other listeners)
/// is not in them.
#[derive(Debug, Clone, PartialEq)]
pub struct Serving {
    /// Opportunities replayed.
    pub opportunities: u64,
    /// Listeners among them, where the log names listeners: they, not opportunities, are then taken to be independent.
    pub listeners: Option<u64>,
    /// Weight of the opportunities replayed, as their log has it.
    pub weight: f64,
    /// Weight of the flight, `traffic` included: that of the whole log the plan was made on.
    pub flight: f64,
    /// Their value under the objectives, penalties included, for the flight.
    pub value: f64,
    /// Where the flight's value lies with probability [`level`](Self::level) of its own, apart from the ledgers. Goals short of their bound are
    /// taken to stay so.
    pub value_lower: f64,
    /// Its other end.
    pub value_upper: f64,
    /// `value / upper_bound` of the relaxed plan.
    pub value_ratio: f64,
    /// Largest relative excess over a hard goal, as predicted.
    pub worst_violation: f64,
    /// The goal that has it, with its scope; empty where none is exceeded.
    pub worst_goal: String,
    /// Probability with which all ledgers' intervals hold together: 0.95.
    pub level: f64,
    /// The normal quantile of each interval that makes them hold together.
    pub quantile: f64,
    /// Every bounded ledger, in the order of `plan.prices`. Read back from a policy: as many as travel in it.
    pub ledgers: Vec<ServedLedger>,
    /// How many there are of each [`Outlook`]: kept, at risk, missed.
    pub outlooks: [u64; 3],
}

/// What one ledger will hold: a row of `plan.certificate.serving.ledgers`.
///
/// Amounts are totals of the flight in units of the measure; of a share, and of a guardrail relative to something, fractions.
#[derive(Debug, Clone, PartialEq)]
pub struct ServedLedger {
    /// Its row in `plan.prices` and `policy.prices`.
    pub row: u32,
    /// Name of the goal.
    pub goal: String,
    /// What the goal asks.
    pub kind: GoalKind,
    /// The measure counted.
    pub measure: String,
    /// Over what: `campaign=c1`, `market=SE`, `all`.
    pub scope: String,
    /// On which side of the bound the goal wants it.
    pub side: Side,
    /// The bound asked for.
    pub bound: f64,
    /// What the certified opportunities say the flight will hold.
    pub predicted: f64,
    /// Lower end of the interval.
    pub lower: f64,
    /// Upper end of the interval; infinite where nothing is known.
    pub upper: f64,
    /// How many opportunities to certify on would halve the interval; `None` where none would: the flight's own chance is more than half of it.
    pub needed: Option<f64>,
    /// Where the interval lies.
    pub outlook: Outlook,
}

/// On which side of its bound a goal wants a ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// Caps, guardrails, shares of at most.
    AtMost,
    /// Floors, shares of at least.
    AtLeast,
    /// Targets.
    Exactly,
}

impl Side {
    /// The name used in documents and tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AtMost => "at_most",
            Self::AtLeast => "at_least",
            Self::Exactly => "exactly",
        }
    }

    const fn sign(self) -> char {
        match self {
            Self::AtMost => '<',
            Self::AtLeast => '>',
            Self::Exactly => '=',
        }
    }
}

/// Where an interval lies against the goal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outlook {
    /// All of it keeps the goal.
    Kept,
    /// Part of it does.
    AtRisk,
    /// None of it does.
    Missed,
}

impl Outlook {
    /// The name used in documents and tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::AtRisk => "at_risk",
            Self::Missed => "missed",
        }
    }

    /// Where `[lower, upper]` lies against a bound.
    pub(super) fn of(lower: f64, upper: f64, side: Side, bound: f64) -> Self {
        // A delivery that is its bound to within rounding keeps it.
        let slack = 1e-9 * bound.abs().max(1e-3);
        let (over, under) = (|d: f64| d > bound + slack, |d: f64| d < bound - slack);
        let (out, all_out) = match side {
            Side::AtMost => (over(upper), over(lower)),
            Side::AtLeast => (under(lower), under(upper)),
            Side::Exactly => (over(upper) || under(lower), over(lower) || under(upper)),
        };
        match (out, all_out) {
            (_, true) => Self::Missed,
            (true, false) => Self::AtRisk,
            (false, false) => Self::Kept,
        }
    }

    const fn letter(self) -> char {
        match self {
            Self::Kept => 'k',
            Self::AtRisk => 'r',
            Self::Missed => 'm',
        }
    }
}

impl ServedLedger {
    /// Half the width of the interval.
    #[must_use]
    pub fn half_width(&self) -> f64 {
        (self.upper - self.lower) / 2.0
    }

    /// How far the prediction is inside the bound, in half widths; negative where it is not.
    fn room(&self) -> f64 {
        let inside = match self.side {
            Side::AtMost => self.bound - self.predicted,
            Side::AtLeast => self.predicted - self.bound,
            Side::Exactly => -(self.predicted - self.bound).abs(),
        };
        if inside == 0.0 { 0.0 } else { inside / self.half_width().max(f64::MIN_POSITIVE) }
    }
}

/// How many ledgers travel in a policy file, the tightest first: its header has room for about that many.
const TRAVELLING: usize = 4096;
/// How many a screen has room for.
const SHOWN: usize = 6;

impl Serving {
    /// The tightest ledgers: missed, then at risk, then kept; the fewer half widths a prediction is inside its bound, the earlier.
    #[must_use]
    pub fn tightest(&self, count: usize) -> Vec<&ServedLedger> {
        self.by_room().into_iter().take(count).map(|i| &self.ledgers[i]).collect()
    }

    fn by_room(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.ledgers.len()).collect();
        let key = |i: usize| (std::cmp::Reverse(self.ledgers[i].outlook as u8), self.ledgers[i].room());
        order.sort_by(|a, b| key(*a).0.cmp(&key(*b).0).then(key(*a).1.total_cmp(&key(*b).1)));
        order
    }

    /// All but the list of ledgers.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let tightest: Vec<Value> = self
            .tightest(SHOWN)
            .iter()
            .map(|l| {
                json!({
                    "goal": l.goal, "scope": l.scope, "side": l.side.name(), "bound": short(l.bound), "predicted": short(l.predicted),
                    "lower": short(l.lower), "upper": short(l.upper), "half_width": short(l.half_width()),
                    "needed": l.needed.map_or(Value::Null, short), "outlook": l.outlook.name(),
                })
            })
            .collect();
        json!({
            "opportunities": self.opportunities,
            "listeners": self.listeners,
            "weight": self.weight,
            "flight": self.flight,
            "value": self.value,
            "value_lower": short(self.value_lower),
            "value_upper": short(self.value_upper),
            "value_ratio": self.value_ratio,
            "worst_violation": self.worst_violation,
            "worst_goal": self.worst_goal,
            "level": self.level,
            "quantile": short(self.quantile),
            "outlooks": {"kept": self.outlooks[0], "at_risk": self.outlooks[1], "missed": self.outlooks[2]},
            "tightest": tightest,
        })
    }

    /// The ledgers as columns, `row` being that of `policy.prices`: the tightest `most`, at most 4,096, where there are more. Numbers have seven digits; an
    /// upper end of null is infinite; `side` has a sign and `outlook` a letter each (`k`ept, at `r`isk, `m`issed).
    #[must_use]
    pub fn ledgers_to_json(&self, most: usize) -> Value {
        let mut order = self.by_room();
        order.truncate(most.min(TRAVELLING));
        order.sort_unstable();
        let list = || order.iter().map(|i| &self.ledgers[*i]);
        let column = |of: fn(&ServedLedger) -> f64| -> Vec<Value> { list().map(|l| short(of(l))).collect() };
        json!({
            "row": list().map(|l| l.row).collect::<Vec<_>>(),
            "side": list().map(|l| l.side.sign()).collect::<String>(),
            "bound": column(|l| l.bound),
            "predicted": column(|l| l.predicted),
            "lower": column(|l| l.lower),
            "upper": column(|l| l.upper),
            "needed": list().map(|l| l.needed.map_or(Value::Null, short)).collect::<Vec<_>>(),
            "outlook": list().map(|l| l.outlook.letter()).collect::<String>(),
        })
    }

    /// Reads both documents back, names from the policy's ledgers. `None` where the first is of another shape; ledgers of another shape are left out.
    pub(super) fn from_json(json: &Value, ledgers: Option<&Value>, prices: &[Price]) -> Option<Self> {
        let number = |name: &str| json.get(name).and_then(Value::as_f64);
        let count = |name: &str| json.get("outlooks").and_then(|o| o.get(name)).and_then(Value::as_u64).unwrap_or(0);
        let value = number("value")?;
        Some(Self {
            opportunities: json.get("opportunities")?.as_u64()?,
            listeners: json.get("listeners").and_then(Value::as_u64),
            weight: number("weight").unwrap_or(f64::NAN),
            flight: number("flight").unwrap_or(f64::NAN),
            value,
            value_lower: number("value_lower").unwrap_or(f64::NEG_INFINITY),
            value_upper: number("value_upper").unwrap_or(f64::INFINITY),
            value_ratio: number("value_ratio")?,
            worst_violation: number("worst_violation")?,
            worst_goal: json.get("worst_goal")?.as_str()?.to_owned(),
            level: number("level").unwrap_or(f64::NAN),
            quantile: number("quantile").unwrap_or(f64::NAN),
            ledgers: ledgers.and_then(|l| read_ledgers(l, prices)).unwrap_or_default(),
            outlooks: [count("kept"), count("at_risk"), count("missed")],
        })
    }
}

fn read_ledgers(json: &Value, prices: &[Price]) -> Option<Vec<ServedLedger>> {
    let list = |name: &str| json.get(name).and_then(Value::as_array);
    let rows = list("row")?;
    let letters = |name: &str| -> Option<Vec<char>> {
        json.get(name).and_then(Value::as_str).map(|s| s.chars().collect()).filter(|c: &Vec<char>| c.len() == rows.len())
    };
    let (sides, outlooks) = (letters("side")?, letters("outlook")?);
    let at = |name: &str, i: usize| list(name).and_then(|l| l.get(i)).and_then(Value::as_f64);
    (0..rows.len())
        .map(|i| {
            let row = u32::try_from(rows[i].as_u64()?).ok()?;
            let price = prices.get(row as usize)?;
            Some(ServedLedger {
                row,
                goal: price.goal.clone(),
                kind: price.kind,
                measure: price.measure.clone(),
                scope: price.scope.clone(),
                side: [Side::AtMost, Side::AtLeast, Side::Exactly].into_iter().find(|s| s.sign() == sides[i])?,
                bound: at("bound", i)?,
                predicted: at("predicted", i)?,
                lower: at("lower", i)?,
                upper: at("upper", i).unwrap_or(f64::INFINITY),
                needed: at("needed", i),
                outlook: [Outlook::Kept, Outlook::AtRisk, Outlook::Missed].into_iter().find(|o| o.letter() == outlooks[i])?,
            })
        })
        .collect()
}

/// A number to seven digits; null where it is none.
fn short(value: f64) -> Value {
    let rounded: f64 = format!("{value:.6e}").parse().unwrap_or(value);
    if rounded.fract() == 0.0 && rounded.abs() < 1e15 { json!(rounded as i64) } else { json!(rounded) }
}

impl fmt::Display for Serving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |text: &str| {
            let quoted = quote(text);
            quoted[1..quoted.len() - 1].to_owned()
        };
        write!(
            f,
            "serving: value {:.6} in [{:.6}, {:.6}], {:.2} % of the bound; ",
            self.value,
            self.value_lower,
            self.value_upper,
            100.0 * self.value_ratio
        )?;
        write!(f, "{} unseen opportunities", self.opportunities)?;
        if let Some(listeners) = self.listeners {
            write!(f, " of {listeners} listeners")?;
        }
        let [kept, at_risk, missed] = self.outlooks;
        writeln!(f, ", weight {} for a flight of {}", self.weight, self.flight)?;
        write!(f, "  worst violation {:.2e}", self.worst_violation)?;
        if !self.worst_goal.is_empty() {
            write!(f, " ({})", plain(&self.worst_goal))?;
        }
        write!(
            f,
            "\n  ledgers jointly at {} % (quantile {:.3}): {kept} kept, {at_risk} at risk, {missed} missed",
            100.0 * self.level,
            self.quantile
        )?;
        for l in self.tightest(SHOWN) {
            let goal = format!("{} [{}]", plain(&l.goal), plain(&l.scope));
            write!(
                f,
                "\n    {:<8}{goal}: {:.6} in [{:.6}, {:.6}] (half width {:.6}), {} {:.6}",
                l.outlook.name(),
                l.predicted,
                l.lower,
                l.upper,
                l.half_width(),
                l.side.name().replace('_', " "),
                l.bound
            )?;
            match l.needed {
                Some(needed) => write!(f, "; half the width from {needed:.0} opportunities")?,
                None => write!(f, "; no sample halves the width")?,
            }
        }
        Ok(())
    }
}
