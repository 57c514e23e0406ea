//! `equipoise check`: whether a policy file is sound and may serve.

use crate::metadata::{document, entries};
use crate::output::{Outcome, Report, plain, shown};
use equipoise::plan::Certificate;
use equipoise::policy::Policy;
use equipoise::{Kind, Result};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use std::path::PathBuf;

/// Check that a policy file is sound and may serve now, and say what is in it.
///
/// Exit status 1 if it is damaged, of a version that cannot be read, or past its end.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The policy file.
    policy: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Report> {
    let policy = match Policy::load(&arguments.policy) {
        Ok(policy) => policy,
        Err(error) if error.kind() == Kind::Policy => {
            let failed: Vec<Value> = error.faults().iter().map(|f| json!({"code": f.code, "message": f.message})).collect();
            return Ok(Report {
                outcome: Outcome::NotMet,
                text: format!("refused: {error}\n"),
                json: json!({"failed": failed, "policy_id": null}),
            });
        }
        Err(error) => return Err(error),
    };
    let until = policy.valid_until().and_then(|micros| Timestamp::from_microsecond(micros).ok());
    let expired = until.is_some_and(|until| until <= Timestamp::now());
    let mut failed = Vec::new();
    if let (true, Some(until)) = (expired, until) {
        failed.push(json!({"code": "policy.expired", "message": format!("valid until {until}")}));
    }
    Ok(Report {
        outcome: if expired { Outcome::NotMet } else { Outcome::Good },
        text: text(&policy, until, expired),
        json: json!({
            "failed": failed,
            "policy_id": policy.id_hex(),
            "measures": policy.measures(),
            "campaigns": policy.campaigns().len(),
            "ledgers": policy.prices().len(),
            "valid_until": until,
            "metadata": policy.metadata().iter().map(|(name, text)| (name.clone(), document(text))).collect::<Map<_, _>>(),
        }),
    })
}

fn text(policy: &Policy, until: Option<Timestamp>, expired: bool) -> String {
    let mut text = format!("policy {}: {}\n", policy.id_hex(), if expired { "sound, but past its end" } else { "sound" });
    let measures: Vec<String> = policy.measures().iter().map(|name| shown(name)).collect();
    let _ = writeln!(text, "  measures     {}", measures.join(", "));
    let _ = writeln!(text, "  campaigns    {}", policy.campaigns().len());
    let _ = writeln!(text, "  ledgers      {}", policy.prices().len());
    let _ = writeln!(text, "  valid until  {}", until.map_or_else(|| "no end".to_owned(), |until| until.to_string()));
    let certificate = Certificate::of_policy(policy);
    if let Some(certificate) = &certificate {
        let _ = writeln!(text, "{certificate}");
    }
    // The problem and the ledgers are long, and the certificate is said; --json has them.
    let said = |name: &str| matches!(name, "problem" | "serving_ledgers") || (name == "certificate" && certificate.is_some());
    for (name, value) in policy.metadata().iter().filter(|(name, _)| !said(name)) {
        for (name, value) in entries(name, value) {
            let _ = writeln!(text, "  {}: {}", plain(&name), plain(&value));
        }
    }
    text
}
