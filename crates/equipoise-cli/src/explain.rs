//! `equipoise explain`: every term of the score of every candidate of one request.

use crate::output::{Outcome, Report, number, plain, shown};
use crate::request::{self, RequestDocument};
use equipoise::Result;
use equipoise::policy::Policy;
use equipoise::score::{Explanation, Workspace};
use jiff::{Timestamp, Unit};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::PathBuf;

/// Score one request and list every term of every score, which sum exactly to it.
#[derive(clap::Args)]
#[command(after_help = request::HELP)]
pub(crate) struct Arguments {
    /// The policy file.
    policy: PathBuf,
    /// The request, a JSON document; see below.
    #[arg(long, value_name = "FILE")]
    request: PathBuf,
}

/// One candidate as it is printed.
struct Explained<'a> {
    campaign: Option<&'a str>,
    score: f32,
    position: Option<u32>,
    explanation: Explanation,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Report> {
    let policy = Policy::load(&arguments.policy)?;
    let document = RequestDocument::load(&arguments.request)?;
    let time = document.time.unwrap_or_else(Timestamp::now).round(Unit::Microsecond).unwrap_or(Timestamp::MAX);
    let columns = document.columns(&policy, time)?;
    let mut workspace = Workspace::with_capacity(document.candidates.len());
    let request = columns.request();
    let decision = policy.score(&request, &mut workspace)?;

    let mut explained = Vec::with_capacity(document.candidates.len());
    for (i, candidate) in document.candidates.iter().enumerate() {
        let pick = decision.picks().iter().position(|&pick| pick as usize == i);
        explained.push(Explained {
            campaign: candidate.campaign.as_deref(),
            score: decision.scores()[i],
            position: pick.map(|k| decision.positions()[k]),
            explanation: decision.explain(i)?,
        });
    }
    let segment = [("market", document.market.as_deref()), ("surface", document.surface.as_deref())];
    Ok(Report {
        outcome: Outcome::Good,
        text: text(&policy, time, segment, &explained),
        json: json!({
            "policy_id": policy.id_hex(),
            "time": time,
            "market": document.market,
            "surface": document.surface,
            "reference": decision.reference(),
            "known_segment": decision.known_segment(),
            "propensity": decision.slate_propensity(),
            "given_up": decision.given_up(),
            "candidates": explained.iter().map(|candidate| candidate.document(&policy)).collect::<Vec<Value>>(),
        }),
    })
}

impl Explained<'_> {
    fn document(&self, policy: &Policy) -> Value {
        let terms = self.explanation.terms.iter();
        let terms: Vec<Value> =
            terms.map(|term| json!({"name": policy.term_name(term), "kind": term.kind.name(), "amount": term.amount})).collect();
        json!({
            "campaign": self.campaign,
            "score": f64::from(self.score),
            "reason": self.explanation.reason.name(),
            "position": self.position,
            "cause": self.explanation.cause.as_ref().map(|cause| json!({
                "name": cause.name,
                "lost_to": cause.lost_to,
                "term": cause.term,
                "found": cause.found,
                "limit": cause.limit,
                "text": cause.text,
            })),
            "terms": terms,
        })
    }
}

fn text(policy: &Policy, time: Timestamp, segment: [(&str, Option<&str>); 2], explained: &[Explained<'_>]) -> String {
    let mut text = format!("policy {} at {time}", policy.id_hex());
    for (what, name) in segment {
        let _ = write!(text, ", {what} {}", name.map_or_else(|| "none".to_owned(), shown));
    }
    text.push('\n');
    for (i, candidate) in explained.iter().enumerate() {
        let campaign = candidate.campaign.map_or_else(|| "organic".to_owned(), |id| format!("campaign {}", shown(id)));
        let place = candidate.position.map_or_else(String::new, |place| format!(" at place {place}"));
        let _ = writeln!(
            text,
            "\ncandidate {i}, {campaign}: score {}, {}{place}",
            number(candidate.score.into()),
            candidate.explanation.reason.name()
        );
        for term in &candidate.explanation.terms {
            let _ = writeln!(text, "  {:>12}  {} ({})", number(term.amount), plain(&policy.term_name(term)), term.kind.name());
        }
        if let Some(cause) = &candidate.explanation.cause {
            let _ = writeln!(text, "  {}: {}", cause.name, cause.text);
        }
    }
    text
}
