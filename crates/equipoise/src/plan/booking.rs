//! The answer to a booking: what replicates of a flight would give a campaign, in numbers to decide by.

use super::certificate::Status;
use crate::error::quote;
use std::fmt;

/// One flight as it may come: a row of `booking.replicates`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Replicate {
    /// What the campaign gets without a goal.
    pub natural: f64,
    /// The most it can get where every unit is paid the penalty.
    pub deliverable: f64,
    /// What the last unit of the goal costs, in organic-score units; 0 where it comes by itself, the penalty where it cannot be had.
    pub price: f64,
    /// Value given up for the goal, as far as it can be reached.
    pub cost: f64,
    /// To how much `natural` and `deliverable` are good: the gap of their solves over the penalty.
    pub resolution: f64,
}

/// The 10th, 50th and 90th of a hundred.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quantiles {
    /// One in ten is below.
    pub low: f64,
    /// Half are below.
    pub median: f64,
    /// Nine in ten are below.
    pub high: f64,
}

/// The answer of [`book`](super::book()).
#[derive(Debug, Clone, PartialEq)]
pub struct Booking {
    /// The campaign's id.
    pub campaign: String,
    /// The measure that is counted.
    pub measure: String,
    /// At least so much is asked for over the flight.
    pub amount: f64,
    /// The most that a unit may cost.
    pub penalty: f64,
    /// The log as it is.
    pub expected: Replicate,
    /// The flights drawn from it, in the order of their numbers.
    pub replicates: Vec<Replicate>,
    /// `Solved`, or why there are fewer replicates than asked for.
    pub status: Status,
}

impl Booking {
    /// A booking that was stopped before anything was known.
    pub(super) fn unfinished(campaign: String, measure: String, amount: f64, penalty: f64, status: Status) -> Self {
        let expected = Replicate { natural: f64::NAN, deliverable: f64::NAN, price: f64::NAN, cost: f64::NAN, resolution: f64::NAN };
        Self { campaign, measure, amount, penalty, expected, replicates: Vec::new(), status }
    }

    /// The part of the replicates in which the amount asked for can be had at the penalty; NaN without replicates.
    #[must_use]
    pub fn probability(&self) -> f64 {
        self.probability_of(self.amount)
    }

    /// The same of another amount: never rises with it.
    #[must_use]
    pub fn probability_of(&self, amount: f64) -> f64 {
        let met = self.replicates.iter().filter(|r| meets(r.deliverable, amount)).count();
        met as f64 / self.replicates.len() as f64
    }

    /// Where the probability lies for all that this many replicates can tell: Wilson's interval at 95 %.
    #[must_use]
    pub fn probability_interval(&self) -> (f64, f64) {
        const Z: f64 = 1.959_963_984_540_054;
        let (p, n) = (self.probability(), self.replicates.len() as f64);
        let middle = (p + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
        let reach = Z / (1.0 + Z * Z / n) * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
        // Rounding aside, the interval holds the estimate; without replicates it is everything.
        ((middle - reach).max(0.0).min(p), (middle + reach).min(1.0).max(p))
    }

    /// The largest amount that is met with at least this probability; NaN without replicates.
    #[must_use]
    pub fn amount_at(&self, probability: f64) -> f64 {
        let sorted = self.sorted(|r| r.deliverable);
        let met = (probability.clamp(0.0, 1.0) * sorted.len() as f64).ceil() as usize;
        // With that many at or above it.
        sorted.len().checked_sub(met.max(1)).and_then(|at| sorted.get(at)).copied().unwrap_or(f64::NAN)
    }

    /// What the flights give without the goal.
    #[must_use]
    pub fn natural(&self) -> Quantiles {
        self.quantiles(|r| r.natural)
    }

    /// The most that can be delivered at the penalty.
    #[must_use]
    pub fn deliverable(&self) -> Quantiles {
        self.quantiles(|r| r.deliverable)
    }

    /// What is delivered with the goal: the amount where that is possible, or what comes by itself where that is more.
    #[must_use]
    pub fn delivered(&self) -> Quantiles {
        self.quantiles(|r| self.amount.min(r.deliverable).max(r.natural))
    }

    /// What the last unit costs; the penalty where the goal is not met.
    #[must_use]
    pub fn price(&self) -> Quantiles {
        self.quantiles(|r| r.price)
    }

    /// Value given up for the goal.
    #[must_use]
    pub fn cost(&self) -> Quantiles {
        self.quantiles(|r| r.cost)
    }

    /// To how much amounts are good: the worst of the solves' gaps over the penalty.
    #[must_use]
    pub fn resolution(&self) -> f64 {
        self.replicates.iter().map(|r| r.resolution).fold(self.expected.resolution, f64::max)
    }

    fn sorted(&self, of: impl Fn(&Replicate) -> f64) -> Vec<f64> {
        let mut sorted: Vec<f64> = self.replicates.iter().map(of).collect();
        sorted.sort_by(f64::total_cmp);
        sorted
    }

    fn quantiles(&self, of: impl Fn(&Replicate) -> f64) -> Quantiles {
        let sorted = self.sorted(of);
        // Between the two nearest, in proportion.
        let at = |p: f64| {
            let place = p * sorted.len().saturating_sub(1) as f64;
            let (below, part) = (place.floor() as usize, place.fract());
            let value = |i: usize| sorted.get(i).copied().unwrap_or(f64::NAN);
            if part == 0.0 { value(below) } else { value(below) * (1.0 - part) + value(below + 1) * part }
        };
        Quantiles { low: at(0.1), median: at(0.5), high: at(0.9) }
    }
}

/// Whether a delivery is an amount, to within a millionth.
fn meets(delivered: f64, amount: f64) -> bool {
    delivered >= amount * (1.0 - 1e-6)
}

impl fmt::Display for Booking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (low, high) = self.probability_interval();
        let quoted = quote(&self.campaign);
        let (campaign, measure) = (&quoted[1..quoted.len() - 1], quote(&self.measure));
        writeln!(f, "booking of {:.6} {} for {campaign}", self.amount, &measure[1..measure.len() - 1])?;
        let count = self.replicates.len();
        writeln!(
            f,
            "  met with probability {:.3} in [{low:.3}, {high:.3}], {count} replicates ({})",
            self.probability(),
            self.status.name()
        )?;
        writeln!(f, "  {:<12}{:>14}{:>14}{:>14}", "", "one in ten <", "median", "nine in ten <")?;
        let rows = [
            ("delivered", self.delivered()),
            ("deliverable", self.deliverable()),
            ("natural", self.natural()),
            ("price", self.price()),
            ("cost", self.cost()),
        ];
        for (name, q) in rows {
            writeln!(f, "  {name:<12}{:>14.6}{:>14.6}{:>14.6}", q.low, q.median, q.high)?;
        }
        write!(
            f,
            "  met with 9 in 10: {:.6}; a unit may cost {:.6}; amounts are good to {:.3}",
            self.amount_at(0.9),
            self.penalty,
            self.resolution()
        )
    }
}
