//! `equipoise book`: how likely a campaign's goal is to be met, and what meeting it costs.

use crate::output::{Outcome, Report};
use crate::progress::{Line, cancel_on_interrupt};
use crate::solving::{InputArguments, SolveArguments};
use equipoise::Result;
use equipoise::plan::{Booking, Progress, Quantiles, Replicate, Status, Wish, book};
use serde_json::{Value, json};

/// Say how likely a campaign's goal is to be met, and what meeting it costs, by bootstrap over the log's opportunities.
///
/// The campaign is a row of the campaign table, with its candidates in the log; all of the log is used. Exit status 1 where the time limit or
/// Ctrl-C left replicates out; the answer from those so far is printed.
#[derive(clap::Args)]
#[command(allow_negative_numbers = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    inputs: InputArguments,
    /// Whose goal is asked about.
    #[arg(long, value_name = "ID")]
    campaign: String,
    /// At least so much of the measure over the flight; the campaign's floor, else its target, if not given.
    #[arg(long)]
    amount: Option<f64>,
    /// What is counted.
    #[arg(long, default_value = "exposure")]
    measure: String,
    /// The most that a unit may cost, in organic-score units; that of the campaign's goal, else the default penalty, if not given.
    #[arg(long)]
    penalty: Option<f64>,
    /// How often opportunities are drawn anew.
    #[arg(long, value_name = "N", default_value_t = 200)]
    replicates: u32,
    #[command(flatten)]
    solve: SolveArguments,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Report> {
    let cancel = cancel_on_interrupt();
    let line = Line::new();
    let (problem, log, campaigns) = arguments.inputs.read(Some(&arguments.measure), &line)?;
    let mut wish = Wish::new(&arguments.campaign).measure(&arguments.measure).replicates(arguments.replicates);
    if let Some(amount) = arguments.amount {
        wish = wish.amount(amount);
    }
    if let Some(penalty) = arguments.penalty {
        wish = wish.penalty(penalty);
    }
    let observer = |p: &Progress| {
        line.tell(format!("{} of {} replicates, met with probability {:.3}, {:.1} s", p.passes, arguments.replicates, p.value, p.seconds));
    };
    let settings = arguments.solve.settings()?.observer(&observer).cancel(&cancel);
    line.say("solving");
    let booking = book(&problem, &log, &campaigns, &wish, &settings)?;
    drop(line);
    Ok(Report {
        outcome: if booking.status == Status::Solved { Outcome::Good } else { Outcome::NotMet },
        text: format!("{booking}\n"),
        json: document(&booking),
    })
}

fn document(booking: &Booking) -> Value {
    let quantiles = |q: Quantiles| json!({"low": q.low, "median": q.median, "high": q.high});
    let replicate = |r: &Replicate| json!({"natural": r.natural, "deliverable": r.deliverable, "price": r.price, "cost": r.cost, "resolution": r.resolution});
    let (lower, upper) = booking.probability_interval();
    json!({
        "campaign": booking.campaign,
        "measure": booking.measure,
        "amount": booking.amount,
        "penalty": booking.penalty,
        "status": booking.status.name(),
        "probability": booking.probability(),
        "probability_interval": [lower, upper],
        "amount_at_9_in_10": booking.amount_at(0.9),
        "resolution": booking.resolution(),
        "natural": quantiles(booking.natural()),
        "deliverable": quantiles(booking.deliverable()),
        "delivered": quantiles(booking.delivered()),
        "price": quantiles(booking.price()),
        "cost": quantiles(booking.cost()),
        "expected": replicate(&booking.expected),
        "replicates": booking.replicates.iter().map(replicate).collect::<Vec<_>>(),
    })
}
